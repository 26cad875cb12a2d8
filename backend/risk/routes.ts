// Risk's part of the API: the trading state of all, and each user's limits, state and exposure.
import { z } from 'zod';
import type { Clock } from '../domain/ids.ts';
import { isoTime } from '../domain/time.ts';
import { json, parse, type Route, readJson, userId } from '../http.ts';
import { TRADING_STATES } from '../store/account-items.ts';
import type { Limits } from './limits.ts';
import { someLimits } from './limits.ts';
import type { AccountView } from './oversight.ts';
import type { Risk } from './risk.ts';
import type { TradingStates } from './trading-state.ts';

const reason = z.string({ error: 'reason is required' }).trim().min(1, 'reason is required').max(500);
const stateBody = z.strictObject({
  state: z.enum(TRADING_STATES, { error: `state must be ${TRADING_STATES.join(', ')}` }),
  reason,
});

type Deps = {
  readonly risk: Risk;
  readonly tradingStates: TradingStates;
  readonly limits: Limits;
  readonly now: Clock;
};

function viewOf({ account, limits, realizedToday }: AccountView, nowMs: number) {
  const { user_id, state, state_reason, reservations, holdings, peak, drawdown_at } = account;
  return {
    user_id,
    state,
    state_reason,
    limits,
    open_orders: Object.entries(reservations).map(([order_id, reservation]) => ({ order_id, ...reservation })),
    holdings: Object.entries(holdings).map(([symbol, { version: _version, ...holding }]) => ({ symbol, ...holding })),
    realized_today: realizedToday,
    peak,
    drawdown_at,
    server_time: isoTime(nowMs),
  };
}

export function riskRoutes(route: Route, { risk, tradingStates, limits, now }: Deps): void {
  async function stateAnswer() {
    await tradingStates.refresh();
    const stored = await tradingStates.stored();
    const { state, reason: why } = tradingStates.current() ?? { state: 'HALTED', reason: 'not known' };
    // What holds may be stricter than what was set: a kill switch.
    const set = stored ? { state: stored.state, reason: stored.reason, by: stored.by, at: stored.at } : null;
    return json({ state, reason: why, set, server_time: isoTime(now()) });
  }

  route('GET', '/api/risk/state', stateAnswer, { summary: 'Whether anybody may trade, and why not' });
  route(
    'PUT',
    '/api/risk/state',
    async function setState(context, { identity }) {
      const wanted = parse(stateBody, await readJson(context));
      await tradingStates.set({ ...wanted, by: identity?.subject ?? 'operator' });
      return stateAnswer();
    },
    { access: 'operator', summary: 'Set the trading state of all', body: stateBody },
  );
  route('GET', '/api/risk/limits', () => json({ limits }), { summary: 'Limits of who has none of their own' });
  route(
    'GET',
    '/api/risk/users/:user_id',
    async function account(context) {
      return json(viewOf(await risk.view(parse(userId, context.req.param('user_id'))), now()));
    },
    { summary: 'Limits, state and exposure of a user' },
  );
  route(
    'PUT',
    '/api/risk/users/:user_id/limits',
    async function setLimits(context) {
      const user = parse(userId, context.req.param('user_id'));
      return json(viewOf(await risk.setLimits(user, parse(someLimits, await readJson(context))), now()));
    },
    { access: 'admin', summary: 'Set limits of a user; those not given stay', body: someLimits },
  );
  route(
    'PUT',
    '/api/risk/users/:user_id/state',
    async function setUserState(context) {
      const user = parse(userId, context.req.param('user_id'));
      const { state, reason: why } = parse(stateBody, await readJson(context));
      return json(viewOf(await risk.setState(user, state, why), now()));
    },
    { access: 'operator', summary: 'Set the trading state of a user', body: stateBody },
  );
}

// What an operator sees of a user's account, and what may be set of it.
import type { Clock } from '../domain/ids.ts';
import { type Decimal, parseDecimal, subtract, ZERO } from '../domain/money.ts';
import type { AccountRecord, TradingState } from '../store/account-items.ts';
import { atTime, realizedOf } from './account.ts';
import type { Accounts } from './accounts.ts';
import { type Limits, limitsOf, type SomeLimits } from './limits.ts';

export type AccountView = {
  readonly account: AccountRecord;
  /** Those that hold: the settings', and over them the user's own. */
  readonly limits: Limits;
  /** Since the day (UTC) began; negative is a loss. */
  readonly realizedToday: Decimal;
};

export type Oversight = {
  readonly view: (userId: string) => Promise<AccountView>;
  /** Sets those that are given; the others stay. */
  readonly setLimits: (userId: string, limits: SomeLimits) => Promise<AccountView>;
  readonly setState: (userId: string, state: TradingState, reason: string) => Promise<AccountView>;
};

export function createOversight(deps: { limits: Limits; now: Clock }, accounts: Accounts): Oversight {
  function viewOf(account: AccountRecord): AccountView {
    const limits = limitsOf(deps.limits, account.limits);
    const current = atTime(account, limits, deps.now());
    const realizedToday = subtract(realizedOf(current), parseDecimal(current.day_opened) ?? ZERO);
    return { account: current, limits, realizedToday };
  }

  async function changed(userId: string, change: (account: AccountRecord) => AccountRecord): Promise<AccountView> {
    const account = await accounts.change(userId, (before) => {
      const after = change(before);
      return { account: after, result: after };
    });
    return viewOf(account);
  }

  return {
    view: async (userId) => viewOf(await accounts.read(userId)),
    setLimits: (userId, limits) =>
      changed(userId, (account) => ({ ...account, limits: { ...account.limits, ...limits } })),
    setState: (userId, state, reason) => changed(userId, (account) => ({ ...account, state, state_reason: reason })),
  };
}

// Risk, as orders see it: may this one be sent, and what has become of it. One conditional write on the user's account says yes,
// so that several instances cannot together let through more than the limits.
import type { Logger } from '../../config/log.ts';
import type { Balances } from '../balances/balances.ts';
import type { Clock } from '../domain/ids.ts';
import type { Decimal } from '../domain/money.ts';
import { isoTime } from '../domain/time.ts';
import type { Exchange } from '../exchange/exchange.ts';
import { unknownSymbol } from '../exchange/symbol-rules.ts';
import type { Prices } from '../market/prices.ts';
import type { Metrics } from '../metrics.ts';
import type { AccountRecord } from '../store/account-items.ts';
import type { OrderRecord, PositionRecord } from '../store/items.ts';
import type { Store } from '../store/store.ts';
import { atTime, emptyAccount, withOrder, withoutReservation, withPosition, withReservation } from './account.ts';
import { type Accounts, type Change, createAccounts } from './accounts.ts';
import { checkOrder } from './check.ts';
import { costIn } from './check-exposure.ts';
import type { Circuits } from './circuits.ts';
import { askedOf, createDecide, type Market } from './decide.ts';
import type { Denial } from './denial.ts';
import { type Facts, type Proposal, unitValueOf } from './facts.ts';
import { type Limits, limitsOf } from './limits.ts';
import { createOversight, type Oversight } from './oversight.ts';
import { createRepair } from './repair.ts';
import { stricter, type TradingStates } from './trading-state.ts';

export type Risk = Oversight & {
  /** Reserves for the order, or says why not. The same order may ask again. Rejects with StoreUnavailable only. */
  readonly reserve: (proposal: Proposal) => Promise<{ readonly kind: 'reserved' } | Denial>;
  /** The last price of a symbol, to turn what an order spends into what it buys, or why there is none. */
  readonly lastPrice: (symbol: string) => Promise<{ readonly kind: 'price'; readonly price: Decimal } | Denial>;
  /** Whether `reserve` would deny it now. Reserves nothing. */
  readonly wouldDeny: (proposal: Proposal) => Promise<Denial | undefined>;
  /** What the exchange answered to an order of the user. */
  readonly recordResult: Circuits['record'];
  /** News of orders and positions, taken in soon, off the caller's path. */
  readonly noteOrder: (order: OrderRecord) => void;
  readonly notePosition: (position: PositionRecord) => void;
  /** Drops reservations whose orders are settled or were never made. Answers how many. Never rejects. */
  readonly repair: () => Promise<number>;
  /** Resolves when all news has been taken in. */
  readonly idle: () => Promise<void>;
};

export type RiskDeps = {
  readonly store: Store;
  readonly prices: Prices;
  readonly exchange: Pick<Exchange, 'rules'>;
  readonly balances: Pick<Balances, 'fresh' | 'recent' | 'ask'>;
  /** Whether the user trades with an account of its own. */
  readonly hasOwnAccount: (userId: string) => Promise<boolean>;
  readonly tradingStates: Pick<TradingStates, 'current' | 'refresh'>;
  readonly circuits: Circuits;
  readonly isReconciling: (userId: string) => boolean;
  readonly limits: Limits;
  readonly metrics: Metrics;
  readonly log: Logger;
  readonly now: Clock;
};

function createLastPrice({ prices, metrics }: Pick<RiskDeps, 'prices' | 'metrics'>): Risk['lastPrice'] {
  const askPrice = askedOf(prices);
  return async function lastPrice(symbol) {
    const result = await askPrice(symbol);
    if (result.kind === 'price') return result;
    const isUnknown = result.kind === 'rejected' && result.reason === 'unknown_symbol';
    const denial: Denial = isUnknown
      ? { kind: 'denied', ...unknownSymbol(symbol, result) }
      : { kind: 'denied', reason: 'QUANTITY_CONVERSION_FAILED', context: { symbol } };
    metrics.riskDecisions.inc({ decision: 'denied', reason: denial.reason });
    return denial;
  };
}

/** Says yes or no, and reserves. */
function createDecider(deps: RiskDeps, accounts: Accounts): Pick<Risk, 'reserve' | 'wouldDeny'> {
  const { tradingStates, circuits, isReconciling, limits: defaults, metrics, log, now } = deps;

  const decide = createDecide(deps, accounts);

  function factsOf(account: AccountRecord, market: Market, { replaces, isOpening = false }: Proposal): Facts {
    const limits = limitsOf(defaults, account.limits);
    const ofAll = tradingStates.current() ?? { state: 'HALTED', reason: 'the trading state is not known' };
    const { state, reason } = stricter(ofAll, { state: account.state, reason: account.state_reason ?? '' });
    const current = atTime(account, limits, now());
    return {
      limits,
      account: replaces === undefined ? current : withoutReservation(current, replaces),
      state,
      stateReason: reason,
      isReconciling: isReconciling(account.user_id),
      openCircuit: circuits.open(account.user_id),
      isOpening,
      ...market,
      nowMs: now(),
    };
  }

  /** An order that is reserved for already is not asked about again. */
  function reserving(proposal: Proposal, market: Market): Change<Denial | undefined> {
    const { orderId, order } = proposal;
    return (account) => {
      if (orderId in account.reservations) return { account, result: undefined };
      const facts = factsOf(account, market, proposal);
      const denial = checkOrder(order, facts);
      if (denial) return { account, result: denial, isFinal: false };
      const { symbol, side, quantity, price } = order;
      const cost = costIn(order, facts);
      const reservation = { symbol, side, quantity, price, unit_value: unitValueOf(order, facts) };
      // The order whose place is taken keeps its own until it is settled: until then either can fill.
      const current = atTime(account, facts.limits, now());
      return {
        account: withReservation(
          current,
          { orderId, reservation: { ...reservation, ...(cost && { cost }), at: isoTime(now()) } },
          now(),
        ),
        result: undefined,
      };
    };
  }

  const asking: typeof reserving = (proposal, market) => (account) => {
    const { result } = reserving(proposal, market)(account);
    return { account, result, isFinal: false };
  };

  return {
    async reserve(proposal) {
      const denial = await decide(proposal, reserving);
      metrics.riskDecisions.inc({ decision: denial ? 'denied' : 'allowed', reason: denial?.reason ?? '' });
      if (!denial) return { kind: 'reserved' };
      const { userId, orderId, order } = proposal;
      const { reason, context } = denial;
      log.info({ userId, orderId, symbol: order.symbol, side: order.side, reason, context }, 'an order was denied');
      return denial;
    },
    wouldDeny: (proposal) => decide(proposal, asking),
  };
}

/** Takes in what became of orders. What fails is found by repairing. */
function createNews(deps: RiskDeps, accounts: Accounts): Pick<Risk, 'noteOrder' | 'notePosition'> {
  const { limits: defaults, metrics, log, now } = deps;

  function quietly(operation: string, userId: string, change: (account: AccountRecord) => AccountRecord): void {
    accounts
      .change(userId, (account) => ({ account: change(account), result: undefined }))
      .catch((error: unknown) => {
        metrics.raised.inc({ operation });
        log.warn({ err: error, userId }, 'risk did not take in what became of an order; repairing will');
      });
  }

  return {
    noteOrder: (order) => quietly('risk.noteOrder', order.user_id, (account) => withOrder(account, order)),
    notePosition: (position) =>
      quietly('risk.notePosition', position.user_id, (account) =>
        withPosition(account, position, { limits: limitsOf(defaults, account.limits), nowMs: now() }),
      ),
  };
}

export function createRisk(deps: RiskDeps): Risk {
  const { store, circuits, limits, now } = deps;

  /** Of a user without an account: positions that came from elsewhere count from the start. */
  async function initial(userId: string): Promise<AccountRecord> {
    const positions = await store.listPositions(userId);
    const facts = { limits, nowMs: now() };
    return positions.reduce((account, position) => withPosition(account, position, facts), emptyAccount(userId, now()));
  }

  const accounts = createAccounts(store, initial);
  const news = createNews(deps, accounts);
  return {
    ...createDecider(deps, accounts),
    lastPrice: createLastPrice(deps),
    ...news,
    ...createOversight(deps, accounts),
    recordResult: circuits.record,
    repair: createRepair(deps, accounts, news.notePosition),
    idle: accounts.idle,
  };
}

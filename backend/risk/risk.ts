// Risk, as orders see it: may this one be sent, and what has become of it. One conditional write on the user's account says yes,
// so that several instances cannot together let through more than the limits.
import type { Logger } from '../../config/log.ts';
import type { Clock } from '../domain/ids.ts';
import type { Decimal } from '../domain/money.ts';
import { isoTime } from '../domain/time.ts';
import type { Exchange, PriceResult } from '../exchange/exchange.ts';
import { unknownSymbol } from '../exchange/symbol-rules.ts';
import type { Prices } from '../market/prices.ts';
import type { Metrics } from '../metrics.ts';
import type { AccountRecord } from '../store/account-items.ts';
import type { OrderRecord, PositionRecord } from '../store/items.ts';
import type { Store } from '../store/store.ts';
import { atTime, emptyAccount, withOrder, withoutReservation, withPosition, withReservation } from './account.ts';
import { type Accounts, type Change, createAccounts } from './accounts.ts';
import { checkOrder, type Denial, type Facts, needsPrice, type ProposedOrder, unitValueOf } from './check.ts';
import type { Circuits } from './circuits.ts';
import { type Limits, limitsOf } from './limits.ts';
import { createOversight, type Oversight } from './oversight.ts';
import { createRepair } from './repair.ts';
import { stricter, type TradingStates } from './trading-state.ts';

export type Proposal = {
  readonly userId: string;
  readonly orderId: string;
  readonly order: ProposedOrder;
  /** The order whose place this one takes: it no longer counts. */
  readonly replaces?: string;
  /** Trading in the symbol is about to begin: that it is not published as traded yet is no reason to deny. */
  readonly isOpening?: boolean;
};

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
  readonly tradingStates: Pick<TradingStates, 'current' | 'refresh'>;
  readonly circuits: Circuits;
  readonly isReconciling: () => boolean;
  readonly limits: Limits;
  readonly metrics: Metrics;
  readonly log: Logger;
  readonly now: Clock;
};

type AskPrice = (symbol: string) => Promise<PriceResult>;

const askedOf =
  (prices: Prices): AskPrice =>
  async (symbol) =>
    prices.fresh(symbol) ?? (await prices.ask(symbol));

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

/** What of the facts is the symbol's. */
type Market = Pick<Facts, 'rules' | 'lastPrice'>;

/** Says yes or no, and reserves. */
function createDecider(deps: RiskDeps, accounts: Accounts): Pick<Risk, 'reserve' | 'wouldDeny'> {
  const { prices, exchange, tradingStates, circuits, isReconciling, limits: defaults, metrics, log, now } = deps;

  const askPrice = askedOf(prices);
  const priceIn = (result: PriceResult | undefined) => (result?.kind === 'price' ? result.price : undefined);

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
      isReconciling: isReconciling(),
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
      const reservation = { symbol, side, quantity, price, unit_value: unitValueOf(order, facts), at: isoTime(now()) };
      // The order whose place is taken keeps its own until it is settled: until then either can fill.
      const current = atTime(account, facts.limits, now());
      return { account: withReservation(current, { orderId, reservation }, now()), result: undefined };
    };
  }

  const asking: typeof reserving = (proposal, market) => (account) => {
    const { result } = reserving(proposal, market)(account);
    return { account, result, isFinal: false };
  };

  /** Asks for the price only where a limit needs it; what a user's own limits need is known once the account has been read. */
  async function decide(proposal: Proposal, change: typeof reserving): Promise<Denial | undefined> {
    if (!tradingStates.current()) await tradingStates.refresh();
    const { userId, order } = proposal;
    const { symbol } = order;
    const rules = await exchange.rules(symbol);
    const known = priceIn(needsPrice(order, defaults) ? await askPrice(symbol) : prices.fresh(symbol));
    const denial = await accounts.change<Denial | 'price' | undefined>(userId, (account) =>
      known === undefined && needsPrice(order, limitsOf(defaults, account.limits))
        ? { account, result: 'price', isFinal: false }
        : change(proposal, { rules, lastPrice: known })(account),
    );
    if (denial !== 'price') return denial;
    const lastPrice = priceIn(await askPrice(symbol));
    return accounts.change(userId, change(proposal, { rules, lastPrice }));
  }

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

// The exchange as the rest of the backend sees it. mexc.ts speaks to the real one, test/helpers/fake-exchange.ts plays it.
import type { Decimal } from '../domain/money.ts';

export type Side = 'BUY' | 'SELL';
/**
 * LIMIT rests. LIMIT_MAKER rests or is refused, so that it never takes. IMMEDIATE_OR_CANCEL fills what it can at once and
 * FILL_OR_KILL all or nothing: what is left of either ends as cancelled. MARKET takes any price.
 */
export const ORDER_TYPES = ['LIMIT', 'MARKET', 'LIMIT_MAKER', 'IMMEDIATE_OR_CANCEL', 'FILL_OR_KILL'] as const;
export type OrderType = (typeof ORDER_TYPES)[number];

/** An order to send. `clientOrderId` is what makes sending twice detectable; `quantity` is in the base asset. */
export type NewOrder = {
  readonly clientOrderId: string;
  readonly symbol: string;
  readonly side: Side;
  readonly orderType: OrderType;
  readonly quantity: Decimal;
  /** What a MARKET BUY spends, in quote; `quantity` then only is what that bought at the last price. */
  readonly quoteQuantity?: Decimal;
  /** Null at market. */
  readonly price: Decimal | null;
  /** The user with whose keys it goes out; absent: with the service's own. */
  readonly account?: string;
  /** By the exchange's clock, ms: not sent any more after this moment, and refused by the exchange if it arrives later. */
  readonly validUntilMs?: number;
};

/** How to name an order to the exchange: by our id, or by its own where ours never reached it (orders from elsewhere). */
export type OrderRef = {
  readonly symbol: string;
  readonly clientOrderId: string;
  readonly exchangeOrderId: string | null;
  /** As of the order. */
  readonly account?: string;
};

/** Why the exchange said no, by who can do something about it. */
export type RejectReason =
  | 'unknown_symbol'
  | 'invalid_order'
  | 'insufficient_balance'
  /** The symbol exists, but not for this order now: suspended, one side only, closed to the API. */
  | 'not_tradable'
  /** Too many open orders, or a position as large as the exchange allows. */
  | 'account_limit'
  | 'rate_limited'
  /** It was too late: not sent any more, or it arrived after its time. */
  | 'expired'
  /** The key, its permissions or its signature. */
  | 'unauthorised'
  | 'refused'
  | 'unreachable';

export type Rejection = {
  readonly kind: 'rejected';
  readonly reason: RejectReason;
  /** The exchange's own error code, null when it gave none (nothing was reached, or no JSON came back). */
  readonly code: number | null;
  readonly detail: string;
};

/** The request may or may not have taken effect: a 5xx, a timeout, a broken connection, an answer that makes no sense. */
export type Unknown = { readonly kind: 'unknown'; readonly detail: string };

export type SubmitResult = { readonly kind: 'accepted'; readonly exchangeOrderId: string } | Rejection | Unknown;

export type ExchangeStatus = 'open' | 'partially_filled' | 'filled' | 'cancelled';

/** What the exchange says an order has come to. */
export type ExchangeOrder = {
  readonly exchangeOrderId: string;
  readonly status: ExchangeStatus;
  readonly filledQuantity: Decimal;
  /** Quote amount of all fills: quantity times price summed. Zero when nothing has filled. */
  readonly filledQuote: Decimal;
  /** What the exchange took for the fills, by asset, as far as it has told; null when it did not say. */
  readonly fees: Readonly<Record<string, Decimal>> | null;
};

export type FindResult =
  | { readonly kind: 'found'; readonly order: ExchangeOrder }
  | { readonly kind: 'not_found' }
  | Rejection
  | Unknown;
export type CancelResult =
  | { readonly kind: 'cancelled'; readonly order: ExchangeOrder }
  | { readonly kind: 'not_found' }
  | Rejection
  | Unknown;
export type PriceResult = { readonly kind: 'price'; readonly price: Decimal } | Rejection | Unknown;

export type Balance = { readonly free: Decimal; readonly locked: Decimal };
/** By asset; one that is not there is zero. */
export type BalancesResult =
  | { readonly kind: 'balances'; readonly balances: ReadonlyMap<string, Balance> }
  | Rejection
  | Unknown;

/** What the exchange publishes about a symbol's orders. */
export type SymbolRules = {
  readonly symbol: string;
  readonly baseAsset: string;
  readonly quoteAsset: string;
  readonly isTraded: boolean;
  readonly sides: readonly Side[];
  readonly orderTypes: readonly OrderType[];
  /** Decimals of a price, and of a quantity. */
  readonly pricePlaces: number;
  readonly quantityPlaces: number;
  readonly quantityMin: Decimal;
  /** Of an order's value in the quote asset, with a limit and at market. */
  readonly value: { readonly min: Decimal; readonly max: Decimal };
  readonly marketValue: { readonly min: Decimal; readonly max: Decimal };
  /** How far above the last price a buy may be, and a sell below it, as a share of it; null where no band is published. */
  readonly band: { readonly buyAbove: Decimal | null; readonly sellBelow: Decimal | null };
};
export type RulesResult = { readonly kind: 'rules'; readonly rules: SymbolRules } | Rejection | Unknown;

/** What an exchange would say to an order, as far as its published rules and its last price tell. Balances are not looked at. */
export type PreviewResult = { readonly kind: 'acceptable'; readonly lastPrice: Decimal } | Rejection | Unknown;

/**
 * The contract, kept by every implementation (test/contracts/exchange.ts):
 *
 * - No method throws or rejects for anything the network or the exchange does. What happened is the result.
 * - `rejected` is a promise: the order does not exist at the exchange and never will by this call. A caller may tell the user
 *   "no". A connection that could not even be opened is `rejected` (`unreachable`), since nothing was sent.
 * - `unknown` promises nothing. The caller must ask `find` before it says or does anything further; it must not send again.
 * - `submit` sends at most once per call, except after a refusal that proves the first was not taken (a clock out of step).
 * - `find` answering `not_found` means that the exchange has no such order *now*: a submission still on its way can yet land
 *   until `submissionLifeMs` after `submit` was called, or until its `validUntilMs` where it has one.
 * - `cancel` answering `not_found` means nothing live to cancel: never there, or already filled or cancelled.
 * - Every call ends within the implementation's own deadline.
 */
export type Exchange = {
  /** For how long after `submit` was called the exchange can still take the order, ms. */
  readonly submissionLifeMs: number;
  /** The exchange's own time as best known, ms since 1970. */
  readonly now: () => number;
  /** Ahead of an order that must leave at a given moment: measures the exchange's clock and opens a connection. */
  readonly prepare: () => Promise<void>;
  readonly submit: (order: NewOrder) => Promise<SubmitResult>;
  /** Asks for rules and prices; sends nothing that could become an order. */
  readonly preview: (order: NewOrder) => Promise<PreviewResult>;
  readonly find: (ref: OrderRef) => Promise<FindResult>;
  readonly cancel: (ref: OrderRef) => Promise<CancelResult>;
  readonly price: (symbol: string) => Promise<PriceResult>;
  /** What the account owns: a user's with keys of its own, or the service's. A heavy question: ask seldom. */
  readonly balances: (account?: string) => Promise<BalancesResult>;
  /** What is published of the symbol, from a cache. */
  readonly rules: (symbol: string) => Promise<RulesResult>;
  /** Undefined when the exchange answers, else the reason why it counts as unreachable. */
  readonly ping: () => Promise<string | undefined>;
  readonly close: () => Promise<void>;
};

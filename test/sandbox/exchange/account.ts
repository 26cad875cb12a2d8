import { type Decimal, decimal, multiply, roundTo } from '../decimal.ts';
import { SYMBOLS, symbolOf, TAKER_FEE } from '../symbols.ts';
import { type Balance, createBalances } from './balances.ts';
import { ERRORS, type ExchangeError } from './errors.ts';
import type { ExchangeOrder, OrderRequest } from './order.ts';

/** Finished orders kept for lookups; older ones are forgotten, oldest first, with their client order ids and trades. */
const FINISHED_ORDERS_MAX = 50_000;
const FEE_PLACES = 8;

/** A fill. Times are ms. */
export interface Trade {
  readonly id: string;
  readonly order: Pick<ExchangeOrder, 'orderId' | 'clientOrderId' | 'symbol' | 'side'>;
  readonly price: Decimal;
  readonly quantity: Decimal;
  readonly fee: Decimal;
  readonly isMaker: boolean;
  readonly timeMs: number;
}

/** The exchange's one account: its orders, trades, balances, and the prices that fill them. Bounded, in memory. */
export interface Account {
  /** Accepts an order and fills what crosses; of a crossing quantity only `share` (0..1) when the book is made thin. */
  place(request: OrderRequest, share: Decimal | undefined): ExchangeOrder | ExchangeError;
  /** Puts back an order that rested here in an earlier life; ignored when its id is known. */
  restore(order: ExchangeOrder): void;
  cancel(symbol: string, id: OrderKey): ExchangeOrder | ExchangeError;
  find(symbol: string, id: OrderKey): ExchangeOrder | ExchangeError;
  open(symbol: string | undefined): readonly ExchangeOrder[];
  trades(symbol: string, orderId: string | undefined, limit: number): readonly Trade[];
  balances(): readonly Balance[];
  priceOf(symbol: string): Decimal;
  /** Moves a price; resting orders that it crosses fill at their own limit. */
  setPrice(symbol: string, price: Decimal): void;
  /** Orders accepted since the start. */
  orderCount(): number;
}

export interface OrderKey {
  readonly orderId: string | undefined;
  readonly clientOrderId: string | undefined;
}

interface Entry {
  order: ExchangeOrder;
  readonly trades: Trade[];
}

/**
 * The book is one price per symbol with any amount behind it: a buy limit at or above it, a sell limit at or below it
 * and every market order fill at once at that price; other limits rest. So what an order does never depends on timing.
 */
export function createAccount(options: { now: () => number; openOrdersMax: number }): Account {
  const { now, openOrdersMax } = options;
  const prices = new Map(SYMBOLS.map(({ symbol, price }) => [symbol, decimal(price)]));
  const open = new Map<string, Entry>();
  const finished = new Map<string, Entry>();
  const idsByClientId = new Map<string, string>();
  const balances = createBalances();
  const startedAtMs = now();
  let accepted = 0;
  let tradeCount = 0;

  const priceOf = (symbol: string): Decimal => prices.get(symbol) ?? 0n;

  /** Restarts must not hand out an id again, or an old order's id would name a new order: hence the start time. */
  const nextOrderId = (): string => {
    accepted += 1;
    return `C02__${startedAtMs}${String(accepted).padStart(8, '0')}`;
  };

  const keep = (entry: Entry): void => {
    const { orderId, status } = entry.order;
    if (status === 'NEW' || status === 'PARTIALLY_FILLED') {
      open.set(orderId, entry);
      return;
    }
    open.delete(orderId);
    finished.set(orderId, entry);
    for (const [oldest, { order }] of finished) {
      if (finished.size <= FINISHED_ORDERS_MAX) break;
      finished.delete(oldest);
      idsByClientId.delete(order.clientOrderId);
    }
  };

  const fill = (entry: Entry, quantity: Decimal, price: Decimal, isMaker: boolean): void => {
    if (quantity <= 0n) return;
    const { order } = entry;
    const fee = isMaker ? 0n : roundTo(multiply(multiply(quantity, price), decimal(TAKER_FEE)), FEE_PLACES);
    const executed = order.executed + quantity;
    const executedQuote = order.executedQuote + multiply(quantity, price);
    const status = executed >= order.quantity ? 'FILLED' : 'PARTIALLY_FILLED';
    tradeCount += 1;
    entry.trades.push({ id: `T${startedAtMs}${tradeCount}`, order, price, quantity, fee, isMaker, timeMs: now() });
    entry.order = { ...order, executed, executedQuote, status, updateTimeMs: now() };
    balances.settle(order, { quantity, price, fee });
  };

  const match = (entry: Entry, share: Decimal): void => {
    const { order } = entry;
    const last = priceOf(order.symbol);
    const crosses = order.type === 'MARKET' || (order.side === 'BUY' ? order.price >= last : order.price <= last);
    if (crosses && order.type !== 'LIMIT_MAKER') {
      const places = symbolOf(order.symbol)?.quantityPlaces ?? 0;
      fill(entry, roundTo(multiply(order.quantity, share), places), last, false);
    }
    const left = entry.order.quantity - entry.order.executed;
    if (left > 0n && order.type !== 'LIMIT' && order.type !== 'LIMIT_MAKER') finish(entry);
  };

  const finish = (entry: Entry): void => {
    balances.release(entry.order);
    const status = entry.order.executed > 0n ? 'PARTIALLY_CANCELED' : 'CANCELED';
    entry.order = { ...entry.order, status, updateTimeMs: now() };
  };

  const lookUp = (symbol: string, key: OrderKey): Entry | undefined => {
    const id = key.orderId || idsByClientId.get(key.clientOrderId ?? '') || '';
    const entry = open.get(id) ?? finished.get(id);
    return entry?.order.symbol === symbol ? entry : undefined;
  };

  return {
    place(request, share = decimal('1')) {
      if (request.clientOrderId && idsByClientId.has(request.clientOrderId)) return ERRORS.duplicateClientOrderId;
      if (open.size >= openOrdersMax) return ERRORS.tooManyOrders;
      const last = priceOf(request.symbol);
      const taking = request.side === 'BUY' ? request.price >= last : request.price <= last;
      if (request.type === 'LIMIT_MAKER' && taking) return ERRORS.typeNotAllowed;
      const orderId = nextOrderId();
      const times = { timeMs: now(), updateTimeMs: now() };
      const clientOrderId = request.clientOrderId || orderId;
      const order: ExchangeOrder = {
        ...request,
        ...times,
        orderId,
        clientOrderId,
        executed: 0n,
        executedQuote: 0n,
        status: 'NEW',
      };
      if (!balances.lock(order, last)) return ERRORS.insufficient;
      const entry: Entry = { order, trades: [] };
      idsByClientId.set(clientOrderId, orderId);
      match(entry, share);
      keep(entry);
      return entry.order;
    },
    restore(order) {
      if (open.has(order.orderId) || open.size >= openOrdersMax || !balances.lock(order, 0n)) return;
      open.set(order.orderId, { order, trades: [] });
      idsByClientId.set(order.clientOrderId, order.orderId);
    },
    cancel(symbol, key) {
      const entry = lookUp(symbol, key);
      if (!entry || !open.has(entry.order.orderId)) return ERRORS.unknownOrder;
      finish(entry);
      keep(entry);
      return entry.order;
    },
    find: (symbol, key) => lookUp(symbol, key)?.order ?? ERRORS.orderNotFound,
    open: (symbol) => [...open.values()].map(({ order }) => order).filter((o) => !symbol || o.symbol === symbol),
    trades(symbol, orderId, limit) {
      const entries = orderId
        ? [lookUp(symbol, { orderId, clientOrderId: undefined })]
        : [...open.values(), ...finished.values()];
      const all = entries.flatMap((entry) => (entry?.order.symbol === symbol ? entry.trades : []));
      return all.sort((a, b) => b.timeMs - a.timeMs).slice(0, limit);
    },
    balances: balances.all,
    priceOf,
    setPrice(symbol, price) {
      prices.set(symbol, price);
      for (const entry of [...open.values()]) {
        const { order } = entry;
        const crossed = order.side === 'BUY' ? order.price >= price : order.price <= price;
        if (order.symbol !== symbol || !crossed) continue;
        fill(entry, order.quantity - order.executed, order.price, true);
        keep(entry);
      }
    },
    orderCount: () => accepted,
  };
}

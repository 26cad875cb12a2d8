import { type Decimal, decimal, multiply, roundTo } from '../decimal.ts';
import { QUOTE_ASSET, TAKER_FEE } from '../symbols.ts';
import { type Balance, type Balances, createBalances } from './balances.ts';
import { ERRORS, type ExchangeError } from './errors.ts';
import type { Market } from './market.ts';
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

/** What whoever follows an account hears, as it happens. */
export interface AccountListener {
  onOrder(order: ExchangeOrder, lastFill: Decimal): void;
  onTrade(trade: Trade): void;
  onBalance(balance: Balance, reason: 'ENTRUST_PLACE' | 'ENTRUST_CANCEL' | 'ENTRUST'): void;
}

/** One account of the exchange: its orders, trades and balances. Bounded, in memory. */
export interface Account {
  /** Accepts an order and fills what crosses; of a fill by the house only `share` (0..1) when it is made thin. */
  place(request: OrderRequest, share: Decimal | undefined): ExchangeOrder | ExchangeError;
  /** Puts back an order that rested here in an earlier life; ignored when its id is known. */
  restore(order: ExchangeOrder): void;
  cancel(symbol: string, id: OrderKey): ExchangeOrder | ExchangeError;
  find(symbol: string, id: OrderKey): ExchangeOrder | ExchangeError;
  open(symbol: string | undefined): readonly ExchangeOrder[];
  trades(symbol: string, orderId: string | undefined, limit: number): readonly Trade[];
  balances(): readonly Balance[];
  follow(listener: AccountListener): void;
  /** Orders accepted since the start. */
  orderCount(): number;
}

export interface OrderKey {
  readonly orderId: string | undefined;
  readonly clientOrderId: string | undefined;
}

interface Entry {
  order: ExchangeOrder;
  /** What is set aside for the rest of it, in the asset it pays with. */
  reserved: Decimal;
  readonly trades: Trade[];
}

export interface AccountOptions {
  readonly now: () => number;
  readonly openOrdersMax: number;
  readonly markets: ReadonlyMap<string, Market>;
  /** Makes order ids; shared by all accounts. */
  readonly nextId: () => string;
}

export function createAccount({ now, openOrdersMax, markets, nextId }: AccountOptions): Account {
  const open = new Map<string, Entry>();
  const finished = new Map<string, Entry>();
  const idsByClientId = new Map<string, string>();
  const assets = [QUOTE_ASSET, ...[...markets.values()].map(({ rules }) => rules.baseAsset)];
  const balances: Balances = createBalances(assets);
  const listeners: AccountListener[] = [];
  const tell = (say: (listener: AccountListener) => void): void => listeners.forEach(say);
  let accepted = 0;

  const baseOf = (symbol: string): string => markets.get(symbol)?.rules.baseAsset ?? '';
  const payingAsset = ({ side, symbol }: ExchangeOrder): string => (side === 'BUY' ? QUOTE_ASSET : baseOf(symbol));

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

  /** What is set aside for `quantity` of an order: at its limit, or whatever a market order may spend. */
  const costOf = (order: ExchangeOrder, quantity: Decimal, last: Decimal): Decimal => {
    if (order.side === 'SELL') return quantity;
    return order.quoteQuantity || multiply(quantity, order.price || last);
  };

  const fill = (entry: Entry, quantity: Decimal, price: Decimal, isMaker: boolean): void => {
    const { order } = entry;
    const quote = multiply(quantity, price);
    const fee = isMaker ? 0n : roundTo(multiply(quote, decimal(TAKER_FEE)), FEE_PLACES);
    const executed = order.executed + quantity;
    const status = executed >= order.quantity ? 'FILLED' : 'PARTIALLY_FILLED';
    const trade = { id: `T${nextId()}`, order, price, quantity, fee, isMaker, timeMs: now() };
    entry.trades.push(trade);
    entry.order = { ...order, executed, executedQuote: order.executedQuote + quote, status, updateTimeMs: now() };
    settle(entry, { quantity, quote, fee });
    tell((listener) => listener.onTrade(trade));
    tell((listener) => listener.onOrder(entry.order, quantity));
  };

  const settle = (
    entry: Entry,
    { quantity, quote, fee }: { quantity: Decimal; quote: Decimal; fee: Decimal },
  ): void => {
    const { order } = entry;
    const isBuy = order.side === 'BUY';
    const paid = isBuy ? quote : quantity;
    balances.pay(payingAsset(order), paid);
    // A limit buy had set aside its limit's worth; the better price gives some of it back.
    const atLimit = isBuy && order.price > 0n ? multiply(quantity, order.price) : paid;
    balances.unlock(payingAsset(order), atLimit - paid);
    entry.reserved -= atLimit;
    balances.receive(isBuy ? baseOf(order.symbol) : QUOTE_ASSET, isBuy ? quantity : quote);
    balances.receive(QUOTE_ASSET, -fee);
    for (const asset of [QUOTE_ASSET, baseOf(order.symbol)])
      tell((listener) => listener.onBalance(balances.of(asset), 'ENTRUST'));
  };

  const release = (entry: Entry): void => {
    balances.unlock(payingAsset(entry.order), entry.reserved);
    entry.reserved = 0n;
  };

  const cancelRest = (entry: Entry): void => {
    const { order } = entry;
    const status = order.executed > 0n ? 'PARTIALLY_CANCELED' : 'CANCELED';
    release(entry);
    entry.order = { ...order, status, updateTimeMs: now() };
    tell((listener) => listener.onOrder(entry.order, 0n));
    tell((listener) => listener.onBalance(balances.of(payingAsset(order)), 'ENTRUST_CANCEL'));
  };

  const rest = (entry: Entry, market: Market): void =>
    market.rest({
      id: entry.order.orderId,
      side: entry.order.side,
      price: entry.order.price,
      left: entry.order.quantity - entry.order.executed,
      onFill(quantity, price) {
        fill(entry, quantity, price, true);
        keep(entry);
      },
    });

  /** A new order's first moments: what crosses fills, what may rest does, anything else is given back. */
  const run = (entry: Entry, market: Market, share: Decimal): void => {
    const { type } = entry.order;
    const isRefused = type === 'FILL_OR_KILL' && !market.canFill(entry.order);
    const fills = type === 'LIMIT_MAKER' || isRefused ? [] : market.match(entry.order, share);
    for (const { quantity, price } of fills) fill(entry, quantity, price, false);
    // A market order sized by money is for what that money bought.
    if (entry.order.quoteQuantity > 0n && entry.order.executed > 0n && share === decimal('1')) {
      entry.order = { ...entry.order, quantity: entry.order.executed, status: 'FILLED' };
    }
    if (entry.order.status === 'FILLED') release(entry);
    else if (type === 'LIMIT' || type === 'LIMIT_MAKER') rest(entry, market);
    else cancelRest(entry);
  };

  const lookUp = (symbol: string, key: OrderKey): Entry | undefined => {
    const id = key.orderId || idsByClientId.get(key.clientOrderId ?? '') || '';
    const entry = open.get(id) ?? finished.get(id);
    return entry?.order.symbol === symbol ? entry : undefined;
  };

  return {
    place(request, share = decimal('1')) {
      const market = markets.get(request.symbol);
      if (!market?.isOpen()) return ERRORS.badSymbol;
      if (!market.isInBand(request.side, request.price)) return ERRORS.priceBand;
      if (request.clientOrderId && idsByClientId.has(request.clientOrderId)) return ERRORS.duplicateClientOrderId;
      if (open.size >= openOrdersMax) return ERRORS.tooManyOrders;
      if (request.type === 'LIMIT_MAKER' && market.wouldTake(request.side, request.price)) return ERRORS.typeNotAllowed;
      const orderId = nextId();
      const clientOrderId = request.clientOrderId || orderId;
      const times = { timeMs: now(), updateTimeMs: now() };
      const order: ExchangeOrder = {
        ...{ ...request, ...times, orderId, clientOrderId },
        ...{ executed: 0n, executedQuote: 0n, status: 'NEW' },
      };
      const reserved = costOf(order, order.quantity, market.lastPrice());
      if (!balances.lock(payingAsset(order), reserved)) return ERRORS.insufficient;
      accepted += 1;
      const entry: Entry = { order, reserved, trades: [] };
      idsByClientId.set(clientOrderId, orderId);
      tell((listener) => listener.onOrder(order, 0n));
      tell((listener) => listener.onBalance(balances.of(payingAsset(order)), 'ENTRUST_PLACE'));
      run(entry, market, share);
      keep(entry);
      return entry.order;
    },
    restore(order) {
      const market = markets.get(order.symbol);
      if (!market || open.has(order.orderId) || open.size >= openOrdersMax) return;
      const reserved = costOf(order, order.quantity - order.executed, 0n);
      if (!balances.lock(payingAsset(order), reserved)) return;
      const entry: Entry = { order, reserved, trades: [] };
      open.set(order.orderId, entry);
      idsByClientId.set(order.clientOrderId, order.orderId);
      rest(entry, market);
    },
    cancel(symbol, key) {
      const entry = lookUp(symbol, key);
      if (!entry || !open.has(entry.order.orderId)) return ERRORS.unknownOrder;
      markets.get(symbol)?.remove(entry.order.orderId);
      cancelRest(entry);
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
    follow: (listener) => listeners.push(listener),
    orderCount: () => accepted,
  };
}

import { add, compare, type Decimal, decimalOf, divide, multiply, ZERO } from '../../backend/domain/money.ts';
import {
  type Balance,
  type Exchange,
  type ExchangeOrder,
  type NewOrder,
  ORDER_TYPES,
  type OrderRef,
  type Rejection,
  type SymbolRules,
} from '../../backend/exchange/exchange.ts';
import { violationOf } from '../../backend/exchange/symbol-rules.ts';

type Operation = 'submit' | 'find' | 'cancel' | 'price' | 'balances' | 'ping';
/** `lost`: the work is done and the answer never comes. `unknown`: the work is not done and nobody is told. */
export type Trouble = 'lost' | 'unknown' | Rejection;

export type FakeExchange = Exchange & {
  /** Strikes the next call of `operation`. */
  readonly trouble: (operation: Operation, trouble: Trouble) => void;
  /** Fills an open order to `quantity` in all, at its limit or the last price. */
  readonly fill: (clientOrderId: string, quantity: string) => void;
  /** Publishes other rules for a symbol than that anything goes. */
  readonly setRules: (symbol: string, rules: Partial<SymbolRules>) => void;
  /** Fees are taken in this asset from now on. */
  readonly takeFeesIn: (asset: string) => void;
  /** What the account owns; nothing is locked by orders. */
  readonly setFree: (asset: string, free: string) => void;
  readonly setPrice: (symbol: string, price: string) => void;
  /** Runs within the next submission, before it takes effect. */
  readonly duringSubmit: (action: () => Promise<void>) => void;
  /** And within the questions from now on, before they are answered. */
  readonly duringFind: (action: () => Promise<void>) => void;
  /** Submissions that took effect. */
  readonly orderCount: () => number;
  /** What all orders together have filled. */
  readonly filledTotal: () => Decimal;
  /** Calls made, whatever came of them. */
  readonly calls: Record<Operation, number>;
};

type Entry = { -readonly [K in keyof ExchangeOrder]: ExchangeOrder[K] } & { order: NewOrder; price: Decimal };

/** Anything goes. */
function rulesOf(symbol: string): SymbolRules {
  const any = { min: ZERO, max: decimalOf('1e30') };
  return {
    ...{ symbol, baseAsset: symbol.slice(0, -4), quoteAsset: symbol.slice(-4), isTraded: true },
    ...{ sides: ['BUY', 'SELL'], orderTypes: ORDER_TYPES, pricePlaces: 18, quantityPlaces: 18, quantityMin: ZERO },
    ...{ value: any, marketValue: any, band: { buyAbove: null, sellBelow: null } },
  };
}

/** An exchange in memory that keeps the port's contract: crossing orders fill at the last price, others rest. */
/** `now` is its own clock. */
export function createFakeExchange(now: () => number = Date.now): FakeExchange {
  const prices = new Map([
    ['BTCUSDT', decimalOf('65000.25')],
    ['ETHUSDT', decimalOf('3200.5')],
  ]);
  const balances = new Map<string, Balance>();
  const rules = new Map<string, Partial<SymbolRules>>();
  const entries = new Map<string, Entry>();
  const troubles = new Map<Operation, Trouble[]>();
  const calls = { submit: 0, find: 0, cancel: 0, price: 0, balances: 0, ping: 0 };
  const unknown = { kind: 'unknown', detail: 'no answer' } as const;
  const rejected = (reason: Rejection['reason'], code: number, detail: string): Rejection => ({
    kind: 'rejected',
    reason,
    code,
    detail,
  });
  let feeAsset: string | undefined;
  let during: () => Promise<void> = async () => {};
  let asking: () => Promise<void> = async () => {};

  async function strike<T>(operation: Operation, work: () => T): Promise<T | typeof unknown | Rejection> {
    calls[operation] += 1;
    const trouble = troubles.get(operation)?.shift();
    if (trouble === undefined) return work();
    if (trouble === 'unknown') return unknown;
    if (trouble !== 'lost') return trouble;
    work();
    return unknown;
  }
  const entryOf = ({ clientOrderId, exchangeOrderId }: OrderRef) =>
    [...entries.values()].find((entry) =>
      exchangeOrderId === null
        ? entry.order.clientOrderId === clientOrderId
        : entry.exchangeOrderId === exchangeOrderId,
    );
  const stateOf = ({ exchangeOrderId, status, filledQuantity, filledQuote, fees }: Entry): ExchangeOrder => ({
    exchangeOrderId,
    status,
    filledQuantity,
    filledQuote,
    fees,
  });
  function fillTo(entry: Entry, quantity: Decimal): void {
    entry.filledQuantity = quantity;
    entry.filledQuote = multiply(quantity, entry.price);
    entry.fees = { [feeAsset ?? entry.order.symbol.slice(-4)]: multiply(entry.filledQuote, decimalOf('0.0005')) };
    const whole = entry.order.quoteQuantity ? quantity : entry.order.quantity;
    entry.status = compare(quantity, whole) < 0 ? 'partially_filled' : 'filled';
  }
  function take(order: NewOrder) {
    const last = prices.get(order.symbol);
    if (!last) return rejected('unknown_symbol', 10007, 'bad symbol');
    const crosses =
      order.price === null ||
      (order.side === 'BUY' ? compare(order.price, last) >= 0 : compare(order.price, last) <= 0);
    const entry: Entry = {
      order,
      price: crosses ? last : (order.price ?? last),
      exchangeOrderId: `X${entries.size + 1}`,
      status: 'open',
      filledQuantity: ZERO,
      filledQuote: ZERO,
      fees: null,
    };
    entries.set(entry.exchangeOrderId, entry);
    const { orderType, quoteQuantity } = order;
    if (crosses && orderType === 'LIMIT_MAKER') {
      entries.delete(entry.exchangeOrderId);
      return rejected('invalid_order', 30041, 'current order type can not place order');
    }
    if (crosses) fillTo(entry, quoteQuantity ? divide(quoteQuantity, last, 6) : order.quantity);
    else if (orderType === 'IMMEDIATE_OR_CANCEL' || orderType === 'FILL_OR_KILL') entry.status = 'cancelled';
    return { kind: 'accepted', exchangeOrderId: entry.exchangeOrderId } as const;
  }

  return {
    submissionLifeMs: 10_000,
    now,
    prepare: async () => {},
    async submit(order) {
      await during();
      if (order.validUntilMs !== undefined && now() > order.validUntilMs)
        return rejected('expired', 700003, 'too late');
      return strike('submit', () => take(order));
    },
    async preview(order) {
      const lastPrice = prices.get(order.symbol);
      if (!lastPrice) return rejected('unknown_symbol', 10007, 'bad symbol');
      const violation = violationOf(order, { ...rulesOf(order.symbol), ...rules.get(order.symbol) }, lastPrice);
      return violation?.rejection ?? { kind: 'acceptable', lastPrice };
    },
    rules: async (symbol) =>
      prices.has(symbol)
        ? { kind: 'rules', rules: { ...rulesOf(symbol), ...rules.get(symbol) } }
        : rejected('unknown_symbol', 10007, 'bad symbol'),
    async find(ref) {
      await asking();
      return strike('find', () => {
        const entry = entryOf(ref);
        return entry ? ({ kind: 'found', order: stateOf(entry) } as const) : ({ kind: 'not_found' } as const);
      });
    },
    cancel: (ref) =>
      strike('cancel', () => {
        const entry = entryOf(ref);
        if (!entry || entry.status === 'filled' || entry.status === 'cancelled') return { kind: 'not_found' } as const;
        entry.status = 'cancelled';
        return { kind: 'cancelled', order: stateOf(entry) } as const;
      }),
    price: (symbol) =>
      strike('price', () => {
        const price = prices.get(symbol);
        return price ? ({ kind: 'price', price } as const) : rejected('unknown_symbol', 10007, 'bad symbol');
      }),
    balances: () => strike('balances', () => ({ kind: 'balances', balances: new Map(balances) }) as const),
    async ping() {
      const result = await strike('ping', () => undefined);
      return result?.detail;
    },
    close: async () => {},
    trouble: (operation, trouble) => troubles.set(operation, [...(troubles.get(operation) ?? []), trouble]),
    fill(clientOrderId, quantity) {
      const entry = [...entries.values()].find(({ order }) => order.clientOrderId === clientOrderId);
      if (!entry) throw new Error(`no order ${clientOrderId}`);
      fillTo(entry, decimalOf(quantity));
    },
    setRules: (symbol, given) => rules.set(symbol, given),
    takeFeesIn(asset) {
      feeAsset = asset;
    },
    setFree: (asset, free) => balances.set(asset, { free: decimalOf(free), locked: ZERO }),
    setPrice: (symbol, price) => prices.set(symbol, decimalOf(price)),
    duringSubmit(action) {
      during = action;
    },
    duringFind(action) {
      asking = action;
    },
    orderCount: () => entries.size,
    filledTotal: () => [...entries.values()].reduce((sum, { filledQuantity }) => add(sum, filledQuantity), ZERO),
    calls,
  };
}

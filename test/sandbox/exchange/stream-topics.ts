import { type Push, pushCodec } from '../../../backend/exchange/mexc-push.ts';
import { type Decimal, formatDecimal, multiply } from '../decimal.ts';
import { QUOTE_ASSET } from '../symbols.ts';
import type { Account, Trade } from './account.ts';
import type { Balance } from './balances.ts';
import { INTERVALS, type Interval } from './intervals.ts';
import type { Deal, Market } from './market.ts';
import type { ExchangeOrder, Side } from './order.ts';

/** One topic while somebody listens: what has gathered since the last push. */
export interface Topic {
  readonly everyMs: number;
  /** The frame that is due, if anything is; empties what has gathered. */
  take(): Uint8Array | undefined;
  stop(): void;
}

const PUBLIC = /^spot@public\.(aggre\.depth|aggre\.deals|aggre\.bookTicker)\.v3\.api\.pb@(10|100)ms@([A-Z0-9]+)$/;
const LIMIT_DEPTH = /^spot@public\.limit\.depth\.v3\.api\.pb@([A-Z0-9]+)@(5|10|20)$/;
const KLINE = /^spot@public\.kline\.v3\.api\.pb@([A-Z0-9]+)@(\w+)$/;
const MINI_TICKER = /^spot@public\.miniTicker\.v3\.api\.pb@([A-Z0-9]+)@(24H|UTC[+-]\d{1,2}(?::\d\d)?)$/;
const LIMIT_DEPTH_MS = 100;
const KLINE_MS = 1000;
const MINI_TICKER_MS = 3000;
const STREAM_INTERVALS: Readonly<Record<string, string>> = {
  Min1: '1m',
  Min5: '5m',
  Min15: '15m',
  Min30: '30m',
  Min60: '60m',
  Hour4: '4h',
  Day1: '1d',
  Week1: '1W',
  Month1: '1M',
};

type Levels = readonly { readonly price: Decimal; readonly quantity: Decimal }[];
const levelsText = (levels: Levels) =>
  levels.map(({ price, quantity }) => ({ price: formatDecimal(price), quantity: formatDecimal(quantity) }));

/** Undefined: there is no such topic. */
export function createTopic(name: string, markets: ReadonlyMap<string, Market>, now: () => number): Topic | undefined {
  const frame = (symbol: string, body: Partial<Push>) =>
    pushCodec.encode({ channel: name, symbol, sendTime: BigInt(now()), ...body });
  const [, kind, interval, aggregated = ''] = PUBLIC.exec(name) ?? [];
  const market = markets.get(aggregated);
  if (market && kind !== undefined) {
    const gather = GATHERERS[kind];
    return gather && { everyMs: Number(interval), ...gather(market, (body) => frame(aggregated, body)) };
  }
  const [, limited = '', count] = LIMIT_DEPTH.exec(name) ?? [];
  const limitedMarket = markets.get(limited);
  if (limitedMarket) return polled(LIMIT_DEPTH_MS, () => frame(limited, limitDepth(limitedMarket, Number(count))));
  const [, charted = '', chart = ''] = KLINE.exec(name) ?? [];
  const chartedMarket = markets.get(charted);
  const charting = INTERVALS[STREAM_INTERVALS[chart] ?? ''];
  if (chartedMarket && charting)
    return polled(KLINE_MS, () => frame(charted, kline(chartedMarket, chart, charting, now())));
  const [, listed = ''] = MINI_TICKER.exec(name) ?? [];
  const listedMarket = markets.get(listed);
  return listedMarket && polled(MINI_TICKER_MS, () => frame(listed, miniTicker(listedMarket)));
}

const polled = (everyMs: number, take: () => Uint8Array): Topic => ({ everyMs, take, stop() {} });

type Gatherer = (market: Market, frame: (body: Partial<Push>) => Uint8Array) => Omit<Topic, 'everyMs'>;

/** Levels that changed, each with what it is at last, and the versions they span. */
const gatherDepth: Gatherer = (market, frame) => {
  const changed: Record<Side, Map<Decimal, Decimal>> = { BUY: new Map(), SELL: new Map() };
  let [from, to] = [0, 0];
  const stop = market.follow({
    onLevel({ side, price, quantity, version }) {
      if (from === 0) from = version;
      to = version;
      changed[side].set(price, quantity);
    },
    onDeal() {},
  });
  const taken = (side: Side) => {
    const levels = levelsText([...changed[side]].map(([price, quantity]) => ({ price, quantity })));
    changed[side].clear();
    return levels;
  };
  return {
    stop,
    take() {
      if (from === 0) return undefined;
      const versions = { fromVersion: String(from), toVersion: String(to) };
      from = 0;
      const eventType = 'spot@public.aggre.depth.v3.api.pb';
      const rest = { eventType, lastOrderCreateTime: 0n };
      return frame({ publicAggreDepths: { asks: taken('SELL'), bids: taken('BUY'), ...versions, ...rest } });
    },
  };
};

const gatherDeals: Gatherer = (market, frame) => {
  let deals: Deal[] = [];
  const stop = market.follow({ onLevel() {}, onDeal: (deal) => deals.push(deal) });
  return {
    stop,
    take() {
      if (deals.length === 0) return undefined;
      const taken = deals.map(({ price, quantity, takerSide, timeMs, id }) => ({
        price: formatDecimal(price),
        quantity: formatDecimal(quantity),
        tradeType: takerSide === 'BUY' ? 1 : 2,
        time: BigInt(timeMs),
        tradeId: id,
      }));
      deals = [];
      return frame({ publicAggreDeals: { deals: taken, eventType: 'spot@public.aggre.deals.v3.api.pb' } });
    },
  };
};

const gatherBookTicker: Gatherer = (market, frame) => {
  let isChanged = true;
  const stop = market.follow({
    onLevel() {
      isChanged = true;
    },
    onDeal() {},
  });
  return {
    stop,
    take() {
      if (!isChanged) return undefined;
      isChanged = false;
      const [bid] = levelsText(market.levels('BUY', 1));
      const [ask] = levelsText(market.levels('SELL', 1));
      const prices = { bidPrice: bid?.price ?? '', askPrice: ask?.price ?? '' };
      const quantities = { bidQuantity: bid?.quantity ?? '', askQuantity: ask?.quantity ?? '' };
      const rest = { version: String(market.version()), lastOrderCreateTime: 0n };
      return frame({ publicAggreBookTicker: { ...prices, ...quantities, ...rest } });
    },
  };
};

const GATHERERS: Readonly<Record<string, Gatherer>> = {
  'aggre.depth': gatherDepth,
  'aggre.deals': gatherDeals,
  'aggre.bookTicker': gatherBookTicker,
};

function limitDepth(market: Market, count: number): Partial<Push> {
  const levels = (side: Side) => levelsText(market.levels(side, count));
  const rest = { eventType: 'spot@public.limit.depth.v3.api.pb', lastOrderCreateTime: 0n };
  const version = String(market.version());
  return { publicLimitDepths: { asks: levels('SELL'), bids: levels('BUY'), version, ...rest } };
}

function kline(market: Market, interval: string, { openOf, endOf }: Interval, nowMs: number): Partial<Push> {
  const openMs = openOf(nowMs);
  const candle = market.candles({ openOf, endOf }, { fromMs: openMs, toMs: nowMs, limit: 1 })[0];
  const text = (value: Decimal | undefined) => formatDecimal(value ?? market.lastPrice());
  return {
    publicSpotKline: {
      interval,
      windowStart: BigInt(openMs / 1000),
      windowEnd: BigInt(endOf(openMs) / 1000),
      openingPrice: text(candle?.open),
      closingPrice: text(candle?.close),
      highestPrice: text(candle?.high),
      lowestPrice: text(candle?.low),
      volume: formatDecimal(candle?.volume ?? 0n),
      amount: formatDecimal(candle?.quoteVolume ?? 0n),
    },
  };
}

function miniTicker(market: Market): Partial<Push> {
  const price = formatDecimal(market.lastPrice());
  const still = { rate: '0', zonedRate: '0', lastCloseRate: '0', lastCloseZonedRate: '0' };
  const ends = { high: price, low: price, lastCloseHigh: price, lastCloseLow: price };
  return { publicMiniTicker: { symbol: market.rules.symbol, price, ...still, ...ends, volume: '0', quantity: '0' } };
}

const ORDER_TYPES = { LIMIT: 1, LIMIT_MAKER: 2, IMMEDIATE_OR_CANCEL: 3, FILL_OR_KILL: 4, MARKET: 5 } as const;
const STATUSES = { NEW: 1, FILLED: 2, PARTIALLY_FILLED: 3, CANCELED: 4, PARTIALLY_CANCELED: 5 } as const;
const tradeTypeOf = (side: Side): number => (side === 'BUY' ? 1 : 2);

/** Tells `push` of everything an account's owner hears, by topic. */
export function followAccount(
  account: Account,
  now: () => number,
  push: (topic: string, frame: Uint8Array) => void,
): void {
  const send = (name: string, symbol: string, body: Partial<Push>): void => {
    const channel = `spot@private.${name}.v3.api.pb`;
    push(channel, pushCodec.encode({ channel, symbol, sendTime: BigInt(now()), ...body }));
  };
  account.follow({
    onTrade: (trade) => send('deals', trade.order.symbol, { privateDeals: dealOf(trade) }),
    onOrder: (order, lastFill) => send('orders', order.symbol, { privateOrders: orderOf(order, lastFill) }),
    onBalance: (balance, reason) => send('account', '', { privateAccount: balanceOf(balance, reason, now()) }),
  });
}

function dealOf({ order, price, quantity, fee, isMaker, id, timeMs }: Trade) {
  return {
    price: formatDecimal(price),
    quantity: formatDecimal(quantity),
    amount: formatDecimal(multiply(price, quantity)),
    tradeType: tradeTypeOf(order.side),
    isMaker,
    isSelfTrade: false,
    tradeId: id,
    clientOrderId: order.clientOrderId,
    orderId: order.orderId,
    feeAmount: formatDecimal(fee),
    feeCurrency: QUOTE_ASSET,
    time: BigInt(timeMs),
  };
}

function orderOf(order: ExchangeOrder, lastFill: Decimal) {
  const { executed, executedQuote, quantity, price } = order;
  const average = executed > 0n ? formatDecimal((executedQuote * 10n ** 18n) / executed) : '0';
  return {
    id: order.orderId,
    clientId: order.clientOrderId,
    price: formatDecimal(price),
    quantity: formatDecimal(quantity),
    amount: formatDecimal(order.quoteQuantity || multiply(quantity, price)),
    avgPrice: average,
    orderType: ORDER_TYPES[order.type],
    tradeType: tradeTypeOf(order.side),
    isMaker: order.type === 'LIMIT_MAKER',
    remainAmount: formatDecimal(multiply(quantity - executed, price)),
    remainQuantity: formatDecimal(quantity - executed),
    lastDealQuantity: lastFill > 0n ? formatDecimal(lastFill) : undefined,
    cumulativeQuantity: formatDecimal(executed),
    cumulativeAmount: formatDecimal(executedQuote),
    status: STATUSES[order.status],
    createTime: BigInt(order.timeMs),
  };
}

function balanceOf({ asset, free, locked }: Balance, type: string, nowMs: number) {
  return {
    vcoinName: asset,
    coinId: asset,
    balanceAmount: formatDecimal(free),
    balanceAmountChange: '',
    frozenAmount: formatDecimal(locked),
    frozenAmountChange: '',
    type,
    time: BigInt(nowMs),
  };
}

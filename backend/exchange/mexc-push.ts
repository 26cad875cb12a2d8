// What MEXC pushes over a WebSocket, as Protocol Buffers: message and field names and numbers as the exchange publishes them
// (websocket-proto, June 2026). Prices, quantities and versions are text; times are ms unless a name says seconds.
import { codecOf, type Decoded, flag, int32, int64, listOf, message, oneOf, optional, text } from '../protobuf.ts';

const level = message('PublicAggreDepthV3ApiItem', { price: text(1), quantity: text(2) });

const aggreDepths = message('PublicAggreDepthsV3Api', {
  asks: listOf(level, 1),
  bids: listOf(level, 2),
  eventType: text(3),
  fromVersion: text(4),
  toVersion: text(5),
  lastOrderCreateTime: int64(6),
});
const limitDepths = message('PublicLimitDepthsV3Api', {
  asks: listOf(level, 1),
  bids: listOf(level, 2),
  eventType: text(3),
  version: text(4),
  lastOrderCreateTime: int64(5),
});
const deal = message('PublicAggreDealsV3ApiItem', {
  price: text(1),
  quantity: text(2),
  /** 1 the taker bought, 2 it sold. */
  tradeType: int32(3),
  time: int64(4),
  tradeId: text(5),
});
const aggreDeals = message('PublicAggreDealsV3Api', { deals: listOf(deal, 1), eventType: text(2) });
const aggreBookTicker = message('PublicAggreBookTickerV3Api', {
  bidPrice: text(1),
  bidQuantity: text(2),
  askPrice: text(3),
  askQuantity: text(4),
  version: text(5),
  lastOrderCreateTime: int64(6),
});
const spotKline = message('PublicSpotKlineV3Api', {
  interval: text(1),
  /** Seconds, and so is the end. */
  windowStart: int64(2),
  openingPrice: text(3),
  closingPrice: text(4),
  highestPrice: text(5),
  lowestPrice: text(6),
  /** In the base asset; `amount` is in the quote asset. */
  volume: text(7),
  amount: text(8),
  windowEnd: int64(9),
});
const miniTicker = message('PublicMiniTickerV3Api', {
  symbol: text(1),
  price: text(2),
  /** A ratio: 0.004 is 0.4 %. */
  rate: text(3),
  zonedRate: text(4),
  high: text(5),
  low: text(6),
  /** Turnover in the quote asset; `quantity` is in the base asset. */
  volume: text(7),
  quantity: text(8),
  lastCloseRate: text(9),
  lastCloseZonedRate: text(10),
  lastCloseHigh: text(11),
  lastCloseLow: text(12),
});
const privateAccount = message('PrivateAccountV3Api', {
  vcoinName: text(1),
  coinId: text(2),
  balanceAmount: text(3),
  balanceAmountChange: text(4),
  frozenAmount: text(5),
  frozenAmountChange: text(6),
  type: text(7),
  time: int64(8),
});
const privateDeal = message('PrivateDealsV3Api', {
  price: text(1),
  quantity: text(2),
  amount: text(3),
  tradeType: int32(4),
  isMaker: flag(5),
  isSelfTrade: flag(6),
  tradeId: text(7),
  clientOrderId: text(8),
  orderId: text(9),
  feeAmount: text(10),
  feeCurrency: text(11),
  time: int64(12),
});
const privateOrder = message('PrivateOrdersV3Api', {
  id: text(1),
  clientId: text(2),
  price: text(3),
  quantity: text(4),
  amount: text(5),
  avgPrice: text(6),
  /** 1 LIMIT, 2 POST_ONLY, 3 IOC, 4 FOK, 5 MARKET, 100 stop. */
  orderType: int32(7),
  /** 1 buy, 2 sell. */
  tradeType: int32(8),
  isMaker: flag(9),
  remainAmount: text(10),
  remainQuantity: text(11),
  lastDealQuantity: optional(text(12)),
  cumulativeQuantity: text(13),
  cumulativeAmount: text(14),
  /** 1 not traded, 2 fully traded, 3 partially traded, 4 cancelled, 5 partially cancelled. */
  status: int32(15),
  createTime: int64(16),
});

/** Every frame is one of these; exactly one of the bodies is there. */
const push = message('PushDataV3ApiWrapper', {
  channel: text(1),
  symbol: optional(text(3)),
  symbolId: optional(text(4)),
  createTime: optional(int64(5)),
  sendTime: optional(int64(6)),
  publicLimitDepths: oneOf(limitDepths, 303),
  privateOrders: oneOf(privateOrder, 304),
  privateDeals: oneOf(privateDeal, 306),
  privateAccount: oneOf(privateAccount, 307),
  publicSpotKline: oneOf(spotKline, 308),
  publicMiniTicker: oneOf(miniTicker, 309),
  publicAggreDepths: oneOf(aggreDepths, 313),
  publicAggreDeals: oneOf(aggreDeals, 314),
  publicAggreBookTicker: oneOf(aggreBookTicker, 315),
});

export type Push = Decoded<typeof push>;
export type DepthPush = Decoded<typeof aggreDepths>;
export type OrderPush = Decoded<typeof privateOrder>;
export type DealPush = Decoded<typeof privateDeal>;

/** `decode` throws on bytes that are no such frame; fields that came later are passed over. */
export const pushCodec = codecOf(push);

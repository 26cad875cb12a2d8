// An account's private stream as events: what became of its orders, its fills, its balances.
import { type Decimal, parseDecimal } from '../domain/money.ts';
import type { ExchangeStatus, Side } from './exchange.ts';
import { createListenKey, type ListenKeyOptions } from './listen-key.ts';
import type { DealPush, OrderPush, Push } from './mexc-push.ts';
import { createLane, type LaneOptions } from './stream-lane.ts';

const TOPICS = ['account', 'deals', 'orders'].map((name) => `spot@private.${name}.v3.api.pb`);

export type OrderEvent = {
  readonly kind: 'order';
  readonly symbol: string;
  /**
   * Both ids as they came: the documentation contradicts itself on which of them is the exchange's and which is ours, so the
   * reader matches either. Empty when absent.
   */
  readonly ids: readonly [id: string, clientId: string];
  readonly status: ExchangeStatus;
  readonly filledQuantity: Decimal;
  readonly filledQuote: Decimal;
};
export type FillEvent = {
  readonly kind: 'fill';
  readonly symbol: string;
  /** The same for a fill that is told twice. */
  readonly tradeId: string;
  readonly ids: readonly [orderId: string, clientOrderId: string];
  readonly side: Side;
  readonly price: Decimal;
  readonly quantity: Decimal;
  readonly fee: Decimal;
  readonly feeAsset: string;
  readonly isMaker: boolean;
  readonly timeMs: number;
};
export type BalanceEvent = {
  readonly kind: 'balance';
  readonly asset: string;
  readonly free: Decimal;
  readonly locked: Decimal;
};
/** Order events may come before or after their fills, twice, and after newer ones: what is cumulative decides. */
export type UserEvent = OrderEvent | FillEvent | BalanceEvent;

const STATUSES: Readonly<Record<number, ExchangeStatus>> = {
  1: 'open',
  2: 'filled',
  3: 'partially_filled',
  4: 'cancelled',
  5: 'cancelled',
};
const SIDES: Readonly<Record<number, Side>> = { 1: 'BUY', 2: 'SELL' };

function orderEvent(symbol: string, order: OrderPush): OrderEvent | undefined {
  const status = STATUSES[order.status];
  const filledQuantity = parseDecimal(order.cumulativeQuantity || '0');
  const filledQuote = parseDecimal(order.cumulativeAmount || '0');
  if (!status || filledQuantity === undefined || filledQuote === undefined) return undefined;
  return { kind: 'order', symbol, ids: [order.id, order.clientId], status, filledQuantity, filledQuote };
}

function fillEvent(symbol: string, deal: DealPush): FillEvent | undefined {
  const [price, quantity] = [parseDecimal(deal.price), parseDecimal(deal.quantity)];
  const fee = parseDecimal(deal.feeAmount || '0');
  const side = SIDES[deal.tradeType];
  if (price === undefined || quantity === undefined || fee === undefined || !side) return undefined;
  const { tradeId, isMaker, feeCurrency: feeAsset } = deal;
  const ids = [deal.orderId, deal.clientOrderId] as const;
  return {
    kind: 'fill',
    symbol,
    tradeId,
    ids,
    side,
    price,
    quantity,
    fee,
    feeAsset,
    isMaker,
    timeMs: Number(deal.time),
  };
}

/** Undefined when the frame tells nothing that we know how to read. */
export function userEventOf(push: Push): UserEvent | undefined {
  const symbol = push.symbol ?? '';
  if (push.privateOrders) return orderEvent(symbol, push.privateOrders);
  if (push.privateDeals) return fillEvent(symbol, push.privateDeals);
  if (!push.privateAccount) return undefined;
  const { vcoinName: asset, balanceAmount, frozenAmount } = push.privateAccount;
  const [free, locked] = [parseDecimal(balanceAmount), parseDecimal(frozenAmount || '0')];
  return free === undefined || locked === undefined ? undefined : { kind: 'balance', asset, free, locked };
}

export type UserHooks = {
  readonly onEvent: (event: UserEvent) => void;
  /** All of it is heard from now on. What happened before was not: this is the moment to reconcile. */
  readonly onUp: () => void;
  readonly onDown: (reason: string) => void;
};
/** Begins to listen to an account. */
export type UserFeed = (hooks: UserHooks) => { readonly close: () => Promise<void> };

export type UserStreamOptions = Pick<LaneOptions, 'rotateAfterMs' | 'overlapMs'> &
  Pick<ListenKeyOptions, 'call' | 'keepAliveEveryMs'> &
  UserHooks & {
    readonly url: string;
    /** A frame that could not be read, or a topic that was refused. */
    readonly onTrouble: (what: string) => void;
  };

export function createUserStream(options: UserStreamOptions): ReturnType<UserFeed> {
  const { url, onEvent, onUp, onDown, onTrouble, call, keepAliveEveryMs, ...timing } = options;
  const up = new Set<string>();
  const key = createListenKey({
    call,
    onLost: (reason) => lane.reconnect(reason),
    ...(keepAliveEveryMs === undefined ? {} : { keepAliveEveryMs }),
  });

  const lane = createLane({
    ...timing,
    async url(failures) {
      if (failures > 1) key.discard(); // Losing a connection is nothing; a second failure may be the key's.
      const address = new URL(url);
      address.searchParams.set('listenKey', await key.obtain());
      return address.href;
    },
    hooks: {
      onPush(push) {
        const event = userEventOf(push);
        if (event) onEvent(event);
        else onTrouble(`a frame of ${push.channel} that cannot be read`);
      },
      onUp(topic) {
        up.add(topic);
        if (up.size === TOPICS.length) onUp();
      },
      onDown(topic, reason) {
        const wasUp = up.size === TOPICS.length;
        up.delete(topic);
        if (wasUp) onDown(reason);
      },
      onRefused: (topic, reason) => onTrouble(`${topic} was refused: ${reason}`),
    },
  });
  for (const topic of TOPICS) lane.add(topic);

  return {
    async close() {
      lane.close();
      await key.close();
    },
  };
}

// What one client of /ws/trading has subscribed to.
import type { Caller } from '../auth/authenticate.ts';
import type { Metrics } from '../metrics.ts';
import { createDelivery, type Delivery, type Outlet } from './delivery.ts';
import type { Feeds } from './feeds.ts';
import {
  type ChannelWanted,
  CLOSE,
  gapData,
  type Reply,
  refusal,
  type SubscribeMessage,
  statusOf,
  type Wanted,
  wantedOf,
} from './socket-messages.ts';
import type { SocketWriter } from './socket-writer.ts';

const SUBSCRIPTIONS_MAX = 100;

export type Subscriptions = {
  /** Undefined: the answer comes with the first news, or before them. */
  readonly subscribe: (message: SubscribeMessage, caller: Caller) => Reply | undefined;
  readonly unsubscribe: (message: ChannelWanted, caller: Caller) => Reply;
  readonly onDrain: () => void;
  readonly close: () => void;
};

export type SubscriptionsDeps = { readonly feeds: Feeds; readonly metrics: Pick<Metrics, 'streamGaps'> };

/** The connection as subscriptions see it. */
export type Connection = {
  readonly writer: SocketWriter;
  readonly say: (reply: Reply) => void;
  readonly end: (code: number, reason: string) => void;
};

function outletOf({ name }: Wanted, { writer, say, end }: Connection, { metrics }: SubscriptionsDeps): Outlet {
  return {
    send: (frame) => writer.write(frame.socketBytes()),
    tellGap(gap) {
      metrics.streamGaps.inc({ reason: gap.reason });
      say({ type: 'gap', data: gapData(name, gap) });
    },
    isFull: writer.isFull,
    endSlow: () => end(CLOSE.tooSlow, 'reads too slowly'),
  };
}

export function createSubscriptions(deps: SubscriptionsDeps, connection: Connection): Subscriptions {
  const open = new Map<string, { readonly delivery: Delivery; readonly leave: () => void }>();
  let isClosed = false;
  const unclear = refusal('invalid_message', 'say of which token or category, or whose');

  return {
    subscribe({ after, timeframes, ...message }, caller) {
      const wanted = wantedOf(message, caller.identity?.subject);
      if (!wanted) return unclear;
      const { name, user, policy } = wanted;
      if (user !== undefined && caller.mayRead(user)) return refusal('forbidden', 'this is another user’s');
      if (timeframes !== undefined)
        return refusal('not_available', 'candles are not streamed; subscribe without timeframes, ask with get_candles');
      if (open.has(name)) return statusOf(name, 'subscribed');
      if (open.size >= SUBSCRIPTIONS_MAX)
        return refusal('too_many_subscriptions', `a connection has at most ${SUBSCRIPTIONS_MAX}`);
      const delivery = createDelivery(outletOf(wanted, connection, deps), policy);
      const leave = deps.feeds.follow(name, {
        begin(kept) {
          connection.say(statusOf(name, 'subscribed'));
          delivery.begin(kept, after);
        },
        offer: delivery.offer,
      });
      if (isClosed)
        leave(); // The confirmation was one too many for a slow client.
      else open.set(name, { delivery, leave });
      return undefined;
    },
    unsubscribe(message, caller) {
      const wanted = wantedOf(message, caller.identity?.subject);
      if (!wanted) return unclear;
      open.get(wanted.name)?.leave();
      open.delete(wanted.name);
      return statusOf(wanted.name, 'unsubscribed');
    },
    onDrain() {
      for (const { delivery } of open.values()) delivery.drained();
    },
    close() {
      isClosed = true;
      for (const { leave } of open.values()) leave();
      open.clear();
    },
  };
}

// MEXC's public streams: each topic has one listener, and lanes of thirty carry as many topics as are wanted.
import type { Push } from './mexc-push.ts';
import { createLane, type Lane, type LaneOptions } from './stream-lane.ts';

/** Connections of one process; the exchange bans addresses that overdo it. */
const LANES_MAX = 40;

export type TopicListener = {
  readonly onPush: (push: Push) => void;
  readonly onUp: () => void;
  readonly onDown: (reason: string) => void;
};

export type MexcStreams = {
  /** Throws when the topic has a listener, or when there is no room for it. Answers how to end it. */
  readonly subscribe: (topic: string, listener: TopicListener) => () => void;
  /** Connections in use. */
  readonly laneCount: () => number;
  readonly close: () => void;
};

export type MexcStreamsOptions = Pick<LaneOptions, 'rotateAfterMs' | 'overlapMs'> & {
  readonly url: string;
  /** Hears why a topic is not given; its listener stays down. */
  readonly onRefused: (topic: string, reason: string) => void;
};

export const depthTopic = (symbol: string) => `spot@public.aggre.depth.v3.api.pb@10ms@${symbol}`;
export const dealsTopic = (symbol: string) => `spot@public.aggre.deals.v3.api.pb@10ms@${symbol}`;

export function createMexcStreams({ url, onRefused, ...timing }: MexcStreamsOptions): MexcStreams {
  const listeners = new Map<string, { readonly listener: TopicListener; readonly lane: Lane }>();
  let lanes: Lane[] = [];

  const hooks: LaneOptions['hooks'] = {
    onPush: (push) => listeners.get(push.channel)?.listener.onPush(push),
    onUp: (topic) => listeners.get(topic)?.listener.onUp(),
    onDown: (topic, reason) => listeners.get(topic)?.listener.onDown(reason),
    onRefused,
  };

  function laneFor(topic: string): Lane {
    const roomy = lanes.find((lane) => lane.add(topic));
    if (roomy) return roomy;
    if (lanes.length >= LANES_MAX) throw new Error(`no room for ${topic}: ${LANES_MAX} connections are full`);
    const lane = createLane({ url: async () => url, hooks, ...timing });
    lane.add(topic);
    lanes.push(lane);
    return lane;
  }

  return {
    subscribe(topic, listener) {
      if (listeners.has(topic)) throw new Error(`${topic} has a listener already`);
      const lane = laneFor(topic);
      listeners.set(topic, { listener, lane });
      return () => {
        if (!listeners.delete(topic)) return;
        lane.remove(topic);
        if (lane.size() > 0) return;
        lane.close();
        lanes = lanes.filter((each) => each !== lane);
      };
    },
    laneCount: () => lanes.length,
    close() {
      for (const lane of lanes) lane.close();
      lanes = [];
      listeners.clear();
    },
  };
}

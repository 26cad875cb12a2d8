// News that were not handed over, by channel: the channel's next number leaves as many out, so that clients see the gap.

/** Channels remembered. Beyond, a loss is counted as a drop and not seen as a gap. */
const CHANNELS_MAX = 10_000;

export type Losses = {
  readonly add: (channel: string, count: number) => void;
  /** How many since the last call. */
  readonly take: (channel: string) => number;
};

export function createLosses(): Losses {
  const lost = new Map<string, number>();
  return {
    add(channel, count) {
      const before = lost.get(channel);
      if (before !== undefined || lost.size < CHANNELS_MAX) lost.set(channel, (before ?? 0) + count);
    },
    take(channel) {
      if (lost.size === 0) return 0; // The usual case.
      const count = lost.get(channel) ?? 0;
      lost.delete(channel);
      return count;
    },
  };
}

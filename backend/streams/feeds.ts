// The channels that this process's clients follow.
import { createFeed, type Feed, type FeedDeps, type Follower } from './feed.ts';

/** Channels followed at once. */
const CHANNELS_MAX = 20_000;

export type Feeds = {
  /** Follows a channel until the function answered is called. Throws when too many channels are followed. */
  readonly follow: (channel: string, follower: Follower) => () => void;
  /** Follows nothing any more. It waits for no answer: the bus may be away, and is closed next. */
  readonly close: () => void;
};

export function createFeeds(deps: FeedDeps): Feeds {
  const feeds = new Map<string, Feed>();
  deps.bus.onReturn(() => {
    for (const feed of feeds.values()) feed.catchUp();
  });
  const closed = (feed: Feed) => feed.close().catch((error: unknown) => deps.raised('streams.unsubscribe', error));

  return {
    follow(channel, follower) {
      let feed = feeds.get(channel);
      if (!feed) {
        if (feeds.size >= CHANNELS_MAX) throw new Error(`${CHANNELS_MAX} channels are followed already`);
        feed = createFeed(channel, deps);
        feeds.set(channel, feed);
      }
      const own = feed;
      own.add(follower);
      return () => {
        if (!own.remove(follower) || feeds.get(channel) !== own) return;
        feeds.delete(channel);
        void closed(own);
      };
    },
    close() {
      for (const feed of feeds.values()) void closed(feed);
      feeds.clear();
    },
  };
}

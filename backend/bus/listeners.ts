// Who listens to which channel, within one process. Both buses deliver through it.
import type { BusHooks } from './bus.ts';

/** Listeners of one process: its stream clients subscribe here, each to a few channels. */
const LISTENERS_MAX = 100_000;

type Listener = (message: string) => void;

export type Listeners = {
  /** True when this is the channel's first listener. Throws when there are too many. */
  readonly add: (channel: string, listener: Listener) => boolean;
  /** True when this was the channel's last listener. */
  readonly remove: (channel: string, listener: Listener) => boolean;
  readonly deliver: (channel: string, message: string) => void;
  readonly channels: () => readonly string[];
  readonly clear: () => void;
};

export function createListeners(raised: BusHooks['raised']): Listeners {
  const byChannel = new Map<string, Set<Listener>>();
  let count = 0;
  return {
    add(channel, listener) {
      if (count >= LISTENERS_MAX) throw new Error(`more than ${LISTENERS_MAX} listeners`);
      const present = byChannel.get(channel);
      const listeners = present ?? new Set();
      byChannel.set(channel, listeners.add(listener));
      count += 1;
      return present === undefined;
    },
    remove(channel, listener) {
      const listeners = byChannel.get(channel);
      if (!listeners?.delete(listener)) return false;
      count -= 1;
      if (listeners.size > 0) return false;
      byChannel.delete(channel);
      return true;
    },
    deliver(channel, message) {
      for (const listener of byChannel.get(channel) ?? []) {
        try {
          listener(message);
        } catch (error) {
          raised('bus.listener', error);
        }
      }
    },
    channels: () => [...byChannel.keys()],
    clear() {
      byChannel.clear();
      count = 0;
    },
  };
}

// A bus within this process: for one instance, and for tests.
import type { Bus, BusHooks } from './bus.ts';
import { createListeners } from './listeners.ts';

/** Deliveries waiting for their turn of the event loop. */
const WAITING_MAX = 10_000;

export function createMemoryBus(hooks: BusHooks): Bus {
  const listeners = createListeners(hooks.raised);
  let waiting = 0;
  let closed = false;
  return {
    publish(channel, message) {
      if (closed || waiting >= WAITING_MAX) return hooks.onDrop();
      waiting += 1;
      // Later, as over a network: a publisher must never find its listeners' work on its own stack.
      setImmediate(() => {
        waiting -= 1;
        if (!closed) listeners.deliver(channel, message);
      });
    },
    async subscribe(channel, listener) {
      const own = (message: string) => listener(message); // The same function may subscribe twice.
      listeners.add(channel, own);
      return async () => {
        listeners.remove(channel, own);
      };
    },
    ping: async () => (closed ? 'the bus is closed' : undefined),
    async close() {
      closed = true;
      listeners.clear();
    },
  };
}

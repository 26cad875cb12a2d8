// Whose orders are still to be looked at after a start. What has become of those is not known, so their users wait; nobody else does.
import type { OrderRecord } from '../store/items.ts';

export type FirstLook = {
  /** Nobody waits before this; from here on everybody does. */
  readonly begin: () => void;
  /** These were unsure at the start: from here on only their users wait, each until all of its own were seen. */
  readonly expect: (orders: readonly Pick<OrderRecord, 'user_id'>[]) => void;
  /** One of them was. */
  readonly seen: (order: Pick<OrderRecord, 'user_id'>) => void;
  /** Nobody waits any longer, whatever was seen. */
  readonly end: () => void;
  readonly isWaiting: (userId: string) => boolean;
};

/** Holds no more users than orders were expected. */
export function createFirstLook(): FirstLook {
  /** Orders to look at, by user; undefined: it is not known yet whose there are. */
  let left: Map<string, number> | undefined = new Map();
  return {
    begin() {
      left = undefined;
    },
    expect(orders) {
      left = new Map();
      for (const { user_id: user } of orders) left.set(user, (left.get(user) ?? 0) + 1);
    },
    seen({ user_id: user }) {
      const count = left?.get(user) ?? 0;
      if (count > 1) left?.set(user, count - 1);
      else left?.delete(user);
    },
    end() {
      left = new Map();
    },
    isWaiting: (userId) => left === undefined || left.has(userId),
  };
}

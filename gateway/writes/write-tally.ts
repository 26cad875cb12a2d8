// Writes that were counted and not told yet: how many of each route, with the keys of the first and of the latest.
import { type StoredWriteKey, WRITE_KEYS_MAX, type WriteBatchRoute } from '../ledger/write-store.ts';

export interface WriteTally {
  count(route: string, key: string, atMs: number): void;
  /** Adds what another process has counted. */
  add(routes: readonly WriteBatchRoute[]): void;
  /** What has been counted since this was last asked. */
  take(): readonly WriteBatchRoute[];
  /** The same, and it stays. */
  peek(): readonly WriteBatchRoute[];
}

interface Counted {
  count: number;
  readonly first: StoredWriteKey[];
  latest: StoredWriteKey[];
}

export function createWriteTally(): WriteTally {
  const routes = new Map<string, Counted>(); // One per configured route.

  function countedOf(route: string): Counted {
    const known = routes.get(route) ?? { count: 0, first: [], latest: [] };
    routes.set(route, known);
    return known;
  }
  function keep(counted: Counted, key: StoredWriteKey): void {
    if (counted.first.length < WRITE_KEYS_MAX) counted.first.push(key);
    else {
      counted.latest.push(key);
      if (counted.latest.length > 2 * WRITE_KEYS_MAX) counted.latest = counted.latest.slice(-WRITE_KEYS_MAX);
    }
  }
  const peek = () =>
    [...routes].map(([route, { count, first, latest }]) => ({
      ...{ route, count },
      keys: [...first, ...latest.slice(-WRITE_KEYS_MAX)],
    }));

  return {
    count(route, key, atMs) {
      const counted = countedOf(route);
      keep(counted, { n: ++counted.count, atMs, key });
    },
    add(more) {
      for (const { route, count, keys } of more) {
        const counted = countedOf(route);
        for (const { n, atMs, key } of keys) keep(counted, { n: counted.count + n, atMs, key });
        counted.count += count;
      }
    },
    take() {
      const taken = peek();
      routes.clear();
      return taken;
    },
    peek,
  };
}

// The table in memory, for tests and for trying things out. Same items, same conditions, nothing durable.
import type { Clock } from '../domain/ids.ts';
import { holds, type ItemTable } from './item-table.ts';
import { type AttributeValue, type Item, isExpired } from './items.ts';
import { DATA_TYPE_SHARD, PK, SK } from './keys.ts';
import { createStore } from './records.ts';
import { type Store, StoreUnavailable } from './store.ts';

const ITEMS_MAX = 200_000;

const text = (attribute: AttributeValue | undefined) => (attribute && 'S' in attribute ? attribute.S : '');
/** By sort key, then by partition: in an index many items have the same sort key. */
const place = (item: Item) => `${text(item[SK])}\n${text(item[PK])}`;
const bySk = (a: Item, b: Item) => (place(a) < place(b) ? -1 : 1);

function createMemoryTable(now: Clock): ItemTable {
  const partitions = new Map<string, Map<string, Item>>();
  let count = 0;

  function live(pk: string, sk: string): Item | undefined {
    const item = partitions.get(pk)?.get(sk);
    return item && !isExpired(item, now()) ? item : undefined;
  }
  function all(): Item[] {
    return [...partitions.values()]
      .flatMap((partition) => [...partition.values()])
      .filter((item) => !isExpired(item, now()));
  }

  function write(item: Item): void {
    const [pk, sk] = [text(item[PK]), text(item[SK])];
    if (count >= ITEMS_MAX) throw new StoreUnavailable(`the in-memory table is full (${ITEMS_MAX} items)`);
    const partition = partitions.get(pk) ?? new Map<string, Item>();
    if (!partition.has(sk)) count += 1;
    partitions.set(pk, partition.set(sk, structuredClone(item)));
  }

  return {
    async put(item, expectation) {
      if (!holds(expectation, live(text(item[PK]), text(item[SK])))) return false;
      write(item);
      return true;
    },
    async putAll(items) {
      for (const item of items) write(item);
    },
    get: async ({ pk, sk }) => structuredClone(live(pk, sk)),
    async query({ pk, prefix, limit, newestFirst = false, afterSk }) {
      const items = [...(partitions.get(pk)?.values() ?? [])]
        .filter((item) => text(item[SK]).startsWith(prefix) && !isExpired(item, now()))
        .sort(bySk);
      if (newestFirst) items.reverse();
      const rest = items.filter(
        (item) => afterSk === undefined || (newestFirst ? text(item[SK]) < afterSk : text(item[SK]) > afterSk),
      );
      return structuredClone(rest.slice(0, limit));
    },
    async queryDataType({ shard, limit, after }) {
      const items = all()
        .filter(
          (item) =>
            text(item[DATA_TYPE_SHARD]) === shard && (after === undefined || place(item) > `${after.sk}\n${after.pk}`),
        )
        .sort(bySk);
      const last = items[limit - 1];
      return {
        items: structuredClone(items.slice(0, limit)),
        next: items.length > limit && last ? { pk: text(last[PK]), sk: text(last[SK]) } : null,
      };
    },
    countDataType: async (shard, not) =>
      all().filter((item) => text(item[DATA_TYPE_SHARD]) === shard && !(not !== undefined && text(item[not]) === '0'))
        .length,
    ping: async () => undefined,
    close: async () => {},
  };
}

export function createMemoryStore(now: Clock): Store {
  return createStore(createMemoryTable(now), now);
}

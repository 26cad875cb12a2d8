// A table over another one: reads fall through to it, writes stay here, in memory, and are gone with it. It is given only
// what reads of the table below, so that a write cannot reach it.
import type { Clock } from '../domain/ids.ts';
import { holds, type ItemKey, type ItemTable } from './item-table.ts';
import { type AttributeValue, type Item, isExpired } from './items.ts';
import { DATA_TYPE_SHARD, PK, SK } from './keys.ts';
import { StoreUnavailable } from './store.ts';

/** One request writes a handful; a loop that went wrong must not fill memory. */
const ITEMS_MAX = 1000;

const text = (attribute: AttributeValue | undefined) => (attribute && 'S' in attribute ? attribute.S : '');
const keyOf = (item: Item): ItemKey => ({ pk: text(item[PK]), sk: text(item[SK]) });
const slotOf = ({ pk, sk }: ItemKey) => `${pk}\n${sk}`;
/** By sort key, then by partition: in an index many items have the same sort key. */
const place = ({ pk, sk }: ItemKey) => `${sk}\n${pk}`;
const bySk = (a: Item, b: Item) => (place(keyOf(a)) < place(keyOf(b)) ? -1 : 1);

/** What is read of the table below. */
export type ReadTable = Pick<ItemTable, 'get' | 'query' | 'queryDataType' | 'countDataType' | 'ping'>;

export function createOverlayTable(below: ReadTable, now: Clock): ItemTable {
  const written = new Map<string, Item>();
  const isWritten = (item: Item) => written.has(slotOf(keyOf(item)));
  const live = (item: Item) => !isExpired(item, now());

  async function get(key: ItemKey): Promise<Item | undefined> {
    const beneath = written.has(slotOf(key)) ? undefined : await below.get(key);
    const own = written.get(slotOf(key)); // Asked after the wait: another writer may have come meanwhile.
    if (!own) return beneath;
    return live(own) ? structuredClone(own) : undefined;
  }

  function write(item: Item): void {
    if (written.size >= ITEMS_MAX) throw new StoreUnavailable(`more than ${ITEMS_MAX} items written to be discarded`);
    written.set(slotOf(keyOf(item)), structuredClone(item));
  }

  return {
    get,
    async put(item, expectation) {
      const key = keyOf(item);
      const beneath = written.has(slotOf(key)) ? undefined : await below.get(key);
      const own = written.get(slotOf(key)); // From here to the end nothing waits, so two writers cannot both be right.
      const present = own ?? beneath;
      if (!holds(expectation, present && live(present) ? present : undefined)) return false;
      write(item);
      return true;
    },
    async putAll(items) {
      for (const item of items) write(item);
    },
    async query(query) {
      const { pk, prefix, limit, newestFirst = false, afterSk } = query;
      const isAfter = (sk: string) => afterSk === undefined || (newestFirst ? sk < afterSk : sk > afterSk);
      const own = [...written.values()].filter((item) => {
        const key = keyOf(item);
        return live(item) && key.pk === pk && key.sk.startsWith(prefix) && isAfter(key.sk);
      });
      const items = [...(await below.query(query)).filter((item) => !isWritten(item)), ...own].sort(bySk);
      if (newestFirst) items.reverse();
      return structuredClone(items.slice(0, limit));
    },
    async queryDataType(query) {
      const { shard, limit, after } = query;
      const own = [...written.values()].filter(
        (item) =>
          live(item) &&
          text(item[DATA_TYPE_SHARD]) === shard &&
          (after === undefined || place(keyOf(item)) > place(after)),
      );
      const page = await below.queryDataType(query);
      const items = [...page.items.filter((item) => !isWritten(item)), ...own].sort(bySk).slice(0, limit);
      const last = items.at(-1);
      const more = page.next !== null || page.items.length + own.length > limit;
      return { items: structuredClone(items), next: more && last ? keyOf(last) : null };
    },
    countDataType: below.countDataType, // An operator's number, which nothing written here is to change.
    ping: below.ping,
    close: async () => {},
  };
}

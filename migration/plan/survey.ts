// The dry run: reads every row once, maps it as a run would, and writes nothing.
import type { Item } from '../../backend/store/items.ts';
import { DATA_TYPE_INDEX, DATA_TYPE_SHARD, SYMBOL_INDEX, SYMBOL_SHARD, TTL } from '../../backend/store/keys.ts';
import { type Job, keyOf } from '../jobs/job.ts';
import type { Key } from '../jobs/key.ts';
import type { Row } from '../postgres/values.ts';
import { epochOf, markedItem, reasonOf } from '../run/engine.ts';
import { itemBytes } from '../run/item-size.ts';
import { baseVersion } from '../run/marks.ts';
import type { Source } from '../run/source.ts';
import type { Findings } from './plan.ts';

const EXAMPLES_MAX = 20;
/** Distinct keys of an index that are counted one by one. Beyond it none is frequent enough to matter. */
const INDEX_KEYS_MAX = 100_000;
const WRITE_UNIT_BYTES = 1024;
/** Of one partition, and so of one index key (AWS docs, "Designing partition keys"). */
const KEY_WRITE_UNITS_PER_SECOND = 1_000;
/** Of a new on-demand table. */
const TABLE_WRITE_UNITS_PER_SECOND = 4_000;

const INDEXES = [
  { name: SYMBOL_INDEX, attribute: SYMBOL_SHARD },
  { name: DATA_TYPE_INDEX, attribute: DATA_TYPE_SHARD },
];

export type Survey = {
  readonly upTos: readonly (Key | null)[];
  readonly found: Omit<Findings, 'log' | 'warnings'>;
};

type Tally = {
  rows: number;
  unmappable: number;
  readonly examples: { key: string[]; reason: string }[];
  collisions: number;
  pastExpiry: number;
  bytes: number;
  largest: number;
  writeUnits: number;
  readonly indexes: { readonly name: string; readonly attribute: string; readonly counts: Map<string, number> }[];
};

function add(tally: Tally, job: Job, row: Row, plannedAtMs: number): void {
  tally.rows += 1;
  let item: Item;
  try {
    item = markedItem(job, row, plannedAtMs, baseVersion(epochOf(plannedAtMs)));
  } catch (error) {
    tally.unmappable += 1;
    if (tally.examples.length < EXAMPLES_MAX)
      tally.examples.push({ key: [...keyOf(job, row)], reason: reasonOf(error) });
    return;
  }
  if (JSON.stringify(job.keyOfRecord(job.recordOf(item))) !== JSON.stringify(keyOf(job, row))) tally.collisions += 1;
  if (TTL in item && hasPassed(job.toItem(row, 0), plannedAtMs)) tally.pastExpiry += 1;
  const bytes = itemBytes(item);
  tally.bytes += bytes;
  tally.largest = Math.max(tally.largest, bytes);
  const writes = 1 + tally.indexes.filter(({ attribute }) => attribute in item).length;
  tally.writeUnits += writes * Math.ceil(bytes / WRITE_UNIT_BYTES);
  for (const { attribute, counts } of tally.indexes) {
    const value = item[attribute];
    if (!value || !('S' in value)) continue;
    if (counts.has(value.S) || counts.size < INDEX_KEYS_MAX) counts.set(value.S, (counts.get(value.S) ?? 0) + 1);
  }
}

function hasPassed(item: Item, atMs: number): boolean {
  const ttl = item[TTL];
  return ttl !== undefined && 'N' in ttl && Number(ttl.N) * 1000 <= atMs;
}

/** Reads the table chunk by chunk, so that what it finds is also how the job is cut. */
export async function survey(job: Job, source: Source, chunkRows: number, plannedAtMs: number): Promise<Survey> {
  const indexes = INDEXES.map((index) => ({ ...index, counts: new Map<string, number>() }));
  const tally: Tally = {
    ...{ rows: 0, unmappable: 0, examples: [], collisions: 0, pastExpiry: 0, bytes: 0, largest: 0, writeUnits: 0 },
    indexes,
  };
  const upTos: (Key | null)[] = [];
  let after: Key | null = null;
  for (;;) {
    const { rows } = await source.readChunk({ after, upTo: null }, chunkRows);
    for (const row of rows) add(tally, job, row, plannedAtMs);
    const last = rows.at(-1);
    if (rows.length < chunkRows || !last) break;
    after = keyOf(job, last);
    upTos.push(after);
  }
  upTos.push(null);
  return { upTos, found: conclude(tally) };
}

function conclude(tally: Tally): Survey['found'] {
  const { rows, writeUnits } = tally;
  const unitsOfOne = rows === 0 ? 1 : Math.max(1, writeUnits / rows / (1 + tally.indexes.length));
  const indexes = tally.indexes.map(({ name, counts }) => {
    const most = Math.max(0, ...counts.values());
    const largestShare = rows === 0 ? 0 : most / rows;
    const writesPerSecondMax =
      largestShare === 0 ? 0 : Math.floor(KEY_WRITE_UNITS_PER_SECOND / largestShare / unitsOfOne);
    return { name, keys: counts.size, largestShare, writesPerSecondMax };
  });
  const slowest = Math.min(
    TABLE_WRITE_UNITS_PER_SECOND / unitsOfOne,
    ...indexes.map(({ writesPerSecondMax }) => writesPerSecondMax || Number.POSITIVE_INFINITY),
  );
  return {
    rows,
    unmappable: { count: tally.unmappable, examples: tally.examples },
    collisions: tally.collisions,
    itemBytes: { total: tally.bytes, largest: tally.largest },
    pastExpiry: tally.pastExpiry,
    writeUnits,
    indexes,
    seconds: Math.ceil(rows / slowest),
  };
}

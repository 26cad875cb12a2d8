// Verification: every chunk's rows and items by count and digest, and where they differ, key by key. What differs only because
// it changes at the moment is looked at again when the job has applied all that it then had to.
import { setTimeout as delay } from 'node:timers/promises';
import type { Pool } from 'pg';
import type { ItemKey } from '../../backend/store/item-table.ts';
import type { Item } from '../../backend/store/items.ts';
import type { Job } from '../jobs/job.ts';
import { type Key, rangeOf } from '../jobs/key.ts';
import type { Chunk, Ledger } from '../ledger/ledger.ts';
import { logPosition } from '../postgres/source.ts';
import { isCaughtUp } from '../run/engine.ts';
import { isMigrated, isTombstone } from '../run/marks.ts';
import { Digest } from './digest.ts';
import { printedRange, printedRows, type Reading, readingOfItem } from './printed.ts';

const ROWS_PER_READ = 5_000;
/** Keys of differing chunks that are in memory at once. */
const KEYS_MAX = 500_000;
const KEYS_PER_SETTLING = 100;
/** A row that changed each time it was looked at. */
const ATTEMPTS_MAX = 20;
const CATCH_UP_MS = 60_000;
const CATCH_UP_POLL_MS = 20;
const EXAMPLES_MAX = 100;

export type VerifyDeps = {
  readonly job: Job;
  readonly pool: Pool;
  readonly ledger: Ledger;
  readonly plannedAtMs: number;
  readonly target: {
    readonly scan: (dataType: string) => AsyncIterable<readonly Item[]>;
    readonly getAll: (keys: readonly ItemKey[]) => Promise<ReadonlyMap<string, Item>>;
  };
  readonly keyText: (key: ItemKey) => string;
  readonly catchUpMs?: number;
};

export type Kind = 'missing' | 'extra' | 'altered' | 'unsettled';
export type Findings = {
  readonly rows: number;
  readonly chunks: number;
  /** Of the source, as Postgres printed it. */
  readonly digest: string;
  /** Chunks whose digests differed at first; under a busy source that is those that changed meanwhile. */
  readonly lookedAtAgain: number;
  /** Items that the service itself wrote: not the job's, and not judged. */
  readonly ownItems: number;
  readonly counts: Readonly<Record<Kind, number>>;
  /** The first of each kind. */
  readonly examples: readonly { readonly kind: Kind; readonly key: Key }[];
  /** Rows without an item because they are dead letters. */
  readonly deadLetters: number;
  /** Unreadable items of which not even the key of the row can be told. */
  readonly unreadable: number;
};

const line = ({ key, text }: Omit<Reading, 'itemKey'>): string => `${JSON.stringify(key)}${text}`;

/** A row in doubt, and where an item of it was seen. */
type Doubt = { readonly key: Key; readonly itemKey: ItemKey | undefined };

/** Rejects when a side cannot be read. Everything else is a finding. */
export async function verifyJob(deps: VerifyDeps): Promise<Findings> {
  const { job, ledger } = deps;
  const chunks = await ledger.chunks(job.name);
  const source = await sourceDigests(deps, chunks);
  const target = await targetDigests(deps, chunks);
  const differing = chunks.filter((_, i) => !source[i]?.equals(target.digests[i] ?? new Digest()));
  const settled = new Settled();
  let part: Chunk[] = [];
  let keys = 0;
  for (const [i, chunk] of differing.entries()) {
    part.push(chunk);
    keys += Math.max(source[chunks.indexOf(chunk)]?.count ?? 0, target.digests[chunks.indexOf(chunk)]?.count ?? 0);
    if (keys < KEYS_MAX && i < differing.length - 1) continue;
    for (const doubts of batches(await doubtsOf(deps, chunks, part))) await settle(deps, doubts, settled);
    [part, keys] = [[], 0];
  }
  const whole = new Digest();
  for (const digest of source) whole.addAll(digest);
  return {
    rows: whole.count,
    chunks: chunks.length,
    digest: whole.toString(),
    lookedAtAgain: differing.length,
    ownItems: target.ownItems,
    ...{ counts: settled.counts, examples: settled.examples },
    deadLetters: (await ledger.job(job.name))?.deadLetters ?? 0,
    unreadable: target.unreadable,
  };
}

class Settled {
  readonly counts: Record<Kind, number> = { missing: 0, extra: 0, altered: 0, unsettled: 0 };
  readonly examples: { kind: Kind; key: Key }[] = [];

  add(kind: Kind, key: Key): void {
    this.counts[kind] += 1;
    if (this.examples.length < EXAMPLES_MAX) this.examples.push({ kind, key });
  }
}

async function* rowsOf({ pool, job }: VerifyDeps, chunk: Chunk): AsyncIterable<readonly Reading[]> {
  let after = chunk.after;
  for (;;) {
    const rows = await printedRange(pool, job, { after, upTo: chunk.upTo }, ROWS_PER_READ);
    yield rows;
    const last = rows.at(-1);
    if (!last || rows.length < ROWS_PER_READ) return;
    after = last.key;
  }
}

async function sourceDigests(deps: VerifyDeps, chunks: readonly Chunk[]): Promise<readonly Digest[]> {
  const digests: Digest[] = [];
  for (const chunk of chunks) {
    const digest = new Digest();
    for await (const rows of rowsOf(deps, chunk)) for (const row of rows) digest.add(line(row));
    digests.push(digest);
  }
  return digests;
}

/** The job's items, read as the service does; tombstones have no data type, and so are not among them. */
async function* migratedItems(deps: VerifyDeps, onOther: (kind: 'own' | 'unreadable') => void) {
  for await (const items of deps.target.scan(deps.job.dataType)) {
    for (const item of items) {
      if (!isMigrated(item)) onOther('own');
      else {
        const reading = readingOfItem(deps.job, item, deps.plannedAtMs);
        if (reading) yield { ...reading, item };
        else onOther('unreadable');
      }
    }
  }
}

async function targetDigests(deps: VerifyDeps, chunks: readonly Chunk[]) {
  const upTos = chunks.map(({ upTo }) => upTo);
  const digests = chunks.map(() => new Digest());
  const others = { own: 0, unreadable: 0 };
  for await (const reading of migratedItems(deps, (kind) => others[kind]++))
    digests[rangeOf(deps.job.key, upTos, reading.key)]?.add(line(reading));
  return { digests, ownItems: others.own, unreadable: others.unreadable };
}

/** Rows and items of differing chunks that do not match one another. */
async function doubtsOf(deps: VerifyDeps, chunks: readonly Chunk[], part: readonly Chunk[]): Promise<Doubt[]> {
  const upTos = chunks.map(({ upTo }) => upTo);
  const looked = new Set(part.map(({ id }) => id));
  const rows = new Map<string, Reading>();
  for (const chunk of part)
    for await (const found of rowsOf(deps, chunk)) for (const row of found) rows.set(JSON.stringify(row.key), row);
  const doubts: Doubt[] = [];
  for await (const { item, ...reading } of migratedItems(deps, () => {})) {
    const chunk = chunks[rangeOf(deps.job.key, upTos, reading.key)];
    if (!chunk || !looked.has(chunk.id)) continue;
    const name = JSON.stringify(reading.key);
    const itemKey = itemKeyOf(item);
    const row = rows.get(name);
    rows.delete(name);
    if (row?.text !== reading.text || deps.keyText(row.itemKey) !== deps.keyText(itemKey))
      doubts.push({ key: reading.key, itemKey });
  }
  for (const { key } of rows.values()) doubts.push({ key, itemKey: undefined });
  return doubts;
}

function itemKeyOf(item: Item): ItemKey {
  const text = (name: string) => {
    const value = item[name];
    return value && 'S' in value ? value.S : '';
  };
  return { pk: text('pk'), sk: text('sk') };
}

function* batches(doubts: readonly Doubt[]): Generator<readonly Doubt[]> {
  for (let at = 0; at < doubts.length; at += KEYS_PER_SETTLING) yield doubts.slice(at, at + KEYS_PER_SETTLING);
}

/** Looks at the rows until they are right, or wrong although they rest and the job has applied all that it had to. */
async function settle(deps: VerifyDeps, doubts: readonly Doubt[], settled: Settled): Promise<void> {
  let open = doubts;
  for (let attempt = 0; open.length > 0; attempt++) {
    const before = await printedRows(deps.pool, deps.job, keysOf(open));
    const isCaughtUpNow = attempt > 0 && (await catchUp(deps)); // At first without: most are right by now.
    const items = await deps.target.getAll(placesOf(deps, open, before));
    const after = await printedRows(deps.pool, deps.job, keysOf(open));
    const again: Doubt[] = [];
    for (const doubt of open) {
      const name = JSON.stringify(doubt.key);
      const row = after.get(name);
      const moved = before.get(name)?.text !== row?.text;
      const kinds = moved ? (['unsettled'] as const) : await judge(deps, doubt, { row, items });
      if (kinds.length === 0) continue;
      if (attempt === 0 || (moved && attempt < ATTEMPTS_MAX)) again.push(doubt);
      else for (const kind of isCaughtUpNow ? kinds : (['unsettled'] as const)) settled.add(kind, doubt.key);
    }
    open = again;
  }
}

const keysOf = (doubts: readonly Doubt[]): readonly Key[] => doubts.map(({ key }) => key);

/** Where items of the rows are or were seen. */
function placesOf(deps: VerifyDeps, doubts: readonly Doubt[], rows: ReadonlyMap<string, Reading>): readonly ItemKey[] {
  const places = doubts
    .flatMap(({ key, itemKey }) => [rows.get(JSON.stringify(key))?.itemKey, itemKey])
    .filter((place) => place !== undefined);
  return [...new Map(places.map((place) => [deps.keyText(place), place])).values()];
}

/** What was seen of a row and its items at one moment. */
type Sight = { readonly row: Reading | undefined; readonly items: ReadonlyMap<string, Item> };

/** What is wrong with the row; nothing, one thing, or two. */
async function judge(deps: VerifyDeps, { key, itemKey }: Doubt, { row, items }: Sight): Promise<readonly Kind[]> {
  const present = (place: ItemKey | undefined) => {
    const item = place && items.get(deps.keyText(place));
    return item && !isTombstone(item) ? item : undefined;
  };
  const kinds: Kind[] = [];
  const elsewhere = itemKey && (!row || deps.keyText(row.itemKey) !== deps.keyText(itemKey));
  if (elsewhere && present(itemKey)) kinds.push('extra');
  if (!row) return kinds;
  const item = present(row.itemKey);
  if (!item) {
    if (!(await deps.ledger.deadLetter(deps.job.name, key))) kinds.push('missing');
  } else if (isMigrated(item) && readingOfItem(deps.job, item, deps.plannedAtMs)?.text !== row.text)
    kinds.push('altered');
  return kinds;
}

/** False when the job did not get as far as the source is now: it is not running, or too slow. */
async function catchUp(deps: VerifyDeps): Promise<boolean> {
  const position = await logPosition(deps.pool);
  const endsAt = Date.now() + (deps.catchUpMs ?? CATCH_UP_MS);
  while (!(await isCaughtUp(deps, position))) {
    if (Date.now() > endsAt) return false;
    await delay(CATCH_UP_POLL_MS);
  }
  return true;
}

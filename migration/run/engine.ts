// The steps of a run, each safe to repeat from its start after a crash anywhere: copy a chunk, receive changes, apply them.
//
// Why it converges. Each change of the source is received (the slot is older than every read) and held until its chunk is
// written; then it is applied unless the snapshot that the chunk was first read in holds it already. Writes are conditional on
// versions: a chunk's rows have the lowest, changes have their commit's position, so for one item the last change wins in
// whatever order and however often things are written. Deletes leave tombstones, which late writes cannot undo.
import type { Item } from '../../backend/store/items.ts';
import type { Job } from '../jobs/job.ts';
import { keyOf } from '../jobs/job.ts';
import type { Chunk, DeadLetter, Effect, Ledger, ReadyEffect } from '../ledger/ledger.ts';
import type { Lsn } from '../postgres/lsn.ts';
import { parseSnapshot, type Snapshot, sees } from '../postgres/snapshot.ts';
import { BadValue, type Row } from '../postgres/values.ts';
import { ITEM_BYTES_MAX, itemBytes } from './item-size.ts';
import { baseVersion, marked, tombstone, versionOf } from './marks.ts';
import type { ChangeStream, Source, SourceChange } from './source.ts';
import type { Target } from './target.ts';

export type Engine = {
  readonly job: Job;
  readonly source: Source;
  readonly target: Target;
  readonly ledger: Ledger;
  /** When the plan was made; the least time that counts as a row's last write, and in seconds the epoch of versions. */
  readonly plannedAtMs: number;
  /** A chunk with more rows is split. */
  readonly chunkRowsMax: number;
  readonly now: () => number;
};

export const epochOf = (plannedAtMs: number): number => Math.floor(plannedAtMs / 1000);

/** Copies one chunk, unless it is done. Answers the rest of it when it had too many rows. @throws Superseded */
export async function copyChunk(engine: Engine, id: number): Promise<{ rest: Chunk | undefined }> {
  const { job, source, ledger, chunkRowsMax } = engine;
  const chunk = await ledger.claimChunk(job.name, id);
  if (!chunk) return { rest: undefined };
  const read = await source.readChunk(chunk, chunkRowsMax + 1);
  const rows = read.rows.slice(0, chunkRowsMax);
  const last = rows.at(-1);
  const rest =
    last && read.rows.length > chunkRowsMax ? await ledger.splitChunk(job.name, chunk, keyOf(job, last)) : undefined;
  await ledger.beginChunk(job.name, chunk, read.snapshot);
  const version = baseVersion(epochOf(engine.plannedAtMs));
  const letters: DeadLetter[] = [];
  const puts: Promise<'written' | 'kept'>[] = [];
  for (const row of rows) {
    const mapped = map(engine, row, version);
    if ('item' in mapped) puts.push(engine.target.put(mapped.item));
    else letters.push(mapped.letter);
  }
  const results = await Promise.all(puts);
  const rowsWritten = results.filter((result) => result === 'written').length;
  const counts = { rowsRead: rows.length, rowsWritten, rowsKept: results.length - rowsWritten };
  await ledger.finishChunk(job.name, chunk, { counts, letters });
  return { rest };
}

/** The row's item, or why it has none. */
function map(
  { job, plannedAtMs, now }: Engine,
  row: Row,
  version: string,
): { readonly item: Item } | { readonly letter: DeadLetter } {
  try {
    return { item: markedItem(job, row, plannedAtMs, version) };
  } catch (error) {
    return {
      letter: { key: keyOf(job, row), reason: reasonOf(error), row, version, at: new Date(now()).toISOString() },
    };
  }
}

/** @throws when the row cannot be mapped, or not to an item that the table takes */
export function markedItem(job: Job, row: Row, plannedAtMs: number, version: string): Item {
  const item = marked(job.toItem(row, plannedAtMs), version);
  const bytes = itemBytes(item);
  if (bytes > ITEM_BYTES_MAX) throw new BadValue(`its item has ${bytes} bytes, above ${ITEM_BYTES_MAX}`);
  return item;
}

const REASON_CHARS_MAX = 500;

export function reasonOf(error: unknown): string {
  const text = error instanceof Error ? error.message : String(error);
  return text.replace(/\s+/g, ' ').slice(0, REASON_CHARS_MAX);
}

/**
 * Receives until the stream stops, as the ledger's `receiver`, and answers why. A position is acknowledged when all before it is durable in the ledger,
 * never before.
 */
export async function receive(
  { job, ledger }: Engine,
  receiver: string,
  stream: ChangeStream,
  room: () => Promise<void>,
): Promise<string> {
  for (;;) {
    await room();
    const delivery = await stream.receive();
    if ('stop' in delivery) return delivery.stop;
    const { changes, endLsn } = delivery;
    const whole = changes.slice(0, delivery.committed).flatMap((change) => effectsOf(job, change));
    const open = changes.slice(delivery.committed).flatMap((change) => effectsOf(job, change));
    await ledger.spool(job.name, receiver, { effects: [...whole, ...open], committed: whole.length, endLsn });
    if (endLsn !== undefined) stream.acknowledge(endLsn);
  }
}

/** What a change does to items: two things when the row's key, or its item's place, changes. */
export function effectsOf(job: Job, { commitLsn, xid, seq, before, after }: SourceChange): readonly Effect[] {
  const effect = (kind: Effect['kind'], whole: Row, half: 0 | 1): Effect => {
    const row = Object.fromEntries(job.columns.map((column) => [column, whole[column] ?? null]));
    return { kind, commitLsn, xid, seq: seq * 2 + half, key: keyOf(job, row), row };
  };
  if (after === null) return before === null ? [] : [effect('delete', before, 0)];
  if (before === null || placeOf(job, before) === placeOf(job, after)) return [effect('put', after, 1)];
  return [effect('delete', before, 0), effect('put', after, 1)];
}

/** One text for the row's key and its item's. */
function placeOf(job: Job, row: Row): string {
  const { pk, sk } = job.itemKeyOf(row);
  return JSON.stringify([...keyOf(job, row), pk, sk]);
}

/** Applies up to `limit` changes whose chunks are written; answers how many it took. */
export async function applyReady(engine: Engine, limit: number): Promise<number> {
  const { job, ledger, target } = engine;
  const effects = await ledger.ready(job.name, limit);
  if (effects.length === 0) return 0;
  const snapshots = new Map<string, Snapshot>(); // As many as the batch has chunks.
  const last = new Map<string, ReadyEffect>(); // Of one item only the last of the batch matters.
  let changesSeen = 0;
  for (const effect of effects) {
    const snapshot = snapshots.get(effect.snapshot) ?? parseSnapshot(effect.snapshot);
    snapshots.set(effect.snapshot, snapshot);
    if (sees(snapshot, effect.xid)) changesSeen += 1;
    else last.set(placeOf(job, effect.row), effect);
  }
  const letters: DeadLetter[] = [];
  const cleared = new Map<string, readonly string[]>();
  const puts: Promise<'written' | 'kept'>[] = [];
  for (const effect of last.values()) {
    const version = versionOf(epochOf(engine.plannedAtMs), effect.commitLsn, effect.seq);
    const mapped = effect.kind === 'put' ? map(engine, effect.row, version) : undefined;
    if (mapped && 'letter' in mapped) letters.push(mapped.letter);
    else cleared.set(JSON.stringify(effect.key), effect.key);
    const item = mapped && 'item' in mapped ? mapped.item : tombstone(job.itemKeyOf(effect.row), version);
    puts.push(target.put(item));
  }
  const results = await Promise.all(puts);
  const changesKept = results.filter((result) => result === 'kept').length;
  const counts = { changesSeen, changesKept, changesApplied: effects.length - changesSeen - changesKept };
  const ids = effects.map(({ id }) => id);
  await ledger.settle(job.name, { ids, counts, letters, cleared: [...cleared.values()] });
  return effects.length;
}

/** Whether all that committed before `position` is in the target. */
export async function isCaughtUp({ job, ledger }: Pick<Engine, 'job' | 'ledger'>, position: Lsn): Promise<boolean> {
  const at = await ledger.job(job.name);
  if (at === undefined || at.chunks.done < at.chunks.total || at.spooledLsn < position) return false;
  const [oldest] = await ledger.ready(job.name, 1); // All are ready: no chunk holds any.
  return oldest === undefined || oldest.commitLsn >= position;
}

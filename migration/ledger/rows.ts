// How a ledger in SQL keeps its rows, whatever the database: keys and rows of the source as JSON, positions and xids as texts.
import { z } from 'zod';
import { compareKeys, type Key, type KeyColumn, rangeOf } from '../jobs/key.ts';
import { parseLsn } from '../postgres/lsn.ts';
import { type Chunk, COUNTS, type Counts, type LedgerJob } from './ledger.ts';

/** States of a change: 0 held until its chunk is done, 1 ready, 2 of a transaction not yet whole. */
export const [HELD, READY, OPEN] = [0, 1, 2];

export const json = <T extends z.ZodType>(schema: T) =>
  z.string().transform((text): z.infer<T> => schema.parse(JSON.parse(text)));
export const key = z.array(z.string());
const row = z.record(z.string(), z.string().nullable());
const lsn = z.string().transform(parseLsn);

export const jobRow = z.object({
  name: z.string(),
  plan_hash: z.string(),
  state: z.enum(['running', 'blocked']),
  reason: z.string().nullable(),
  paused: z.coerce.number(),
  spooled_lsn: lsn,
});
export const keyColumns = json(z.array(z.object({ name: z.string(), type: z.enum(['uuid', 'text', 'int8']) })));
export const chunkRow = z.object({
  id: z.coerce.number(),
  up_to: json(key).nullable(),
  done: z.coerce.number(),
  snapshot: z.string().nullable(),
});
export const effectRow = z
  .object({
    id: z.coerce.number(),
    kind: z.enum(['put', 'delete']),
    lsn,
    seq: z.coerce.number(),
    xid: z.string().transform(BigInt),
    key: json(key),
    row: json(row),
  })
  .transform(({ lsn: commitLsn, ...rest }) => ({ ...rest, commitLsn }));
export const readyRow = z.intersection(effectRow, z.object({ snapshot: z.string() }));
export const deadLetterRow = z.object({
  key: json(key),
  reason: z.string(),
  row: json(row),
  version: z.string(),
  at: z.string(),
});
export const countRow = z.object({ name: z.enum(COUNTS), value: z.coerce.number() });
export const one = z.object({ n: z.coerce.number() });

export const EFFECT_COLUMNS = 'changes.id, kind, lsn, seq, xid, key, row';

/** Chunks as they are stored, in the order of their keys, which gives each its lower end. */
export function chunksOf(columns: readonly KeyColumn[], found: z.infer<typeof chunkRow>[]): Chunk[] {
  found.sort((a, b) => (a.up_to && b.up_to ? compareKeys(columns, a.up_to, b.up_to) : a.up_to ? -1 : 1));
  let after: Key | null = null;
  return found.map(({ id, up_to: upTo, done, snapshot }) => {
    const chunk = { id, after, upTo, done: done === 1, snapshot };
    after = upTo;
    return chunk;
  });
}

/** Where a job's chunks begin and end, kept by who knows when they change. */
export class Ranges {
  readonly #columns: readonly KeyColumn[];
  readonly #upTos: readonly (Key | null)[];
  readonly #ids: readonly number[];

  constructor(columns: readonly KeyColumn[], chunks: readonly Chunk[]) {
    this.#columns = columns;
    this.#upTos = chunks.map(({ upTo }) => upTo);
    this.#ids = chunks.map(({ id }) => id);
  }
  chunkOf(at: Key): number {
    return this.#ids[rangeOf(this.#columns, this.#upTos, at)] ?? 0;
  }
  /** The upper end of the chunk before. */
  afterOf(id: number): Key | null {
    return this.#upTos[this.#ids.indexOf(id) - 1] ?? null;
  }
}

/** A stored job, its counts and its sums. */
export function ledgerJob(
  job: z.infer<typeof jobRow>,
  counted: readonly z.infer<typeof countRow>[],
  sums: Pick<LedgerJob, 'chunks' | 'pending' | 'deadLetters'>,
): LedgerJob {
  const value = (count: string) => counted.find(({ name }) => name === count)?.value ?? 0;
  return {
    name: job.name,
    planHash: job.plan_hash,
    state: job.state,
    reason: job.reason,
    paused: job.paused === 1,
    spooledLsn: job.spooled_lsn,
    counts: Object.fromEntries(COUNTS.map((count) => [count, value(count)])) as Counts, // One of each of COUNTS.
    ...sums,
  };
}

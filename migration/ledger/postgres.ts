// The ledger of several processes, in Postgres. Every change of it is one transaction that holds the job's row: claims, splits
// and what is received come one after the other, and who was superseded is told so before anything is changed.
import { randomUUID } from 'node:crypto';
import { z } from 'zod';
import type { KeyColumn } from '../jobs/key.ts';
import { formatLsn } from '../postgres/lsn.ts';
import type { Chunk, Ledger } from './ledger.ts';
import { openTables, type PostgresTables, SCHEMA, type Transaction } from './postgres-tables.ts';
import {
  chunkRow,
  chunksOf,
  countRow,
  deadLetterRow,
  EFFECT_COLUMNS,
  effectRow,
  HELD,
  jobRow,
  json,
  key,
  keyColumns,
  ledgerJob,
  OPEN,
  Ranges,
  READY,
  readyRow,
} from './rows.ts';

type Reading = Pick<Transaction, 'all'>;

async function columnsOf(at: Reading, name: string): Promise<readonly KeyColumn[]> {
  const [found] = await at.all(z.object({ key: keyColumns }), `select key from ${SCHEMA}.jobs where name = $1`, name);
  if (!found) throw new Error(`the ledger has no job ${name}`);
  return found.key;
}

async function readChunks(at: Reading, name: string): Promise<Chunk[]> {
  const found = await at.all(chunkRow, `select id, up_to, done, snapshot from ${SCHEMA}.chunks where job = $1`, name);
  return found.length === 0 ? [] : chunksOf(await columnsOf(at, name), found);
}

const sumsRow = z.object({
  ...{ total: z.coerce.number(), done: z.coerce.number(), pending: z.coerce.number(), letters: z.coerce.number() },
});
const SUMS = `select
  (select count(*) from ${SCHEMA}.chunks where job = $1) as total,
  (select count(*) from ${SCHEMA}.chunks where job = $1 and done = 1) as done,
  (select count(*) from ${SCHEMA}.changes where job = $1) as pending,
  (select count(*) from ${SCHEMA}.dead_letters where job = $1) as letters`;

function jobCalls(tables: PostgresTables): Pick<Ledger, 'begin' | 'job' | 'remove' | 'setState' | 'setPaused'> {
  const jobOf = (at: Reading, name: string) => at.all(jobRow, `select * from ${SCHEMA}.jobs where name = $1`, name);
  return {
    begin: ({ name, planHash, key: columns, startLsn, upTos }) =>
      tables.transaction(name, async (at) => {
        const begun = await at.all(
          z.unknown(),
          `insert into ${SCHEMA}.jobs (name, plan_hash, key, state, spooled_lsn) values ($1, $2, $3, 'running', $4)
           on conflict do nothing returning 1`,
          ...[name, planHash, JSON.stringify(columns), formatLsn(startLsn)],
        );
        if (begun.length === 0) return (await jobOf(at, name))[0]?.plan_hash === planHash ? 'present' : 'other';
        await at.run(
          `insert into ${SCHEMA}.chunks (job, id, up_to)
           select $1, n - 1, up_to from unnest($2::text[]) with ordinality as u (up_to, n)`,
          ...[name, upTos.map((upTo) => (upTo === null ? null : JSON.stringify(upTo)))],
        );
        return 'begun';
      }),
    async job(name) {
      const [found] = await jobOf(tables, name);
      if (!found) return undefined;
      const counted = await tables.all(countRow, `select name, value from ${SCHEMA}.counts where job = $1`, name);
      const [sums] = await tables.all(sumsRow, SUMS, name);
      const { total, done, pending, letters } = sumsRow.parse(sums);
      return ledgerJob(found, counted, { chunks: { total, done }, pending, deadLetters: letters });
    },
    remove: (name) =>
      tables.transaction(name, async (at) => {
        for (const table of ['counts', 'chunks', 'changes', 'dead_letters'])
          await at.run(`delete from ${SCHEMA}.${table} where job = $1`, name);
        await at.run(`delete from ${SCHEMA}.jobs where name = $1`, name);
      }),
    setState: (name, state, reason) =>
      tables.run(`update ${SCHEMA}.jobs set state = $2, reason = $3 where name = $1`, name, state, reason),
    setPaused: (name, paused) =>
      tables.run(`update ${SCHEMA}.jobs set paused = $2 where name = $1`, name, paused ? 1 : 0),
  };
}

type ChunkCalls = Pick<Ledger, 'chunks' | 'claimChunk' | 'beginChunk' | 'splitChunk' | 'finishChunk'>;

const OWN_CHUNK = `select 1 from ${SCHEMA}.chunks where job = $1 and id = $2 and claim = $3 and done = 0`;

function chunkCalls(tables: PostgresTables, rangesOf: RangesOf): ChunkCalls {
  return {
    chunks: (name) => readChunks(tables, name),
    claimChunk: (name, id) =>
      tables.transaction(name, async (at) => {
        const token = randomUUID();
        const [found] = await at.all(
          chunkRow,
          `update ${SCHEMA}.chunks set claim = $3 where job = $1 and id = $2 and done = 0
           returning id, up_to, done, snapshot`,
          ...[name, id, token],
        );
        if (!found) return undefined;
        const after = (await rangesOf(at, name)).afterOf(id);
        return { id, after, upTo: found.up_to, done: false, snapshot: found.snapshot, token };
      }),
    beginChunk: (name, { id, token }, snapshot) =>
      tables.transaction(name, async (at) => {
        await at.must(1, OWN_CHUNK, name, id, token);
        const [kept] = await at.all(
          z.object({ snapshot: z.string() }),
          `update ${SCHEMA}.chunks set snapshot = coalesce(snapshot, $3) where job = $1 and id = $2 returning snapshot`,
          ...[name, id, snapshot],
        );
        return kept?.snapshot ?? snapshot;
      }),
    splitChunk: (name, { id, token }, splitAt) =>
      tables.transaction(name, async (at) => {
        await at.must(1, OWN_CHUNK, name, id, token);
        const chunks = await readChunks(at, name);
        const chunk = chunks.find((each) => each.id === id);
        if (!chunk) throw new Error(`the ledger has no chunk ${id} of ${name}`);
        const added = { ...chunk, id: Math.max(...chunks.map((each) => each.id)) + 1, after: splitAt };
        const end = chunk.upTo === null ? null : JSON.stringify(chunk.upTo);
        await at.run(
          `update ${SCHEMA}.chunks set up_to = $3 where job = $1 and id = $2`,
          ...[name, id, JSON.stringify(splitAt)],
        );
        await at.run(
          `insert into ${SCHEMA}.chunks (job, id, up_to, snapshot) values ($1, $2, $3, $4)`,
          ...[name, added.id, end, chunk.snapshot],
        );
        await at.run(`update ${SCHEMA}.jobs set splits = splits + 1 where name = $1`, name);
        const ranges = await rangesOf(at, name);
        const held = await at.all(
          z.object({ id: z.coerce.number(), key: json(key) }),
          `select id, key from ${SCHEMA}.changes where job = $1 and chunk = $2`,
          ...[name, id],
        );
        const moved = held.filter((change) => ranges.chunkOf(change.key) === added.id).map((change) => change.id);
        await at.run(`update ${SCHEMA}.changes set chunk = $1 where id = any ($2::bigint[])`, added.id, moved);
        return added;
      }),
    finishChunk: (name, { id, token }, { counts, letters }) =>
      tables.transaction(name, async (at) => {
        await at.must(1, OWN_CHUNK, name, id, token);
        for (const letter of letters) await at.putLetter(name, letter);
        await at.run(`update ${SCHEMA}.chunks set done = 1 where job = $1 and id = $2`, name, id);
        await at.run(
          `update ${SCHEMA}.changes set state = ${READY} where job = $1 and chunk = $2 and state = ${HELD}`,
          ...[name, id],
        );
        await at.count(name, counts);
      }),
  };
}

type ChangeCalls = Pick<Ledger, 'beginReceiving' | 'spool' | 'ready' | 'settle' | 'pendingOf'>;

function changeCalls(tables: PostgresTables, rangesOf: RangesOf): ChangeCalls {
  return {
    beginReceiving: (name) =>
      tables.transaction(name, async (at) => {
        const receiver = randomUUID();
        await at.run(`update ${SCHEMA}.jobs set receiver = $2 where name = $1`, name, receiver);
        await at.run(`delete from ${SCHEMA}.changes where job = $1 and state = ${OPEN}`, name);
        return receiver;
      }),
    spool: (name, receiver, { effects, committed, endLsn }) =>
      tables.transaction(name, async (at) => {
        await at.must(1, `select 1 from ${SCHEMA}.jobs where name = $1 and receiver = $2`, name, receiver);
        const ranges = await rangesOf(at, name);
        const placed = effects.map((effect) => ({
          ...effect,
          ...{ chunk: ranges.chunkOf(effect.key), lsn: formatLsn(effect.commitLsn) },
        }));
        await at.addEffects(name, placed.slice(0, committed));
        if (endLsn !== undefined) {
          await at.closeOpen(name);
          await at.run(`update ${SCHEMA}.jobs set spooled_lsn = $2 where name = $1`, name, formatLsn(endLsn));
        }
        await at.addEffects(name, placed.slice(committed));
      }),
    ready: (name, limit) =>
      tables.all(
        readyRow,
        `select ${EFFECT_COLUMNS}, snapshot from ${SCHEMA}.changes
         join ${SCHEMA}.chunks on chunks.job = changes.job and chunks.id = chunk
         where changes.job = $1 and state = ${READY} order by changes.id limit $2`,
        ...[name, limit],
      ),
    settle: (name, { ids, counts, letters, cleared }) =>
      tables.transaction(name, async (at) => {
        const settled = `delete from ${SCHEMA}.changes where job = $1 and id = any ($2::bigint[]) returning 1`;
        await at.must(ids.length, settled, name, ids);
        const keys = cleared.map((each) => JSON.stringify(each));
        await at.run(
          `delete from ${SCHEMA}.dead_letters where job = $1 and md5(key) in (select md5(k) from unnest($2::text[]) k)`,
          ...[name, keys],
        );
        for (const letter of letters) await at.putLetter(name, letter);
        await at.count(name, counts);
      }),
    pendingOf: (name, at) =>
      tables.all(
        effectRow,
        `select ${EFFECT_COLUMNS} from ${SCHEMA}.changes where job = $1 and md5(key) = md5($2) order by id`,
        ...[name, JSON.stringify(at)],
      ),
  };
}

const LETTERS = `select key, reason, row, version, at from ${SCHEMA}.dead_letters where job = $1`;

function deadLetterCalls(tables: PostgresTables): Pick<Ledger, 'dropDeadLetter' | 'deadLetter' | 'deadLetters'> {
  return {
    dropDeadLetter: (name, { key: at, version }) =>
      tables.run(
        `delete from ${SCHEMA}.dead_letters where job = $1 and md5(key) = md5($2) and version = $3`,
        ...[name, JSON.stringify(at), version],
      ),
    deadLetter: async (name, at) =>
      (await tables.all(deadLetterRow, `${LETTERS} and md5(key) = md5($2)`, name, JSON.stringify(at)))[0],
    deadLetters: (name, limit, after) =>
      tables.all(
        deadLetterRow,
        `${LETTERS} and key collate "C" > $2 order by key collate "C" limit $3`,
        ...[name, after === undefined ? '' : JSON.stringify(after), limit],
      ),
  };
}

type RangesOf = (at: Transaction, name: string) => Promise<Ranges>;

/** The ranges of a job, kept until somebody splits a chunk. The job's row is held. */
function createRanges(): RangesOf {
  const kept = new Map<string, { readonly version: string; readonly ranges: Ranges }>(); // One a job.
  return async (at, name) => {
    // The plan too: a job may have been removed, and begun with other chunks.
    const [found] = await at.all(
      z.object({ version: z.string() }),
      `select plan_hash || ' ' || splits as version from ${SCHEMA}.jobs where name = $1`,
      name,
    );
    const version = found?.version ?? '';
    const known = kept.get(name);
    if (known?.version === version) return known.ranges;
    const ranges = new Ranges(await columnsOf(at, name), await readChunks(at, name));
    kept.set(name, { version, ranges });
    return ranges;
  };
}

/** Opens the ledger in the database at `url`, made when missing. @throws when it cannot be reached or is newer */
export async function openPostgresLedger(url: string): Promise<Ledger> {
  const tables = await openTables(url);
  const rangesOf = createRanges();
  return {
    ...jobCalls(tables),
    ...chunkCalls(tables, rangesOf),
    ...changeCalls(tables, rangesOf),
    ...deadLetterCalls(tables),
    close: () => tables.close(),
  };
}

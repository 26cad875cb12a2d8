// The embedded ledger: one SQLite file. Commits are on the disk (synchronous = FULL) before a call resolves, which is what
// acknowledging to the source relies on; readers in other processes (status, verify) do not wait for the writer (WAL).
import { randomUUID } from 'node:crypto';
import { z } from 'zod';
import { formatLsn } from '../postgres/lsn.ts';
import type { Ledger } from './ledger.ts';
import {
  chunkRow,
  countRow,
  deadLetterRow,
  EFFECT_COLUMNS,
  effectRow,
  HELD,
  jobRow,
  json,
  key,
  ledgerJob,
  OPEN,
  one,
  READY,
  readyRow,
} from './rows.ts';
import { openDatabase, Tables } from './sqlite-tables.ts';

function jobCalls(tables: Tables): Pick<Ledger, 'begin' | 'job' | 'remove' | 'setState' | 'setPaused'> {
  return {
    begin: async (job) =>
      tables.transaction(() => {
        const present = tables.get(jobRow, 'SELECT * FROM jobs WHERE name = ?', job.name);
        if (present) return present.plan_hash === job.planHash ? 'present' : 'other';
        tables.run(
          "INSERT INTO jobs (name, plan_hash, key, state, spooled_lsn) VALUES (?, ?, ?, 'running', ?)",
          ...[job.name, job.planHash, JSON.stringify(job.key), formatLsn(job.startLsn)],
        );
        for (const [i, upTo] of job.upTos.entries()) {
          const end = upTo === null ? null : JSON.stringify(upTo);
          tables.run('INSERT INTO chunks (job, id, up_to) VALUES (?, ?, ?)', job.name, i, end);
        }
        return 'begun';
      }),
    async job(name) {
      const found = tables.get(jobRow, 'SELECT * FROM jobs WHERE name = ?', name);
      if (!found) return undefined;
      const number = (sql: string) => tables.get(one, sql, name)?.n ?? 0;
      const counted = tables.all(countRow, 'SELECT name, value FROM counts WHERE job = ?', name);
      return ledgerJob(found, counted, {
        chunks: {
          total: number('SELECT count(*) AS n FROM chunks WHERE job = ?'),
          done: number('SELECT count(*) AS n FROM chunks WHERE job = ? AND done = 1'),
        },
        pending: number('SELECT count(*) AS n FROM changes WHERE job = ?'),
        deadLetters: number('SELECT count(*) AS n FROM dead_letters WHERE job = ?'),
      });
    },
    remove: async (name) =>
      tables.transaction(() => {
        for (const table of ['counts', 'chunks', 'changes', 'dead_letters'])
          tables.run(`DELETE FROM ${table} WHERE job = ?`, name);
        tables.run('DELETE FROM jobs WHERE name = ?', name);
        tables.forgetRanges(name);
      }),
    setState: async (name, state, reason) =>
      tables.run('UPDATE jobs SET state = ?, reason = ? WHERE name = ?', state, reason, name),
    setPaused: async (name, paused) => tables.run('UPDATE jobs SET paused = ? WHERE name = ?', paused ? 1 : 0, name),
  };
}

type ChunkCalls = Pick<Ledger, 'chunks' | 'claimChunk' | 'beginChunk' | 'splitChunk' | 'finishChunk'>;

const OWN_CHUNK = 'SELECT 1 FROM chunks WHERE job = ? AND id = ? AND claim = ? AND done = 0';

function chunkCalls(tables: Tables): ChunkCalls {
  return {
    chunks: async (name) => tables.chunks(name),
    claimChunk: async (name, id) =>
      tables.transaction(() => {
        const token = randomUUID();
        const found = tables.get(
          chunkRow,
          'UPDATE chunks SET claim = ? WHERE job = ? AND id = ? AND done = 0 RETURNING id, up_to, done, snapshot',
          ...[token, name, id],
        );
        if (!found) return undefined;
        const after = tables.ranges(name).afterOf(id);
        return { id, after, upTo: found.up_to, done: false, snapshot: found.snapshot, token };
      }),
    beginChunk: async (name, { id, token }, snapshot) =>
      tables.transaction(() => {
        tables.must(OWN_CHUNK, name, id, token);
        const kept = tables.get(
          z.object({ snapshot: z.string() }),
          'UPDATE chunks SET snapshot = coalesce(snapshot, ?) WHERE job = ? AND id = ? RETURNING snapshot',
          ...[snapshot, name, id],
        );
        return kept?.snapshot ?? snapshot;
      }),
    splitChunk: async (name, { id, token }, at) =>
      tables.transaction(() => {
        tables.must(OWN_CHUNK, name, id, token);
        const chunks = tables.chunks(name);
        const chunk = chunks.find((each) => each.id === id);
        if (!chunk) throw new Error(`the ledger has no chunk ${id} of ${name}`);
        const added = { ...chunk, id: Math.max(...chunks.map((each) => each.id)) + 1, after: at };
        const end = chunk.upTo === null ? null : JSON.stringify(chunk.upTo);
        tables.run('UPDATE chunks SET up_to = ? WHERE job = ? AND id = ?', JSON.stringify(at), name, id);
        tables.run(
          'INSERT INTO chunks (job, id, up_to, snapshot) VALUES (?, ?, ?, ?)',
          ...[name, added.id, end, chunk.snapshot],
        );
        tables.forgetRanges(name);
        const keys = z.object({ id: z.number(), key: json(key) });
        for (const change of tables.all(keys, 'SELECT id, key FROM changes WHERE job = ? AND chunk = ?', name, id)) {
          const chunkId = tables.ranges(name).chunkOf(change.key);
          tables.run('UPDATE changes SET chunk = ? WHERE id = ?', chunkId, change.id);
        }
        return added;
      }),
    finishChunk: async (name, { id, token }, { counts, letters }) =>
      tables.transaction(() => {
        tables.must(OWN_CHUNK, name, id, token);
        for (const letter of letters) tables.putLetter(name, letter);
        tables.run('UPDATE chunks SET done = 1 WHERE job = ? AND id = ?', name, id);
        tables.run(
          `UPDATE changes SET state = ${READY} WHERE job = ? AND chunk = ? AND state = ${HELD}`,
          ...[name, id],
        );
        tables.count(name, counts);
      }),
  };
}

function changeCalls(tables: Tables): Pick<Ledger, 'beginReceiving' | 'spool' | 'ready' | 'settle' | 'pendingOf'> {
  return {
    beginReceiving: async (name) =>
      tables.transaction(() => {
        const receiver = randomUUID();
        tables.run('UPDATE jobs SET receiver = ? WHERE name = ?', receiver, name);
        tables.run(`DELETE FROM changes WHERE job = ? AND state = ${OPEN}`, name);
        return receiver;
      }),
    spool: async (name, receiver, { effects, committed, endLsn }) =>
      tables.transaction(() => {
        tables.must('SELECT 1 FROM jobs WHERE name = ? AND receiver = ?', name, receiver);
        for (const effect of effects.slice(0, committed)) tables.addEffect(name, effect);
        if (endLsn !== undefined) {
          tables.closeOpen(name);
          tables.run('UPDATE jobs SET spooled_lsn = ? WHERE name = ?', formatLsn(endLsn), name);
        }
        for (const effect of effects.slice(committed)) tables.addEffect(name, effect);
      }),
    ready: async (name, limit) =>
      tables.all(
        readyRow,
        `SELECT ${EFFECT_COLUMNS}, snapshot FROM changes JOIN chunks ON chunks.job = changes.job AND chunks.id = chunk
         WHERE changes.job = ? AND state = ${READY} ORDER BY changes.id LIMIT ?`,
        ...[name, limit],
      ),
    settle: async (name, { ids, counts, letters, cleared }) =>
      tables.transaction(() => {
        for (const id of ids) tables.must('DELETE FROM changes WHERE id = ? RETURNING id', id);
        for (const at of cleared) tables.dropLetter(name, at);
        for (const letter of letters) tables.putLetter(name, letter);
        tables.count(name, counts);
      }),
    pendingOf: async (name, at) =>
      tables.all(
        effectRow,
        `SELECT ${EFFECT_COLUMNS} FROM changes WHERE job = ? AND key = ? ORDER BY id`,
        ...[name, JSON.stringify(at)],
      ),
  };
}

function deadLetterCalls(tables: Tables): Pick<Ledger, 'dropDeadLetter' | 'deadLetter' | 'deadLetters'> {
  return {
    dropDeadLetter: async (name, { key: at, version }) =>
      tables.run(
        'DELETE FROM dead_letters WHERE job = ? AND key = ? AND version = ?',
        ...[name, JSON.stringify(at), version],
      ),
    deadLetter: async (name, at) =>
      tables.get(
        deadLetterRow,
        'SELECT key, reason, row, version, at FROM dead_letters WHERE job = ? AND key = ?',
        ...[name, JSON.stringify(at)],
      ),
    deadLetters: async (name, limit, after) =>
      tables.all(
        deadLetterRow,
        'SELECT key, reason, row, version, at FROM dead_letters WHERE job = ? AND key > ? ORDER BY key LIMIT ?',
        ...[name, after === undefined ? '' : JSON.stringify(after), limit],
      ),
  };
}

/** Opens the ledger in `file`, made when missing; ":memory:" is for tests. @throws when it cannot be opened or is newer */
export async function openSqliteLedger(file: string): Promise<Ledger> {
  const database = openDatabase(file);
  const tables = new Tables(database);
  return {
    ...jobCalls(tables),
    ...chunkCalls(tables),
    ...changeCalls(tables),
    ...deadLetterCalls(tables),
    close: async () => database.close(),
  };
}

// Makes a plan: what the source is, whether a job can follow it at all, and the survey of its rows.
import type { Pool } from 'pg';
import { z } from 'zod';
import { type Job, quotedTable } from '../jobs/job.ts';
import { connectReplication } from '../postgres/connect.ts';
import { readFingerprint } from '../postgres/schema.ts';
import { replicaIdentity } from '../postgres/slot.ts';
import { createPostgresSource, logPosition } from '../postgres/source.ts';
import type { Findings, PlanBody } from './plan.ts';
import { survey } from './survey.ts';

export type Where = {
  readonly url: string;
  readonly pool: Pool;
  readonly target: { readonly table: string; readonly region: string };
};

/** Which server and database this is, also after it was moved to another address. */
export async function identifySource(url: string): Promise<{ system: string; database: string }> {
  const client = await connectReplication(url);
  try {
    const { rows } = await client.query('IDENTIFY_SYSTEM');
    const { systemid: system, dbname: database } = z
      .object({ systemid: z.string(), dbname: z.string() })
      .parse(rows[0]);
    return { system, database };
  } finally {
    await client.end();
  }
}

const settingsRow = z.object({ wal_level: z.string(), keep: z.string(), collation: z.string() });
const NO_LIMIT = -1;
const MEGABYTE = 1024 * 1024;

/** Reads only. @throws when the source cannot be reached, or is not what the job expects */
export async function makePlan(job: Job, where: Where, chunkRows: number): Promise<PlanBody> {
  const { url, pool, target } = where;
  const [identity, schema] = await Promise.all([identifySource(url), readFingerprint(pool, job)]);
  const plannedAtMs = Date.now();
  const from = await logPosition(pool);
  const source = createPostgresSource({ url, pool, job, schema });
  const { upTos, found } = await survey(job, source, chunkRows, plannedAtMs);
  const grown = Number((await logPosition(pool)) - from);
  const seconds = Math.max(0.001, (Date.now() - plannedAtMs) / 1000);
  const { rows } = await pool.query(
    `select current_setting('wal_level') as wal_level, datcollate as collation,
       (select setting from pg_settings where name = 'max_slot_wal_keep_size') as keep
     from pg_database where datname = current_database()`,
  );
  const { wal_level, keep, collation } = settingsRow.parse(rows[0]);
  const keptBytesMax = Number(keep) === NO_LIMIT ? null : Number(keep) * MEGABYTE;
  const log = { bytesPerSecond: Math.round(grown / seconds), keptBytesMax };
  const facts = { identity: await replicaIdentity(pool, job), walLevel: wal_level, collation };
  const findings = { ...found, log, warnings: warningsOf(job, { ...found, log }, facts) };
  return {
    format: 1,
    job: job.name,
    mappingVersion: job.mappingVersion,
    plannedAt: new Date(plannedAtMs).toISOString(),
    chunkRows,
    source: { ...identity, schema },
    target,
    findings,
    upTos: upTos.map((key) => (key === null ? null : [...key])),
  };
}

function warningsOf(
  job: Job,
  { unmappable, collisions, log, seconds }: Omit<Findings, 'warnings'>,
  { identity, walLevel, collation }: { identity: string; walLevel: string; collation: string },
): string[] {
  const warnings: string[] = [];
  if (walLevel !== 'logical') warnings.push(`wal_level is ${walLevel}: set it to logical and restart the source`);
  if (identity !== 'f') warnings.push(`the replica identity of ${quotedTable(job)} is not full: run setup`);
  if (collisions > 0) warnings.push(`${collisions} rows share an item with others: the mapping loses rows`);
  if (unmappable.count > 0) warnings.push(`${unmappable.count} rows cannot be mapped and will be dead letters`);
  const text = job.key.some(({ type }) => type === 'text');
  if (text && !['C', 'POSIX', 'C.UTF-8', 'C.utf8'].includes(collation))
    warnings.push(
      `texts sort by ${collation} here: without an index on the key with collation "C" each chunk reads the table`,
    );
  if (log.keptBytesMax !== null && log.bytesPerSecond * seconds > log.keptBytesMax)
    warnings.push(`the log would grow past what the source keeps for a slot while the job copies`);
  return warnings;
}

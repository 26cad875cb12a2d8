// What a job was planned on: the columns' types. A job goes on only while they are the same.
import type { Pool } from 'pg';
import { z } from 'zod';
import { type Job, quotedTable } from '../jobs/job.ts';
import type { Relation } from './pgoutput.ts';

export const fingerprint = z.array(
  z.object({
    name: z.string(),
    typeOid: z.number(),
    /** Of numeric(38,18), say, what is in the brackets. */
    typeModifier: z.number(),
    /** For people. */
    type: z.string(),
    nullable: z.boolean(),
  }),
);
export type Fingerprint = z.infer<typeof fingerprint>;

const columnRow = z.object({
  name: z.string(),
  oid: z.string(),
  modifier: z.string(),
  type: z.string(),
  nullable: z.string(),
});

/** Of the job's columns. @throws when the table or one of them is not there */
export async function readFingerprint(pool: Pool, job: Job): Promise<Fingerprint> {
  const { rows } = await pool.query(
    `select attname as name, atttypid::oid::text as oid, atttypmod::text as modifier,
       format_type(atttypid, atttypmod) as type, (not attnotnull)::text as nullable
     from pg_attribute where attrelid = $1::regclass and attnum > 0 and not attisdropped`,
    [quotedTable(job)],
  );
  const found = new Map(rows.map((row) => columnRow.parse(row)).map((column) => [column.name, column]));
  return job.columns.map((name) => {
    const column = found.get(name);
    if (!column) throw new Error(`${quotedTable(job)} has no column ${name}: is this the right database?`);
    const { oid, modifier, type, nullable } = column;
    return { name, typeOid: Number(oid), typeModifier: Number(modifier), type, nullable: nullable === 'true' };
  });
}

/** Why changes of a table described as `relation` cannot be applied by a job planned on `planned`; undefined: they can. */
export function problemOfRelation(planned: Fingerprint, relation: Relation): string | undefined {
  if (relation.identity !== 'f') return `the replica identity of ${relation.table} is not full any more; run setup`;
  for (const { name, typeOid, typeModifier, type } of planned) {
    const column = relation.columns.find((each) => each.name === name);
    if (!column) return `${relation.table} has lost the column ${name}: plan the job anew`;
    if (column.typeOid !== typeOid || column.typeModifier !== typeModifier)
      return `${relation.table}.${name} is no longer ${type}: plan the job anew`;
  }
  return undefined;
}

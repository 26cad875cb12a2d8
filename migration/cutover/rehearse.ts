// The canary's round trip: a row goes to the table as any does, is changed there as the service would, comes back, is deleted
// there, and is gone. Proven before it is needed, on the very way that a rollback would take.
import { randomBytes } from 'node:crypto';
import { DeleteItemCommand, PutItemCommand } from '@aws-sdk/client-dynamodb';
import { PK, SK } from '../../backend/store/keys.ts';
import { whileFollowing } from '../back/follow.ts';
import { type Job, keyOf, quoted, quotedTable } from '../jobs/job.ts';
import { isMigrated, unmarked } from '../run/marks.ts';
import { noteRehearsal } from './control.ts';
import type { Switch } from './sides.ts';
import { waitFor } from './wait.ts';

const STEP_MS = 60_000;

const ofKey = (job: Job): string =>
  job.key.map(({ name, type }, i) => `${quoted(name)} = $${i + 1}::${type}`).join(' and ');

/** Answers what it saw. @throws at the step that did not come about, by name; the canary is taken away either way */
export async function rehearse(at: Switch): Promise<readonly string[]> {
  const { job, pool, target, table } = at;
  const { row, field, value } = job.canary(randomBytes(6).toString('hex'));
  const itemKey = job.itemKeyOf(row);
  const Key = { [PK]: { S: itemKey.pk }, [SK]: { S: itemKey.sk } };
  const key = [...keyOf(job, row)];
  const columns = Object.keys(row);
  const rowNow = async () =>
    (await pool.query(`select ${quoted(field)}::text as value from ${quotedTable(job)} where ${ofKey(job)}`, key))
      .rows[0];
  const insert = `insert into ${quotedTable(job)} (${columns.map(quoted).join(', ')}) values (${columns.map((_, i) => `$${i + 1}`).join(', ')})`;
  const seen: string[] = [];
  await whileFollowing(at.back, (signal) =>
    at.whileRunning(async () => {
      const step = async (what: string, until: () => Promise<boolean>) => {
        await waitFor(until, `the canary of ${job.name} ${what}`, { ms: STEP_MS, signal });
        seen.push(`the canary ${what}`);
      };
      try {
        await pool.query(insert, Object.values(row));
        await step('came to the table', async () => {
          const item = await target.get(itemKey);
          return item !== undefined && isMigrated(item);
        });
        const item = { ...unmarked((await target.get(itemKey)) ?? {}), [field]: { S: value } };
        await target.client.send(new PutItemCommand({ TableName: table, Item: item }));
        await step('was changed there and came back', async () => (await rowNow())?.value === value);
        await target.client.send(new DeleteItemCommand({ TableName: table, Key }));
        await step('was deleted there and is gone here', async () => (await rowNow()) === undefined);
      } finally {
        await target.client.send(new DeleteItemCommand({ TableName: table, Key }));
        await pool.query(`delete from ${quotedTable(job)} where ${ofKey(job)}`, key);
      }
    }),
  );
  await noteRehearsal(pool, job, at.planHash);
  return seen;
}

// After a rollback: items that the service wrote follow the source again. A job leaves the service's own items alone; those that
// the way back brought home are written anew from their rows, as of a position that all of legacy's later writes are above.
import { ConditionalCheckFailedException, PutItemCommand } from '@aws-sdk/client-dynamodb';
import { z } from 'zod';
import { PK } from '../../backend/store/keys.ts';
import { SCHEMA } from '../back/tables.ts';
import type { Lsn } from '../postgres/lsn.ts';
import { epochOf, markedItem } from '../run/engine.ts';
import { isMigrated, ORIGIN, versionOf } from '../run/marks.ts';
import type { Switch } from './sides.ts';

const ITEMS_PER_READ = 200;
const placeRow = z.object({ key: z.string(), pk: z.string(), sk: z.string() });
type Place = z.infer<typeof placeRow>;

/** Answers how many. Their rows are as they are: the way back is drained, and nobody writes. */
export async function adopt(at: Switch, position: Lsn): Promise<number> {
  const version = versionOf(epochOf(at.plannedAtMs), position, 0);
  let adopted = 0;
  let after = '';
  for (;;) {
    const { rows } = await at.pool.query(
      `select key, pk, sk from ${SCHEMA}.written where job = $1 and key > $2 and not deleted order by key limit ${ITEMS_PER_READ}`,
      [at.job.name, after],
    );
    const places = rows.map((row) => placeRow.parse(row));
    const done = await Promise.all(places.map((place) => adoptOne(at, place, version)));
    adopted += done.filter((each) => each).length;
    const last = places.at(-1);
    if (!last) return adopted;
    after = last.key;
  }
}

/** False: it is adopted already, or gone. */
async function adoptOne({ job, target, table, plannedAtMs, readRow }: Switch, place: Place, version: string) {
  const item = await target.get(place);
  if (item === undefined || isMigrated(item)) return false;
  const row = await readRow(job.keyOfRecord(job.recordOf(item)));
  if (row === undefined) return false;
  const put = new PutItemCommand({
    TableName: table,
    Item: markedItem(job, row, plannedAtMs, version),
    ConditionExpression: 'attribute_exists(#pk) AND attribute_not_exists(#origin)',
    ExpressionAttributeNames: { '#pk': PK, '#origin': ORIGIN },
  });
  try {
    await target.client.send(put);
    return true;
  } catch (error) {
    if (error instanceof ConditionalCheckFailedException) return false;
    throw error;
  }
}

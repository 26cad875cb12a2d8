// The end of a job: what it kept on both sides for going back and forth is taken away. Nothing of it can be taken back, and each
// step is safe to repeat.
import {
  type AttributeValue,
  ConditionalCheckFailedException,
  DeleteItemCommand,
  ScanCommand,
  UpdateItemCommand,
} from '@aws-sdk/client-dynamodb';
import { PK, SK } from '../../backend/store/keys.ts';
import { dropBackTables } from '../back/tables.ts';
import { dropSlot } from '../postgres/slot.ts';
import { epochOf } from '../run/engine.ts';
import { epochIn, MIGRATED, ORIGIN, TOMBSTONE, VERSION } from '../run/marks.ts';
import { dropFence, makeFinal, readControl } from './control.ts';
import type { Switch } from './sides.ts';

const ITEMS_PER_PAGE = 500;

export const FINALIZE_STEPS = [
  'end the way back: the new side writes for good',
  "drop the replication slot and the publication, so that the source's log is free",
  "remove the job's marks from its items, and its tombstones",
  'take the fence from the table: take legacy its right to write first, if it still runs',
  "drop what the way back kept in the source's database",
] as const;

/** Undefined: there is nothing left to do. @throws when the new side does not write, or a run or a way back is under way */
export async function finalize(at: Switch): Promise<readonly string[] | undefined> {
  const { pool, job } = at;
  const control = await readControl(pool, job);
  if (control === undefined) return undefined;
  if (control.phase === 'legacy' || control.phase === 'fenced')
    throw new Error(`legacy still writes ${job.name}: cut over first`);
  await makeFinal(pool, job);
  const done: string[] = [];
  for (const step of [dropSlotOf, removeMarks, dropFenceOf, dropBackTablesOf]) {
    const lines = await step(at);
    for (const line of lines) at.say(line);
    done.push(...lines);
  }
  return done;
}

const dropSlotOf = ({ pool, job }: Switch) => dropSlot(pool, job);
const dropFenceOf = ({ pool, job }: Switch) => dropFence(pool, job);
const dropBackTablesOf = ({ pool, job }: Switch) => dropBackTables(pool, job);

async function removeMarks(at: Switch): Promise<readonly string[]> {
  const { target, table } = at;
  const counts = { unmarked: 0, tombstones: 0 };
  let ExclusiveStartKey: Record<string, AttributeValue> | undefined;
  do {
    const page = await target.client.send(
      new ScanCommand({
        TableName: table,
        Limit: ITEMS_PER_PAGE,
        ConsistentRead: true,
        FilterExpression: '#origin = :origin',
        ExpressionAttributeNames: { '#origin': ORIGIN },
        ExpressionAttributeValues: { ':origin': { S: MIGRATED } },
        ...(ExclusiveStartKey ? { ExclusiveStartKey } : {}),
      }),
    );
    const kinds = await Promise.all((page.Items ?? []).map((item) => removeMark(at, item)));
    for (const kind of kinds) if (kind !== undefined) counts[kind] += 1;
    ExclusiveStartKey = page.LastEvaluatedKey;
  } while (ExclusiveStartKey !== undefined);
  return [`removed the marks of ${counts.unmarked} items, and ${counts.tombstones} tombstones`];
}

/** Only as it was seen: the service may be writing it. Tombstones name no job, but the time of its plan. */
async function removeMark(
  { job, target, table, plannedAtMs }: Switch,
  item: Record<string, AttributeValue>,
): Promise<'unmarked' | 'tombstones' | undefined> {
  const { [PK]: pk, [SK]: sk, [VERSION]: version } = item;
  if (pk === undefined || sk === undefined || version?.N === undefined) return undefined;
  const isTombstone = TOMBSTONE in item;
  if (isTombstone ? epochIn(version.N) !== epochOf(plannedAtMs) : item.data_type?.S !== job.dataType) return undefined;
  const seen = {
    TableName: table,
    Key: { [PK]: pk, [SK]: sk },
    ConditionExpression: '#version = :version',
    ExpressionAttributeValues: { ':version': version },
  };
  const names = { '#version': VERSION };
  try {
    if (isTombstone) await target.client.send(new DeleteItemCommand({ ...seen, ExpressionAttributeNames: names }));
    else
      await target.client.send(
        new UpdateItemCommand({
          ...{ ...seen, UpdateExpression: 'REMOVE #origin, #version' },
          ExpressionAttributeNames: { ...names, '#origin': ORIGIN },
        }),
      );
    return isTombstone ? 'tombstones' : 'unmarked';
  } catch (error) {
    if (error instanceof ConditionalCheckFailedException) return undefined;
    throw error;
  }
}

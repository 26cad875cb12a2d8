// The verifier's own proof: each attribute of an item altered in each way, each in a row of its own, and each of them found.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { PutItemCommand } from '@aws-sdk/client-dynamodb';
import type { AttributeValue, Item } from '../../../backend/store/items.ts';
import { PK, SK } from '../../../backend/store/keys.ts';
import { orders } from '../../../migration/jobs/orders.ts';
import { ORIGIN, VERSION } from '../../../migration/run/marks.ts';
import { openMigrationServers, openMigrationWorld, scan, seedOrders } from '../../helpers/migration.ts';

const ROWS = 150;
/** Where an item is, and the job's marks: other values there are other items, or another's. */
const NOT_ALTERED: ReadonlySet<string> = new Set([PK, SK, ORIGIN, VERSION]);

/** Another value of the same type. */
function changed(value: AttributeValue): AttributeValue {
  if ('S' in value) return { S: /^-?\d+(\.\d+)?$/.test(value.S) ? `${value.S}1` : `${value.S}x` };
  if ('N' in value) return { N: String(BigInt(value.N.replace(/\..*/, '')) + 1n) };
  return { S: 'x' };
}

const ALTERATIONS: Readonly<Record<string, (item: Item, name: string) => Item>> = {
  changed: (item, name) => ({ ...item, [name]: changed(item[name] ?? { NULL: true }) }),
  removed: (item, name) => Object.fromEntries(Object.entries(item).filter(([each]) => each !== name)),
  'of another type': (item, name) => {
    const isList = 'L' in (item[name] ?? {});
    return { ...item, [name]: isList ? { S: 'x' } : { L: [] } };
  },
};

test('each attribute of an order changed, removed or of another type, then verify finds each, and nothing else', async (t) => {
  const servers = await openMigrationServers();
  const world = await openMigrationWorld(servers);
  try {
    await seedOrders(world.pool, ROWS);
    await world.migrate(['setup', 'orders']);
    await world.migrate(['plan', 'orders', '--chunk-rows', '25']);
    await world.migrate(['run', 'orders', '--until-caught-up']);
    const items: Item[] = [];
    for await (const item of scan(world)) items.push(item);
    const names = new Set(items.flatMap((item) => Object.keys(item)).filter((name) => !NOT_ALTERED.has(name)));
    const altered = new Map<string, string>();
    const refused: string[] = [];
    for (const name of names)
      for (const [how, alter] of Object.entries(ALTERATIONS)) {
        const at = items.findIndex((item) => name in item);
        const [item] = items.splice(at, 1);
        assert.ok(at >= 0 && item, `rows left for ${name} ${how}`);
        const what = `${name} ${how}`;
        try {
          await world.client.send(new PutItemCommand({ TableName: world.table, Item: alter(item, name) }));
        } catch (error) {
          if (!String(error).includes('Type mismatch for Index Key')) throw error;
          refused.push(what); // The table itself sees to it.
          continue;
        }
        altered.set(JSON.stringify(orders.keyOfRecord(orders.recordOf(item))), what);
      }
    const findings = JSON.parse((await world.migrate(['--json', 'verify', 'orders'], 6)).stdout);
    const found = new Set(findings.examples.map(({ key }: { key: string[] }) => JSON.stringify(key)));
    const notFound = [...altered].filter(([key]) => !found.has(key)).map(([, what]) => what);
    assert.deepEqual(notFound, []);
    assert.equal(found.size, altered.size);
    assert.deepEqual(refused.sort(), ['data_type_shard of another type', 'symbol_shard of another type']);
    t.diagnostic(`${names.size} attributes, ${altered.size} alterations, all found`);
  } finally {
    await world.close();
    await servers.close();
  }
});

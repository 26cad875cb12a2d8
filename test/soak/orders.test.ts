import assert from 'node:assert/strict';
import { test } from 'node:test';
import { soakOrders } from './orders-soak.ts';

test('killed with -9 under orders, with an exchange that fails: each order once, none lost, positions as filled', async () => {
  const lines: string[] = [];
  const say = (line: string) => void lines.push(line);
  const result = await soakOrders({ orders: 40, rounds: 2, users: 3, seed: 7, timeoutMs: 300, say }).catch(
    (error: unknown) => {
      throw new Error(lines.join('\n'), { cause: error });
    },
  );
  assert.deepEqual([result.requested, result.kills], [80, 2]);
  assert.ok(result.faults > 0);
  assert.ok(result.atExchange > 0);
});

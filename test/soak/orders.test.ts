import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type SoakResult, soakOrders } from './orders-soak.ts';

test('killed with -9 under orders, with an exchange that fails: each order once, none lost, positions as filled', async () => {
  const rounds: SoakResult[] = [];
  const onRound = (result: SoakResult) => void rounds.push(result);
  const last = await soakOrders({ orders: 40, rounds: 2, users: 3, seed: 7, timeoutMs: 300, onRound });
  assert.deepEqual(
    rounds.map((result) => [result.rounds, result.requested]),
    [
      [1, 40],
      [2, 80],
    ],
  );
  assert.deepEqual(last, rounds[1]);
  assert.ok(last && last.faults > 0 && last.atExchange > 0, JSON.stringify(rounds));
});

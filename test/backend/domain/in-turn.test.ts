import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import { createInTurn } from '../../../backend/domain/in-turn.ts';

test('work under one key and under another, then the one waits and the other does not, and a failure holds up nobody', async () => {
  const inTurn = createInTurn();
  const told: string[] = [];
  const gates = { a: Promise.withResolvers<void>(), b: Promise.withResolvers<void>() };
  const step = (name: string, gate?: Promise<void>) => async () => {
    told.push(`${name} begins`);
    await gate;
    told.push(`${name} ends`);
    return name;
  };
  const first = inTurn('k', async () => {
    await step('first', gates.a.promise)();
    throw new Error('first failed');
  });
  const second = inTurn('k', step('second', gates.b.promise));
  const other = inTurn('l', step('other'));
  assert.equal(await other, 'other');
  gates.a.resolve();
  await assert.rejects(first, /first failed/);
  await turn();
  const third = inTurn('k', step('third'));
  gates.b.resolve();
  assert.deepEqual(await Promise.all([second, third]), ['second', 'third']);
  const order = ['first begins', 'other begins', 'other ends', 'first ends', 'second begins'];
  assert.deepEqual(told, [...order, 'second ends', 'third begins', 'third ends']);
});

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { WRITE_KEYS_MAX } from '../../../gateway/ledger/write-store.ts';
import { createWriteTally } from '../../../gateway/writes/write-tally.ts';

describe('writes that are not told yet', () => {
  it('are counted exactly, with the first keys and the latest, however many there are', () => {
    const tally = createWriteTally();
    for (let i = 1; i <= 1_000; i++) tally.count('a', `k${i}`, i);
    tally.count('b', 'x', 1);
    const [a, b] = tally.take();
    assert.equal(a?.count, 1_000);
    const numbers = a?.keys.map(({ n }) => n) ?? [];
    assert.deepEqual([numbers.length, numbers[0], numbers.at(-1)], [2 * WRITE_KEYS_MAX, 1, 1_000]);
    assert.deepEqual([numbers[WRITE_KEYS_MAX - 1], numbers[WRITE_KEYS_MAX]], [WRITE_KEYS_MAX, 1_001 - WRITE_KEYS_MAX]);
    assert.deepEqual(a?.keys.at(-1), { n: 1_000, atMs: 1_000, key: 'k1000' });
    assert.deepEqual(b, { route: 'b', count: 1, keys: [{ n: 1, atMs: 1, key: 'x' }] });
    assert.deepEqual(tally.take(), []);
  });

  it('of several processes are one sequence', () => {
    const [worker, primary] = [createWriteTally(), createWriteTally()];
    for (let i = 1; i <= 200; i++) worker.count('a', `w${i}`, i);
    primary.count('a', 'first', 0);
    primary.add(worker.take());
    primary.count('a', 'last', 300);
    const [a] = primary.peek();
    assert.equal(a?.count, 202);
    assert.deepEqual([a?.keys[1], a?.keys.at(-2)?.n, a?.keys.at(-1)?.n], [{ n: 2, atMs: 1, key: 'w1' }, 201, 202]);
    assert.deepEqual(primary.take(), [a]);
  });
});

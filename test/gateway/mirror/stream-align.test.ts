// Two streams side by side: what is the same message, what came late, out of order, or not at all.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { StreamAligner } from '../../../gateway/mirror/stream-align.ts';
import type { Side } from '../../../gateway/routing/side.ts';

const WINDOW_MS = 1_000;

/** An aligner whose findings are lines: `a` paired, with what is odd about it; `-a` missing, `+a` extra, `!side` dropped. */
function aligner(limits: { waitingMax?: number; waitingBytesMax?: number } = {}) {
  const found: string[] = [];
  const lags: number[] = [];
  const align = new StreamAligner(
    { windowMs: WINDOW_MS, waitingMax: 100, waitingBytesMax: 100_000, ...limits },
    {
      paired({ legacy, new: fresh, lagMs, isLate, isReordered }) {
        assert.equal(legacy.key, fresh.key);
        if (lagMs !== undefined) lags.push(lagMs);
        found.push(`${legacy.key}${isLate ? ' late' : ''}${isReordered ? ' reordered' : ''}`);
      },
      alone: (side, { key }) => found.push(`${side === 'legacy' ? '-' : '+'}${key}`),
      unsettled: (side) => found.push(`?${side}`),
      dropped: (side) => found.push(`!${side}`),
    },
  );
  const push = (side: Side, key: string, atMs: number) => align.push(side, { key, body: Buffer.from(key), atMs });
  return { align, push, found, lags };
}

/** Both sides are heard, and have been for long enough. */
function openAligner(limits: Parameters<typeof aligner>[0] = {}) {
  const made = aligner(limits);
  made.align.opened('legacy', -WINDOW_MS);
  made.align.opened('new', -WINDOW_MS);
  return made;
}

describe('two streams', () => {
  test('that say the same pair message by message, whichever comes first, with the lag of the new side', () => {
    const { push, found, lags, align } = openAligner();
    push('legacy', 'a', 0);
    push('new', 'a', 30);
    push('new', 'b', 40);
    push('legacy', 'b', 45);
    assert.deepEqual(found, ['a', 'b']);
    assert.deepEqual(lags, [30, -5]);
    assert.equal(align.waiting, 0);
  });

  test('with a message on one side only: missing or extra, once it is waited for no longer', () => {
    const { push, found, align } = openAligner();
    push('legacy', 'a', 0);
    push('new', 'b', 10);
    align.expire(3 * WINDOW_MS);
    assert.deepEqual(found, []);
    align.expire(3 * WINDOW_MS + 11);
    assert.deepEqual(found, ['-a', '+b']);
    assert.equal(align.waiting, 0);
  });

  test('with a message that comes after the window: late, and not missing', () => {
    const { push, found } = openAligner();
    push('legacy', 'a', 0);
    push('new', 'a', WINDOW_MS);
    push('legacy', 'b', 2_000);
    push('new', 'b', 2_000 + WINDOW_MS + 1);
    assert.deepEqual(found, ['a', 'b late']);
  });

  test('in different order: the message that was overtaken is reordered, what follows is not', () => {
    const { push, found } = openAligner();
    for (const [n, key] of ['a', 'b', 'c', 'd'].entries()) push('legacy', key, n);
    for (const [n, key] of ['b', 'a', 'c', 'd'].entries()) push('new', key, 10 + n);
    assert.deepEqual(found, ['b', 'a reordered', 'c', 'd']);
  });

  test('with a key that repeats: pairs in its order', () => {
    const { push, found, lags } = openAligner();
    push('legacy', 'a', 0);
    push('legacy', 'a', 100);
    push('new', 'a', 110);
    push('new', 'a', 120);
    assert.deepEqual(found, ['a', 'a']);
    assert.deepEqual(lags, [110, 20]);
  });

  test('of which one is heard later: what the other said before counts where it pairs, and nowhere else', () => {
    const { push, found, align } = aligner();
    align.opened('legacy', 0);
    push('legacy', 'snapshot', 1);
    push('legacy', 'tick', 100);
    align.opened('new', 200);
    push('new', 'snapshot', 201);
    align.expire(100_000);
    push('legacy', 'later', 100_000);
    align.expire(200_000);
    assert.deepEqual(found, ['snapshot', '?legacy', '-later']);
  });

  test('with a key that repeats, whose first message one side was not yet heard to send: what follows is not shifted', () => {
    const pairs: string[] = [];
    const align = new StreamAligner(
      { windowMs: WINDOW_MS, waitingMax: 100, waitingBytesMax: 100_000 },
      {
        paired: ({ legacy, new: fresh }) => pairs.push(`${legacy.body}=${fresh.body}`),
        alone: (side) => pairs.push(`alone ${side}`),
        unsettled: (side) => pairs.push(`unsettled ${side}`),
        dropped: (side) => pairs.push(`dropped ${side}`),
      },
    );
    const push = (side: Side, price: string, atMs: number) =>
      align.push(side, { key: 'BTC', body: Buffer.from(price), atMs });
    align.opened('legacy', 0);
    push('legacy', '1', 10);
    align.opened('new', 20);
    for (const [at, price] of ['2', '3', '4'].entries()) {
      push('new', price, 100 + 100 * at);
      push('legacy', price, 150 + 100 * at);
    }
    align.expire(100_000);
    assert.deepEqual(pairs, ['2=2', '3=3', '4=4', 'unsettled legacy']);
  });

  test('with a key that repeats and a value that differs: told once nothing equal can come for either', () => {
    const { push, found, align } = openAligner();
    for (const side of ['legacy', 'new'] as const) push(side, 'a', 0);
    push('legacy', 'a', 100);
    align.push('new', { key: 'a', body: Buffer.from('other'), atMs: 110 });
    assert.deepEqual(found, ['a']);
    align.expire(111 + WINDOW_MS);
    assert.deepEqual(found, ['a', 'a']);
  });

  test('beyond what may wait: dropped and counted, by count and by bytes', () => {
    const few = openAligner({ waitingMax: 2 });
    for (const key of ['a', 'b', 'c']) few.push('legacy', key, 0);
    few.push('new', 'x', 0);
    assert.deepEqual(few.found, ['!legacy']);
    const small = openAligner({ waitingBytesMax: 5 });
    for (const key of ['abc', 'def', 'gh']) small.push('new', key, 0);
    assert.deepEqual(small.found, ['!new']);
  });

  test('of any messages: each is paired, alone or dropped, exactly once', () => {
    const step = fc.record({
      side: fc.constantFrom<Side>('legacy', 'new'),
      key: fc.constantFrom('a', 'b', 'c'),
      afterMs: fc.nat(2_500),
    });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        const { push, found, align } = openAligner({ waitingMax: 5 });
        let atMs = 0;
        for (const { side, key, afterMs } of steps) {
          atMs += afterMs;
          push(side, key, atMs);
        }
        align.expire(atMs + 100_000);
        const pairs = found.filter((line) => /^[abc]/.test(line)).length;
        assert.equal(pairs * 2 + (found.length - pairs), steps.length);
        assert.equal(align.waiting, 0);
      }),
    );
  });
});

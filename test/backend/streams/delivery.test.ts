import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { isAfter, isNext, type NewsId } from '../../../backend/bus/news.ts';
import { createDelivery, type Gap, type SlowPolicy } from '../../../backend/streams/delivery.ts';
import { createFrame } from '../../../backend/streams/frame.ts';

const frame = (seq: number, epoch = 1) => createFrame({ epoch, seq, text: '{}' });

function subject(policy: SlowPolicy = 'conflate') {
  const state = { isFull: false, ended: 0 };
  const log: (number | Gap)[] = [];
  const delivery = createDelivery(
    {
      send: ({ seq }) => void log.push(seq),
      tellGap: (gap) => void log.push(gap),
      isFull: () => state.isFull,
      endSlow() {
        state.ended += 1;
      },
    },
    policy,
  );
  return { delivery, log, state };
}

describe('a delivery begins', () => {
  test('without an id: with the newest that is kept', () => {
    const { delivery, log } = subject();
    delivery.begin([frame(1), frame(2)], undefined);
    delivery.offer(frame(3));
    assert.deepEqual(log, [2, 3]);
  });

  test('after an id that is kept: with what follows it, each once', () => {
    const { delivery, log } = subject();
    delivery.begin([frame(1), frame(2), frame(3)], { epoch: 1, seq: 1 });
    delivery.offer(frame(3));
    delivery.offer(frame(4));
    assert.deepEqual(log, [2, 3, 4]);
  });

  test('after an id that another instance has told already: with what follows it', () => {
    const { delivery, log } = subject();
    delivery.begin([frame(1)], { epoch: 1, seq: 2 });
    delivery.offer(frame(2));
    delivery.offer(frame(3));
    assert.deepEqual(log, [3]);
  });

  test('after an id that is no longer kept: the gap first', () => {
    const { delivery, log } = subject();
    const kept = [frame(8), frame(9)];
    delivery.begin(kept, { epoch: 1, seq: 3 });
    assert.deepEqual(log, [{ reason: 'lost', after: { epoch: 1, seq: 3 }, next: kept[0] }, 8, 9]);
  });

  for (const [name, after] of [
    ['of an epoch that is gone', { epoch: 0, seq: 50 }],
    ['of an epoch to come', { epoch: 7, seq: 1 }],
    ['far ahead', { epoch: 1, seq: 1_000_000 }],
  ] as const) {
    test(`after an id ${name}: the gap first, and nothing is held back`, () => {
      const { delivery, log } = subject();
      delivery.begin([frame(1)], after);
      delivery.offer(frame(2));
      assert.deepEqual(
        log.map((each) => (typeof each === 'number' ? each : each.reason)),
        ['lost', 1, 2],
      );
    });
  }

  test('after an id where nothing is kept: the gap at once', () => {
    const { delivery, log } = subject();
    delivery.begin([], { epoch: 1, seq: 1 });
    assert.deepEqual(log, [{ reason: 'lost', after: { epoch: 1, seq: 1 }, next: undefined }]);
  });
});

describe('a slow reader', () => {
  test('of a market gets the newest when it can, told that some are left out', () => {
    const { delivery, log, state } = subject('conflate');
    delivery.begin([frame(1)], undefined);
    state.isFull = true;
    for (const seq of [2, 3, 4]) delivery.offer(frame(seq));
    state.isFull = false;
    delivery.drained();
    delivery.drained();
    delivery.offer(frame(5));
    assert.deepEqual(
      log.map((each) => (typeof each === 'number' ? each : each.reason)),
      [1, 'slow', 4, 5],
    );
  });

  test('of orders is ended', () => {
    const { delivery, log, state } = subject('end');
    delivery.begin([frame(1)], undefined);
    state.isFull = true;
    delivery.offer(frame(2));
    assert.deepEqual([log, state.ended], [[1], 1]);
  });
});

test('whatever comes in whatever way, nothing is delivered twice or out of order, and no gap goes untold', () => {
  const step = fc.oneof(
    fc.record({ kind: fc.constant('offer' as const), skip: fc.nat(2), epoch: fc.nat(20) }),
    fc.record({ kind: fc.constant('repeat' as const), back: fc.nat(3) }),
    fc.constant({ kind: 'full' as const }),
    fc.constant({ kind: 'drain' as const }),
  );
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      const { delivery, log, state } = subject();
      const told: NewsId[] = [];
      let current = { epoch: 1, seq: 1 };
      delivery.begin([frame(1)], undefined);
      for (const each of steps) {
        if (each.kind === 'offer') {
          const { epoch, seq } = current;
          current = each.epoch === 0 ? { epoch: epoch + 1, seq: 1 } : { epoch, seq: seq + 1 + each.skip };
          told.push(current);
          delivery.offer(frame(current.seq, current.epoch));
        } else if (each.kind === 'repeat') {
          const again = told.at(-1 - each.back);
          // A channel never goes back beyond what waits: its feed has each frame once.
          if (again && !state.isFull) delivery.offer(frame(again.seq, again.epoch));
        } else {
          state.isFull = each.kind === 'full';
          if (!state.isFull) delivery.drained();
        }
      }
      state.isFull = false;
      delivery.drained();
      const gaps = log.filter((each): each is Gap => typeof each === 'object');
      assert.ok(gaps.every(({ after, next }) => after && next && isAfter(next, after) && !isNext(next, after)));
      const sent = log.filter((each) => typeof each === 'number').length;
      const holes = log.filter((each, i) => {
        const before = log[i - 1];
        return typeof each === 'number' && typeof before === 'number' && each !== before + 1;
      });
      assert.deepEqual(holes, []);
      assert.ok(sent >= 1);
    }),
    { numRuns: 300 },
  );
});

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { closeFrame, GOING_AWAY, maskedCloseFrame, SERVICE_RESTART } from '../../../gateway/streams/close-frame.ts';
import { flipPlan, shutdownPlan } from '../../../gateway/streams/flip-policy.ts';

const drain = { onFlip: 'drain', drainMs: 30_000, jitterMs: 5_000 } as const;

describe('a flip', () => {
  it('of a route that pins its streams, then they stay', () => {
    assert.equal(flipPlan({ ...drain, onFlip: 'pin' }, 0.5), undefined);
  });

  it('of a route that drains, then each closes at its own time, and all within the time for it', () => {
    assert.deepEqual(flipPlan(drain, 0), { code: 1012, delayMs: 0, deadlineMs: 30_000 });
    assert.deepEqual(flipPlan(drain, 0.5), { code: 1012, delayMs: 2_500, deadlineMs: 27_500 });
  });

  it('with more jitter than time, then the delay leaves half the time for the close', () => {
    assert.deepEqual(flipPlan({ ...drain, drainMs: 1_000 }, 0.999_9), { code: 1012, delayMs: 500, deadlineMs: 500 });
  });

  it('of a route that closes, then at once', () => {
    assert.deepEqual(flipPlan({ ...drain, onFlip: 'close' }, 0.9), { code: 1012, delayMs: 0, deadlineMs: 2_000 });
  });
});

describe('a shutdown', () => {
  it('closes pinned streams too, spread over half the time at most', () => {
    assert.deepEqual(shutdownPlan({ ...drain, onFlip: 'pin' }, 0.5, 4_000), {
      code: 1001,
      delayMs: 1_000,
      deadlineMs: 3_000,
    });
  });
});

describe('a Close frame', () => {
  it('from a server is unmasked and has the code and why', () => {
    const bytes = closeFrame(SERVICE_RESTART);
    assert.deepEqual([...bytes.subarray(0, 4)], [0x88, 17, 1012 >> 8, 1012 & 0xff]);
    assert.equal(bytes.subarray(4).toString(), 'service restart');
  });

  it('from a client is masked', () => {
    const bytes = maskedCloseFrame(GOING_AWAY);
    assert.deepEqual([...bytes.subarray(0, 2)], [0x88, 0x80 | 12]);
    const payload = bytes.subarray(6).map((byte, at) => byte ^ (bytes[2 + (at % 4)] ?? 0));
    assert.deepEqual([...payload], [1001 >> 8, 1001 & 0xff, ...Buffer.from('going away')]);
  });
});

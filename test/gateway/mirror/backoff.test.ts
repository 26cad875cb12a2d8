import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { createBackoff } from '../../../gateway/mirror/backoff.ts';
import { createChooser } from '../../../gateway/mirror/chooser.ts';

/** A side that is sent the allowed share of 100 copies a second, in a world whose clock is moved by hand. */
function aSide(perSecond = 100) {
  let now = 0;
  const backoff = createBackoff(() => now);
  const choose = createChooser();
  let sent = 0;
  return {
    get share() {
      return backoff.share;
    },
    get sent() {
      return sent;
    },
    backoff,
    /** Lets seconds pass; `answer` says how long a copy takes and whether it fails. */
    live(seconds: number, answer: (share: number) => { ms: number; failed?: boolean }, route = 'r') {
      for (let i = 0; i < seconds * perSecond; i++) {
        now += 1_000 / perSecond;
        if (!choose(backoff.share)) continue;
        sent++;
        const { ms, failed = false } = answer(backoff.share);
        backoff.report(route, ms, failed);
      }
    },
  };
}
function everyFifthFails() {
  let n = 0;
  return () => ({ ms: 20, failed: ++n % 5 === 0 });
}
const well = () => ({ ms: 20 });

describe('the allowed share', () => {
  test('a side that is well, then everything, for ever', () => {
    const side = aSide();
    side.live(600, well);
    assert.equal(side.share, 1);
    assert.equal(side.sent, 60_000);
  });

  test('it slows to seven times its usual, then halved every second, to a hundredth; well again, then all by itself', () => {
    const side = aSide();
    side.live(60, well);
    side.live(3.5, () => ({ ms: 150 }));
    assert.equal(side.share, 0.125);
    side.live(60, () => ({ ms: 150 }));
    assert.equal(side.share, 0.01);
    side.live(120, well);
    assert.equal(side.share, 1);
  });

  test('it is slow from one second to the next when it has hardly been seen, then nothing: it may be starting', () => {
    const side = aSide();
    side.live(2, () => ({ ms: 1 }));
    side.live(2, () => ({ ms: 300 }));
    assert.equal(side.share, 1);
  });

  for (const [name, answer] of [
    ['fails one copy in five', everyFifthFails()],
    ['times out', () => ({ ms: 5_000, failed: true })],
  ] as const) {
    test(`a side that ${name}, then it is spared`, () => {
      const side = aSide();
      side.live(60, well);
      side.live(5, answer);
      assert.ok(side.share < 0.5, `${side.share}`);
    });
  }

  test('it suffers only from too many copies, then the share settles where it does not', () => {
    const side = aSide();
    side.live(60, well);
    // Above 40 copies a second its answers take long.
    const shares: number[] = [];
    for (let second = 0; second < 300; second++) {
      side.live(1, (share) => ({ ms: share > 0.4 ? 200 : 20 }));
      shares.push(side.share);
    }
    const settled = shares.slice(60);
    const mean = settled.reduce((sum, share) => sum + share, 0) / settled.length;
    assert.ok(mean > 0.2 && mean < 0.45, `${mean}`);
    assert.ok(Math.max(...settled) <= 0.46, 'it is tried only a little more than it can take');
  });

  test('a route that has failed from the start is no reason: its own past is the measure, in time', () => {
    const side = aSide();
    side.live(3 * 3_600, () => ({ ms: 20, failed: true }), 'broken');
    assert.ok(side.share > 0.9, `${side.share}`);
  });

  test('fast answers that vary by some milliseconds, then nothing', () => {
    const side = aSide();
    side.live(60, () => ({ ms: 0.5 }));
    side.live(60, () => ({ ms: 5 }));
    assert.equal(side.share, 1);
  });

  test('a few failures without much traffic, then nothing', () => {
    const side = aSide(0.5);
    side.live(600, () => ({ ms: 20, failed: true }));
    assert.equal(side.share, 1);
  });

  test('spared, and then no traffic at all, then it recovers as well', () => {
    let now = 0;
    const backoff = createBackoff(() => now);
    for (let i = 0; i < 1_000; i++, now += 10) backoff.report('r', 5_000, true);
    assert.ok(backoff.share < 0.1);
    for (let second = 0; second < 400; second++, now += 1_000) void backoff.share;
    assert.equal(backoff.share, 1);
  });

  test('anything happens, then it stays from 0.01 to 1, and comes back to 1 when all is well', () => {
    const events = fc.array(
      fc.record({ ms: fc.double({ min: 0, max: 60_000, noNaN: true }), failed: fc.boolean(), pause: fc.nat(3_000) }),
      {
        maxLength: 500,
      },
    );
    fc.assert(
      fc.property(events, (script) => {
        let now = 0;
        const backoff = createBackoff(() => now);
        for (const { ms, failed, pause } of script) {
          now += pause;
          backoff.report(`r${pause % 3}`, ms, failed);
          assert.ok(backoff.share >= 0.01 && backoff.share <= 1);
        }
        for (let second = 0; second < 1_000; second++) {
          now += 1_000;
          void backoff.share;
        }
        assert.equal(backoff.share, 1);
      }),
      { numRuns: 200 },
    );
  });
});

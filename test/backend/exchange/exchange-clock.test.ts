import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createExchangeClock } from '../../../backend/exchange/exchange-clock.ts';

function subject(skewMs: number) {
  const local = { nowMs: 1_000_000, asked: 0, answers: true };
  const clock = createExchangeClock(
    () => local.nowMs,
    async () => {
      local.asked += 1;
      local.nowMs += 1500; // Waiting for room in the rate limit.
      const sentAtMs = local.nowMs;
      local.nowMs += 40; // There,
      const theirsMs = local.nowMs + skewMs;
      local.nowMs += 40; // and back.
      return local.answers ? { theirsMs, sentAtMs } : undefined;
    },
  );
  return { local, clock };
}

test('measured, then the exchange’s time, the journey taken into account and the wait before it not', async () => {
  const { local, clock } = subject(-7000);
  assert.equal(clock.now(), local.nowMs);
  assert.equal(await clock.measure(), true);
  assert.equal(clock.now(), local.nowMs - 7000);
});

test('many ask at once, then it is measured once; no answer, then the offset stays', async () => {
  const { local, clock } = subject(500);
  await Promise.all([clock.measure(), clock.measure(), clock.measure()]);
  assert.equal(local.asked, 1);
  local.answers = false;
  assert.equal(await clock.measure(), false);
  assert.equal(clock.now(), local.nowMs + 500);
});

test('kept fresh, then measured at first and again when a quarter of an hour has gone', async () => {
  const { local, clock } = subject(0);
  clock.keepFresh();
  await clock.measure(); // The one under way.
  clock.keepFresh();
  assert.equal(local.asked, 1);
  local.nowMs += 15 * 60_000;
  clock.keepFresh();
  assert.equal(local.asked, 2);
});

import assert from 'node:assert/strict';
import { mock, test } from 'node:test';
import fc from 'fast-check';
import { createLimiter, type Demand, type Priority } from '../../../backend/exchange/limiter.ts';
import { createRateWindow } from '../../../backend/exchange/rate-window.ts';

test('any requests at any times, then never more than the limit within any window, and none waits longer than it must', () => {
  const requests = fc.array(fc.record({ gapMs: fc.nat(30), amount: fc.integer({ min: 1, max: 4 }) }), {
    maxLength: 200,
  });
  fc.assert(
    fc.property(requests, (list) => {
      const limit = { count: 10, periodMs: 100 };
      const window = createRateWindow(limit);
      const sent: { atMs: number; amount: number }[] = [];
      const usedAt = (atMs: number) =>
        sent.filter((each) => each.atMs + limit.periodMs > atMs).reduce((sum, { amount }) => sum + amount, 0);
      let nowMs = 0;
      for (const { gapMs, amount } of list) {
        nowMs += gapMs;
        const waitMs = window.waitMs(amount, 1, nowMs);
        if (waitMs > 0)
          assert.ok(usedAt(nowMs + waitMs - 1) + amount > limit.count, 'a millisecond sooner was too soon');
        nowMs += waitMs;
        window.use(amount, nowMs);
        sent.push({ atMs: nowMs, amount });
        assert.ok(usedAt(nowMs) <= limit.count);
      }
    }),
  );
});

function subject() {
  const clock = { nowMs: 0 };
  const limiter = createLimiter(() => clock.nowMs);
  const window = createRateWindow({ count: 10, periodMs: 500 });
  const demand = (priority: Priority): Demand => ({ priority, uses: [{ window, amount: 1 }] });
  const settled: string[] = [];
  const ask = (name: string, priority: Priority) =>
    limiter.admit(demand(priority)).then((refused) => settled.push(refused === undefined ? name : `${name} refused`));
  const advance = async (ms: number) => {
    clock.nowMs += ms;
    mock.timers.tick(ms);
    await Promise.resolve();
    await Promise.resolve();
  };
  return { limiter, ask, settled, advance };
}

test('data has taken its share, then trading still goes at once, and before data when the window is full', async () => {
  mock.timers.enable({ apis: ['setTimeout'] });
  try {
    const { ask, settled, advance } = subject();
    for (let i = 0; i < 8; i++) void ask(`d${i}`, 'data');
    for (let i = 0; i < 4; i++) void ask(`t${i}`, 'trade');
    await advance(0);
    assert.deepEqual(settled, ['d0', 'd1', 'd2', 'd3', 'd4', 'd5', 'd6', 't0', 't1', 't2']);
    settled.length = 0;
    await advance(500);
    assert.deepEqual(settled, ['t3', 'd7']);
  } finally {
    mock.timers.reset();
  }
});

test('a pause, then those who wait and those who come are refused until it is over', async () => {
  mock.timers.enable({ apis: ['setTimeout'] });
  try {
    const { limiter, ask, settled, advance } = subject();
    for (let i = 0; i < 11; i++) void ask(`t${i}`, 'trade');
    limiter.pause(2000, 'told to be silent');
    limiter.pause(1000, 'a shorter one does not end it');
    await advance(0);
    assert.equal(settled.at(-1), 't10 refused');
    assert.equal(limiter.paused(), 'told to be silent; nothing is sent for another 2 s');
    assert.match((await limiter.admit({ priority: 'trade', uses: [] })) ?? '', /told to be silent/);
    await advance(2000);
    assert.equal(limiter.paused(), undefined);
    assert.equal(await limiter.admit({ priority: 'trade', uses: [] }), undefined);
  } finally {
    mock.timers.reset();
  }
});

test('no room within the longest wait, then refused at once; more waiting than allowed, then refused', async () => {
  const limiter = createLimiter(() => 0);
  const window = createRateWindow({ count: 1, periodMs: 5000 });
  const demand: Demand = { priority: 'trade', uses: [{ window, amount: 1 }] };
  assert.equal(await limiter.admit(demand), undefined);
  assert.match((await limiter.admit(demand)) ?? '', /no room within 2000 ms/);
  const short = createRateWindow({ count: 1, periodMs: 900 });
  const many = Array.from({ length: 1002 }, () =>
    limiter.admit({ priority: 'data', uses: [{ window: short, amount: 1 }] }),
  );
  assert.match((await many[1001]) ?? '', /1000 requests wait/);
  limiter.close();
  assert.equal(await many[5], 'the client is closed');
});

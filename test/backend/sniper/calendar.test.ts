import assert from 'node:assert/strict';
import { describe, type TestContext, test } from 'node:test';
import { createMetrics } from '../../../backend/metrics.ts';
import { createCalendar } from '../../../backend/sniper/calendar.ts';
import { createMexcSite } from '../../../backend/sniper/mexc-site.ts';
import { pollAfterMs } from '../../../backend/sniper/polling.ts';
import type { CalendarRecord } from '../../../backend/store/calendar-items.ts';
import { createMemoryStore } from '../../../backend/store/memory.ts';
import { createExchangeSimulator } from '../../sandbox/exchange/server.ts';

const START_MS = 1_800_000_000_000;
const HOUR_MS = 3_600_000;
const KEYS = { apiKey: 'mx0calendar', secretKey: 'calendar-secret' };
const SCRIPT = { symbol: 'NEWUSDT', projectName: 'New', price: '0.5', pricePlaces: 4, quantityPlaces: 1 };

/** Two instances over one store, and the simulated exchange's web site. */
async function subject(context: TestContext) {
  const clock = { nowMs: START_MS };
  const now = () => clock.nowMs;
  const simulator = await createExchangeSimulator({ ...KEYS, now });
  const store = createMemoryStore(now);
  const told: { type: string; data: Record<string, unknown> }[] = [];
  const troubles: string[] = [];
  const metrics = createMetrics();
  const instance = () =>
    createCalendar({
      store,
      source: createMexcSite({ url: simulator.url, timeoutMs: 2000, now }),
      bus: { tell: (_, type, data) => void told.push({ type, data: { ...data } }) },
      metrics,
      pollMostMs: 300_000,
      now,
      raised: (_, error) => void troubles.push(error instanceof Error ? error.message : String(error)),
    });
  const [one, two] = [instance(), instance()];
  context.after(async () => {
    await Promise.all([one.stop(), two.stop()]);
    await simulator.close();
  });
  return { clock, simulator, store, told, troubles, metrics, one, two };
}

describe('the calendar', () => {
  test('a listing is announced, shows step by step and is moved: stored, told of once by two instances, scored', async (context) => {
    const { clock, simulator, store, told, one, two } = await subject(context);
    const openMs = START_MS + 12 * HOUR_MS;
    simulator.list({
      ...{ ...SCRIPT, announcedAtMs: START_MS, firstOpenTimeMs: openMs, slipMs: 0 },
      steps: [
        { atMs: openMs - HOUR_MS, sts: 1, st: 1, tt: 0 },
        { atMs: openMs - 60_000, sts: 2, st: 2, tt: 4 },
      ],
    });
    await Promise.all([one.pass(), two.pass()]);
    const [stored] = await store.listings();
    assert.deepEqual(
      [stored?.symbol, stored?.project_name, stored?.status, stored?.details],
      ['NEWUSDT', 'New', 'detected', '{}'],
    );
    assert.deepEqual(
      told.map(({ type, data }) => [type, data.symbol, data.kind]),
      [
        ['listing', 'NEWUSDT', undefined],
        ['pattern', 'NEWUSDT', 'launch_sequence'],
      ],
    );
    assert.equal(two.of('NEWUSDT')?.opensAtMs, openMs);
    told.length = 0;
    clock.nowMs = openMs - 60_000;
    await one.pass();
    await two.pass();
    assert.deepEqual(
      told.map(({ type, data }) => [type, data.kind, data.score]),
      [
        ['listing', undefined, undefined],
        ['pattern', 'ready_state', 100],
      ],
    );
    assert.deepEqual(two.of('NEWUSDT')?.signs?.sts, 2);
    await one.markSniped('NEWUSDT');
    assert.equal((await store.listings())[0]?.status, 'sniped');
  });

  test('the web site answers with a page or not at all, then it is told, waited longer each time, and healed by itself', async (context) => {
    const { clock, simulator, troubles, metrics, one } = await subject(context);
    simulator.inject({ kind: 'reset', when: 'before', path: '/new_coin_calendar', count: 2 });
    await one.pass();
    await one.pass();
    assert.equal(troubles.length, 1, 'the second look was not due');
    clock.nowMs += 5 * 60_000;
    await one.pass();
    assert.match(troubles[1] ?? '', /^the exchange’s web site: unreachable: /);
    clock.nowMs += 5 * 60_000;
    await one.pass();
    assert.equal(troubles.length, 2);
    const polls = (await metrics.sniperPolls.get()).values.map(({ labels, value }) => [labels.result, value]);
    assert.deepEqual(polls, [
      ['unreachable', 2],
      ['listed', 1],
    ]);
  });

  test('an hour after an opening that nobody took part in, it is missed; rows from elsewhere are read as they are', async (context) => {
    const { clock, store, one } = await subject(context);
    const migrated: CalendarRecord = {
      ...{ vcoin_id: 'old', symbol: 'OLDUSDT', project_name: 'Old', status: 'detected', version: 1 },
      ...{ launch_price: '0.000000000123456789', token_supply: '1e30', details: '{"sts": "two", "links": [null]}' },
      ...{
        first_open_time: new Date(START_MS).toISOString().replace('Z', '123Z'),
        created_at: '2026-01-01T00:00:00.000Z',
      },
    };
    await store.putListing(migrated);
    await one.pass();
    assert.deepEqual(one.of('OLDUSDT')?.signs, undefined);
    clock.nowMs += HOUR_MS + 1;
    await one.pass();
    assert.deepEqual(await store.getListing('old'), { ...migrated, status: 'missed', version: 2 });
    assert.deepEqual(one.pending(), []);
  });
});

test('asking is slow while nothing is near, quick near an opening, slower after failures, and never above five minutes', () => {
  const pace = (nearestMs: number | undefined, failures = 0) => [
    pollAfterMs('calendar', nearestMs, failures, 300_000),
    pollAfterMs('symbols', nearestMs, failures, 300_000),
  ];
  assert.deepEqual(pace(undefined), [300_000, 300_000]);
  assert.deepEqual(pace(80 * HOUR_MS), [300_000, 300_000]);
  assert.deepEqual(pace(10 * HOUR_MS), [300_000, 30_000]);
  assert.deepEqual(pace(30 * 60_000), [60_000, 5000]);
  assert.deepEqual(pace(60_000), [60_000, 2000]);
  assert.deepEqual(pace(-60_000, 3), [300_000, 16_000]);
  assert.deepEqual(pace(60_000, 1000), [300_000, 300_000]);
});

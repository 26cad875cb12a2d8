import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { createMexcConnection } from '../../../backend/exchange/mexc-connection.ts';
import { createMexcQueries } from '../../../backend/exchange/mexc-feed.ts';
import { createMexcMarket } from '../../../backend/exchange/mexc-market.ts';
import { START_MS, testBackend } from '../../helpers/backend.ts';
import { closingAfterEach } from '../../helpers/closing.ts';
import { createExchangeSimulator } from '../../sandbox/exchange/server.ts';

const KEYS = { apiKey: 'mx0routes', secretKey: 'routes-secret' };
const MINUTE_MS = 60_000;
const keep = closingAfterEach();

async function subject() {
  const exchangeClock = { nowMs: START_MS };
  const simulator = await keep(createExchangeSimulator({ ...KEYS, now: () => exchangeClock.nowMs }));
  const connection = await keep(createMexcConnection({ url: simulator.url, timeoutMs: 5000, now: Date.now }));
  const market = createMexcMarket(connection, Date.now);
  const backend = testBackend({ marketQueries: createMexcQueries(market) });
  const advance = (ms: number) => {
    exchangeClock.nowMs += ms;
    backend.clock.nowMs += ms;
  };
  return { ...backend, simulator, advance };
}

describe('the market over the API', () => {
  test('depth of a symbol that nobody follows, then the exchange’s, asked for once by a crowd', async () => {
    const { call, simulator } = await subject();
    const answers = await Promise.all(
      [1, 2, 3].map((limit) => call('GET', `/api/market/depth/DOGEUSDT?limit=${limit}`)),
    );
    assert.equal(simulator.requestCount(), 1);
    const second = answers[1];
    assert.equal(second?.status, 200);
    assert.deepEqual(second.json.bids, [
      ['0.12345', '100'],
      ['0.12344', '200'],
    ]);
    assert.equal(typeof second.json.version, 'number');
  });

  test('klines, then those that are over come from the table the next time', async () => {
    const { call, simulator, advance, store } = await subject();
    simulator.setPrice('SOLUSDT', '151');
    advance(3 * MINUTE_MS);
    simulator.setPrice('SOLUSDT', '149.5');
    const query = `start=${START_MS}&interval=1m`;
    const first = await call('GET', `/api/market/klines/SOLUSDT?${query}`);
    assert.equal(first.status, 200);
    const closes = (json: Record<string, unknown>) =>
      (json.klines as { open_time: number; close: string; volume: string }[]).map((k) => [
        k.open_time - START_MS,
        k.close,
        k.volume,
      ]);
    const expected = [
      [0, '151', '0.001'],
      [MINUTE_MS, '151', '0'],
      [2 * MINUTE_MS, '151', '0'],
      [3 * MINUTE_MS, '149.5', '0.001'],
    ];
    assert.deepEqual(closes(first.json), expected);
    const range = { fromMs: START_MS, toMs: START_MS + 10 * MINUTE_MS, limit: 10 };
    assert.equal((await store.klines('SOLUSDT', '1m', range)).length, 3, 'the present one is not over');
    const count = simulator.requestCount();
    const over = await call('GET', `/api/market/klines/SOLUSDT?${query}&end=${START_MS + 2 * MINUTE_MS}`);
    assert.deepEqual(closes(over.json), expected.slice(0, 3));
    assert.equal(simulator.requestCount(), count, 'the exchange was not asked');
    advance(1000);
    assert.deepEqual(closes((await call('GET', `/api/market/klines/SOLUSDT?${query}`)).json), expected);
    assert.equal(simulator.requestCount(), count + 1);
  });

  test('weeks and months, then they begin on Mondays and on the first, and those that are over come from the table', async () => {
    const { call, simulator } = await subject(); // A Monday, 5 January 2026, 10:00.
    const opens = async (query: string) =>
      (
        (await call('GET', `/api/market/klines/SOLUSDT?${query}`)).json.klines as Record<
          'open_time' | 'close_time',
          number
        >[]
      ).map(({ open_time, close_time }) =>
        [open_time, close_time].map((ms) => new Date(ms).toISOString().slice(0, 10)),
      );
    assert.deepEqual(await opens('interval=1W&limit=2'), [
      ['2025-12-29', '2026-01-05'],
      ['2026-01-05', '2026-01-12'],
    ]);
    const months = [
      ['2025-11-01', '2025-12-01'],
      ['2025-12-01', '2026-01-01'],
    ];
    assert.deepEqual(await opens('interval=1M&limit=3'), [...months, ['2026-01-01', '2026-02-01']]);
    const count = simulator.requestCount();
    const range = `start=${Date.parse('2025-10-15')}&end=${Date.parse('2025-12-31')}`;
    assert.deepEqual(await opens(`interval=1M&limit=2&${range}`), months);
    assert.equal(simulator.requestCount(), count, 'the exchange was not asked');
    assert.deepEqual(await opens(`interval=1M&start=${8.64e15}`), []);
    assert.deepEqual(await opens(`interval=1M&start=${Date.parse('2026-01-02')}`), []);
  });

  test('queries that are none and symbols that are none, then 400 that says so; no exchange, then 502', async () => {
    const { call, simulator } = await subject();
    const cases = [
      ['depth/BTCUSDT?limit=0', 'limit is below 1'],
      ['depth/BTCUSDT?limit=1001', 'limit is above 1000'],
      ['depth/BTCUSDT?limit=1e2', 'limit must be a whole number'],
      ['klines/BTCUSDT?interval=1h', 'interval must be one of'],
      ['klines/BTCUSDT?start=-1', 'start must be a whole number'],
      ['klines/BTCUSDT?start=20&end=10', 'start is after end'],
      ['depth/btc', 'unknown symbol'],
      ['depth/NOSUCHUSDT', 'unknown symbol'],
      ['klines/NOSUCHUSDT', 'unknown symbol'],
    ];
    for (const [path = '', detail = ''] of cases) {
      const { status, json } = await call('GET', `/api/market/${path}`);
      assert.equal(status, 400, path);
      assert.ok(String(json.detail).startsWith(detail), `${path}: ${json.detail}`);
    }
    await simulator.close();
    assert.equal((await call('GET', '/api/market/depth/BTCUSDT')).status, 502);
    assert.equal((await call('GET', '/api/market/klines/BTCUSDT')).status, 502);
  });
});

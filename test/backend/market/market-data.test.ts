import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { createMexcConnection } from '../../../backend/exchange/mexc-connection.ts';
import { createMexcFeed, createMexcQueries } from '../../../backend/exchange/mexc-feed.ts';
import { createMexcMarket } from '../../../backend/exchange/mexc-market.ts';
import { createMexcStreams } from '../../../backend/exchange/mexc-streams.ts';
import { createMarketData } from '../../../backend/market/market-data.ts';
import { startPublishing } from '../../../backend/market/publishing.ts';
import { createMetrics } from '../../../backend/metrics.ts';
import { closingAfterEach } from '../../helpers/closing.ts';
import { eventually } from '../../helpers/deadline.ts';
import { createExchangeSimulator } from '../../sandbox/exchange/server.ts';
import { createRandom } from '../../sandbox/seed/random.ts';

const KEYS = { apiKey: 'mx0marketdata', secretKey: 'market-secret' };
const keep = closingAfterEach();

async function follow(symbol: string, given: { rotateAfterMs?: number } = {}) {
  const simulator = await keep(createExchangeSimulator(KEYS));
  const connection = await keep(createMexcConnection({ url: simulator.url, timeoutMs: 5000, now: Date.now }));
  const streams = await keep(
    createMexcStreams({ url: simulator.streamUrl, onRefused: () => {}, overlapMs: 50, ...given }),
  );
  const published: { channel: string; message: Record<string, unknown> }[] = [];
  const metrics = createMetrics();
  const market = await keep(
    createMarketData({
      feed: createMexcFeed(streams),
      queries: createMexcQueries(createMexcMarket(connection, Date.now)),
      metrics,
      now: Date.now,
    }),
  );
  const bus = {
    tell: (channel: string, _: string, message: object) => void published.push({ channel, message: { ...message } }),
    skip: (channel: string) => void published.push({ channel, message: { skipped: true } }),
  };
  const publish = () => keep(startPublishing({ market, bus, metrics, now: Date.now }));
  const depth = async () => {
    const result = await market.depth(symbol, 1000);
    return result.kind === 'depth' ? result.depth : undefined;
  };
  const live = () => eventually(() => market.view(symbol), `${symbol} to be live`);
  const resyncs = async () => (await metrics.marketResyncs.get()).values.reduce((sum, { value }) => sum + value, 0);
  /** Ours, once it has come to the exchange's version. */
  async function assertEqualsTheirs() {
    simulator.streams.flush();
    await eventually(async () => (await depth())?.version === simulator.book(symbol).version, 'the version');
    const theirs = simulator.book(symbol);
    const levels = (side: readonly [string, string][]) => side.map(([price, quantity]) => ({ price, quantity }));
    assert.deepEqual(await depth(), { version: theirs.version, bids: levels(theirs.bids), asks: levels(theirs.asks) });
  }
  return { simulator, market, publish, published, live, depth, assertEqualsTheirs, resyncs };
}

describe('a followed symbol', () => {
  test('frames lost, doubled, reordered and garbled, snapshots too old, connections cut: in the end the exchange’s own book', async () => {
    const { simulator, market, live, assertEqualsTheirs, resyncs } = await follow('SOLUSDT');
    const random = createRandom(20_261);
    simulator.participate('SOLUSDT', 300, 5);
    market.follow('SOLUSDT');
    await live();
    for (let round = 0; round < 150; round++) {
      simulator.participate('SOLUSDT', random.int(1, 12));
      if (random.chance(0.2)) {
        const kind = random.pick(['gap', 'duplicate', 'reorder'] as const);
        simulator.injectStream({ kind, topic: 'depth' });
      }
      if (random.chance(0.05)) simulator.inject({ kind: 'stale-snapshot', path: '/depth' });
      if (random.chance(0.05)) simulator.inject({ kind: 'error', status: 503, when: 'before', path: '/depth' });
      if (random.chance(0.02)) simulator.injectStream({ kind: 'garbage', topic: 'depth' });
      if (random.chance(0.02)) simulator.streams.cut();
      simulator.streams.flush();
      await new Promise((resolve) => setTimeout(resolve, 4)); // Lets frames and snapshots pass each other.
    }
    simulator.clearFaults();
    await eventually(() => market.view('SOLUSDT'), 'the book to be live', 20_000);
    simulator.participate('SOLUSDT', 10);
    await assertEqualsTheirs();
    assert.ok((await resyncs()) > 1, 'it had to start over at least once');
  });

  test('the connection is replaced while the book moves, then it never starts over', async () => {
    const { simulator, market, live, assertEqualsTheirs, resyncs } = await follow('SOLUSDT', { rotateAfterMs: 100 });
    simulator.participate('SOLUSDT', 300, 5);
    market.follow('SOLUSDT');
    await live();
    const before = await resyncs();
    for (let round = 0; round < 60; round++) {
      simulator.participate('SOLUSDT', 3);
      simulator.streams.flush();
      await new Promise((resolve) => setTimeout(resolve, 8));
    }
    await assertEqualsTheirs();
    assert.equal(await resyncs(), before);
  });

  test('many changes between two looks, then one message with the latest state', async () => {
    const { simulator, market, publish, live, published } = await follow('MXUSDT');
    await publish();
    market.follow('MXUSDT');
    await live();
    await eventually(() => published.length > 0, 'the price before');
    for (const price of ['2.4', '2.41', '2.42']) simulator.setPrice('MXUSDT', price);
    simulator.streams.flush();
    const latest = () => published.findLast(({ channel }) => channel === 'market:MXUSDT')?.message;
    await eventually(() => latest()?.price === '2.42', 'the last price to be published');
    assert.deepEqual([latest()?.bid, latest()?.ask, latest()?.spread, latest()?.mid], ['2.42', '2.42', '0', '2.42']);
    assert.equal(market.lastPrice('MXUSDT'), '2.42');
    await eventually(() => published.some(({ channel }) => channel === 'market_events:MXUSDT'), 'the jump to be told');
    const event = published.find(({ channel }) => channel === 'market_events:MXUSDT')?.message;
    assert.equal(event?.kind, 'price_jump');
  });

  test('followed and not told of for a while, then taken over: a number left out, the state now, and nothing of before', async () => {
    const { simulator, market, publish, live, published } = await follow('MXUSDT');
    market.follow('MXUSDT');
    await live();
    for (const price of ['2.4', '2.9', '3.4']) simulator.setPrice('MXUSDT', price);
    simulator.streams.flush();
    await eventually(() => market.lastPrice('MXUSDT') === '3.4', 'the last price');
    assert.equal(published.length, 0);
    await publish();
    const taken = [...published];
    assert.deepEqual(
      taken.slice(0, 3),
      ['market', 'price', 'market_events'].map((kind) => ({ channel: `${kind}:MXUSDT`, message: { skipped: true } })),
    );
    assert.deepEqual(
      taken.slice(3).map(({ channel, message }) => [channel, message.price]),
      [
        ['market:MXUSDT', '3.4'],
        ['price:MXUSDT', '3.4'],
      ],
    );
  });

  test('the stream is lost, then there is no price and no book of ours, and the exchange is asked instead', async () => {
    const { simulator, market, live, depth } = await follow('BTCUSDT');
    market.follow('BTCUSDT');
    await live();
    simulator.setPrice('BTCUSDT', '65010');
    await eventually(() => market.lastPrice('BTCUSDT') === '65010', 'the price');
    simulator.streams.close();
    await eventually(() => market.view('BTCUSDT') === undefined, 'the loss to be noticed');
    assert.equal(market.lastPrice('BTCUSDT'), undefined);
    assert.equal((await depth())?.bids[0]?.price, '65010');
    market.unfollow('BTCUSDT');
  });
});

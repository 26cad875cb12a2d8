import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createMexcConnection } from '../../../backend/exchange/mexc-connection.ts';
import type { Push } from '../../../backend/exchange/mexc-push.ts';
import { createMexcStreams, depthTopic, type MexcStreamsOptions } from '../../../backend/exchange/mexc-streams.ts';
import { createLane } from '../../../backend/exchange/stream-lane.ts';
import { createUserStream, type UserEvent } from '../../../backend/exchange/user-stream.ts';
import { closingAfterEach } from '../../helpers/closing.ts';
import { eventually, within } from '../../helpers/deadline.ts';
import { createExchangeSimulator, type ExchangeSimulatorOptions } from '../../sandbox/exchange/server.ts';

const KEYS = { apiKey: 'mx0userstream', secretKey: 'stream-secret' };
const keep = closingAfterEach();

const simulate = (given: Partial<ExchangeSimulatorOptions> = {}) =>
  keep(createExchangeSimulator({ ...KEYS, ...given }));

async function connect(url: string, given: Partial<MexcStreamsOptions> = {}) {
  const refused: string[] = [];
  const streams = await keep(createMexcStreams({ url, onRefused: (topic) => refused.push(topic), ...given }));
  const heard: string[] = [];
  const pushes: Push[] = [];
  const listen = (topic: string) =>
    streams.subscribe(topic, {
      onPush: (push) => pushes.push(push),
      onUp: () => heard.push('up'),
      onDown: (reason) => heard.push(`down: ${reason}`),
    });
  return { streams, listen, heard, pushes, refused };
}

test('a hundred topics, then four connections carry them, and one less when thirty are given up', async () => {
  const simulator = await simulate();
  const { streams, listen, heard } = await connect(simulator.streamUrl);
  const symbols = ['BTC', 'ETH', 'SOL', 'MX', 'DOGE', 'XRP'];
  const zones = ['24H', ...Array.from({ length: 20 }, (_, i) => `UTC${i < 10 ? '-' : '+'}${i % 10}`)];
  const topics = symbols.flatMap((base) => zones.map((zone) => `spot@public.miniTicker.v3.api.pb@${base}USDT@${zone}`));
  const stops = topics.slice(0, 100).map(listen);
  await eventually(() => heard.length === 100, 'all to be up');
  assert.deepEqual([streams.laneCount(), simulator.streams.subscriptionCount()], [4, 100]);
  for (const stop of stops.slice(0, 30)) stop();
  await eventually(() => simulator.streams.subscriptionCount() === 70, 'the topics to be given up');
  assert.equal(streams.laneCount(), 3);
  await eventually(() => simulator.streams.connectionCount() === 3, 'the connection to be closed');
  assert.throws(() => listen(topics[50] ?? ''), /has a listener already/);
});

test('the connection is cut, then down is told, and up again once it is back', async () => {
  const simulator = await simulate();
  const { listen, heard, pushes } = await connect(simulator.streamUrl);
  listen(depthTopic('BTCUSDT'));
  await eventually(() => heard.length === 1, 'up');
  simulator.streams.cut();
  await eventually(() => heard.length === 3, 'down and up');
  assert.deepEqual(heard, ['up', 'down: closed with 1006', 'up']);
  simulator.setPrice('BTCUSDT', '65001');
  await eventually(() => pushes.length > 0, 'a push');
});

test('a frame that cannot be read, then the connection is not trusted any more', async () => {
  const simulator = await simulate();
  const { listen, heard } = await connect(simulator.streamUrl);
  listen(depthTopic('BTCUSDT'));
  await eventually(() => heard.length === 1, 'up');
  simulator.injectStream({ kind: 'garbage' });
  simulator.setPrice('BTCUSDT', '65001');
  await eventually(() => heard.length === 3, 'down and up');
  assert.equal(heard[1], 'down: a frame that cannot be read');
});

test('a connection that grows old, then another takes over before it ends, and no version is missing', async () => {
  const simulator = await simulate();
  simulator.participate('SOLUSDT', 200);
  const { listen, heard, pushes } = await connect(simulator.streamUrl, { rotateAfterMs: 100, overlapMs: 50 });
  listen(depthTopic('SOLUSDT'));
  await eventually(() => heard.length === 1, 'up');
  let most = 0;
  await eventually(() => {
    simulator.participate('SOLUSDT', 2);
    simulator.streams.flush();
    most = Math.max(most, simulator.streams.connectionCount());
    return pushes.length > 60;
  }, 'sixty pushes');
  assert.equal(most, 2, 'two connections for a moment');
  assert.deepEqual(heard, ['up']);
  const versions = pushes.map(({ publicAggreDepths: d }) => [Number(d?.fromVersion), Number(d?.toVersion)] as const);
  let reached = versions[0]?.[1] ?? 0;
  for (const [from, to] of versions.slice(1)) {
    assert.ok(from <= reached + 1, `${from} after ${reached}`);
    reached = Math.max(reached, to);
  }
});

test('a topic that the exchange does not give, then it is told, and others go on', async () => {
  const simulator = await simulate();
  const { listen, heard, refused } = await connect(simulator.streamUrl);
  listen(depthTopic('NOPEUSDT'));
  listen(depthTopic('BTCUSDT'));
  await eventually(() => heard.length === 1 && refused.length === 1, 'one up, one refused');
  assert.deepEqual(refused, [depthTopic('NOPEUSDT')]);
});

test('closed while it connects, then it leaves no connection behind', async () => {
  const simulator = await simulate();
  const [asked, address] = [Promise.withResolvers<void>(), Promise.withResolvers<string>()];
  const lane = createLane({
    hooks: { onPush() {}, onUp() {}, onDown() {}, onRefused() {} },
    url() {
      asked.resolve();
      return address.promise;
    },
  });
  lane.add(depthTopic('BTCUSDT'));
  await within(asked.promise, 'the address to be asked for');
  lane.close();
  address.resolve(simulator.streamUrl);
  await new Promise((resolve) => setTimeout(resolve, 200)); // Long enough to connect, were it not closed.
  assert.equal(simulator.openConnections(), 0);
});

async function userStream(given: Partial<ExchangeSimulatorOptions> & { keepAliveEveryMs?: number } = {}) {
  const { keepAliveEveryMs, ...options } = given;
  const simulator = await simulate(options);
  const connection = await keep(createMexcConnection({ url: simulator.url, timeoutMs: 5000, now: Date.now }));
  const call = connection.account(KEYS, 5000);
  const events: UserEvent[] = [];
  const heard: string[] = [];
  const stream = await keep(
    createUserStream({
      url: simulator.streamUrl,
      call,
      onEvent: (event) => events.push(event),
      onUp: () => heard.push('up'),
      onDown: () => heard.push('down'),
      onTrouble: (what) => heard.push(what),
      ...(keepAliveEveryMs === undefined ? {} : { keepAliveEveryMs }),
    }),
  );
  await eventually(() => heard.length === 1, 'up');
  const keysAtExchange = async () => {
    const answer = await call('GET userDataStream', {});
    const body = answer.kind === 'answer' ? (answer.answer.body as { listenKey: string[] }) : { listenKey: [] };
    return body.listenKey.length;
  };
  const buy = (newClientOrderId: string) =>
    call('POST order', {
      symbol: 'BTCUSDT',
      side: 'BUY',
      type: 'LIMIT',
      quantity: '0.01',
      price: '66000',
      newClientOrderId,
    });
  return { simulator, stream, events, heard, keysAtExchange, buy };
}

test('an order on the private stream, then its fill with the fee, and the order filled', async () => {
  const { events, buy } = await userStream();
  await buy('mine1');
  await eventually(() => events.length >= 6, 'the events');
  const orders = events.flatMap((event) => (event.kind === 'order' ? [event] : []));
  assert.deepEqual(
    orders.map(({ status, filledQuantity, filledQuote }) => [status, filledQuantity, filledQuote]),
    [
      ['open', '0', '0'],
      ['filled', '0.01', '650.0025'],
    ],
  );
  assert.ok(orders.every(({ ids }) => ids.includes('mine1')));
  const [fill] = events.flatMap((event) => (event.kind === 'fill' ? [event] : []));
  assert.deepEqual(
    [fill?.symbol, fill?.side, fill?.price, fill?.quantity, fill?.fee, fill?.feeAsset, fill?.isMaker],
    ['BTCUSDT', 'BUY', '65000.25', '0.01', '0.32500125', 'USDT', false],
  );
});

test('the listen key expires, then the stream is back with another', async () => {
  const { simulator, heard, events, buy } = await userStream();
  simulator.expireListenKeys();
  await eventually(() => heard.length === 3, 'down and up', 15_000);
  assert.deepEqual(heard, ['up', 'down', 'up']);
  await buy('after');
  await eventually(() => events.some((event) => event.kind === 'fill'), 'a fill');
});

test('a key that is kept alive outlives its time, and is removed at the end', async () => {
  const { stream, heard, keysAtExchange } = await userStream({ listenKeyLifeMs: 300, keepAliveEveryMs: 60 });
  await new Promise((resolve) => setTimeout(resolve, 700)); // Twice its life, on the exchange's own clock.
  assert.equal(await keysAtExchange(), 1);
  assert.deepEqual(heard, ['up']);
  await stream.close();
  assert.equal(await keysAtExchange(), 0);
});

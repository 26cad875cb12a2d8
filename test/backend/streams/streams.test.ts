import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { channels } from '../../../backend/bus/bus.ts';
import { createMemoryBus } from '../../../backend/bus/memory.ts';
import { testBackend } from '../../helpers/backend.ts';
import { closingAfterEach } from '../../helpers/closing.ts';
import { eventually, within } from '../../helpers/deadline.ts';
import { followEvents } from '../../helpers/event-source.ts';
import { openTradingClient, type Told } from '../../helpers/trading-client.ts';

const keep = closingAfterEach();
const MARKET = channels.market('BTCUSDT');
const TOKENS = [
  { name: 'alice', role: 'trader' as const, user: 'alice', token: 'alice-token-0123456789' },
  { name: 'bob', role: 'trader' as const, user: 'bob', token: 'bob-token-0123456789ab' },
];
const bearer = (name: string) => TOKENS.find((each) => each.name === name)?.token ?? '';

async function started({ isOpen = false } = {}) {
  const bus = createMemoryBus({ onDrop() {}, raised() {} });
  const tokenInfo = async (mint: string) => (mint === 'MINT' ? { token_address: mint } : undefined);
  const { backend, metrics } = testBackend({
    bus,
    tokenInfo,
    ...(isOpen ? {} : { auth: { jwt: undefined, tokens: TOKENS } }),
  });
  const address = await backend.listen({ host: '127.0.0.1', port: 0, reconcileIntervalMs: 60_000 });
  await keep({ close: () => backend.close({ timeoutMs: 1000 }) });
  const url = `http://${address}`;
  const tell = (i: number) => bus.tell(MARKET, 'market_update', { symbol: 'BTCUSDT', i });
  const connect = async (name?: string) =>
    keep(openTradingClient(url, name === undefined ? {} : { protocols: ['banyan', `bearer.${bearer(name)}`] }));
  return { bus, backend, metrics, url, tell, connect };
}
const isSubscribed = ({ type, data }: Told) => type === 'status' && data.state === 'subscribed';
const isNews = ({ seq }: Told) => seq !== undefined;
const isError = ({ type }: Told) => type === 'error';

describe('/ws/trading', () => {
  test('subscribed by a token, then news arrive in their order with envelope and id', async () => {
    const { tell, connect } = await started();
    const client = await connect('alice');
    client.say({ type: 'subscribe', token: 'BTCUSDT' });
    await client.next(isSubscribed, 'the subscription');
    for (const i of [1, 2, 3]) tell(i);
    await eventually(() => client.told.filter(isNews).length === 3, 'three news');
    const [status, ...news] = client.told;
    assert.deepEqual(status?.data, { channel: 'market:BTCUSDT', state: 'subscribed' });
    assert.deepEqual(
      news.map(({ type, seq, data }) => [type, seq, data.i]),
      [1, 2, 3].map((i) => ['market_update', i, i]),
    );
  });

  test('back after its last id, then it has all that was told meanwhile, each once', async () => {
    const { tell, connect } = await started();
    const first = await connect('alice');
    first.say({ type: 'subscribe', token: 'BTCUSDT' });
    await first.next(isSubscribed, 'the subscription');
    tell(1);
    const { id } = await first.next(isNews, 'the first news');
    first.close();
    for (const i of [2, 3, 4]) tell(i);
    const second = await connect('alice');
    second.say({ type: 'subscribe', token: 'BTCUSDT', after: id });
    await second.next(({ seq }) => seq === 4, 'the last news');
    tell(5);
    await second.next(({ seq }) => seq === 5, 'what came later');
    assert.deepEqual(
      second.told.filter(isNews).map(({ seq }) => seq),
      [2, 3, 4, 5],
    );
    assert.ok(second.told.every(({ type }) => type !== 'gap'));
  });

  test('a user hears of its own orders, and of nobody else’s', async () => {
    const { bus, connect } = await started();
    const alice = await connect('alice');
    alice.say({ type: 'subscribe', channel: 'orders', user_id: 'bob' });
    assert.equal((await alice.next(isError, 'the refusal')).data.code, 'forbidden');
    alice.say({ type: 'subscribe', channel: 'orders' });
    await alice.next(isSubscribed, 'the subscription');
    bus.tell(channels.orders('bob'), 'order', { order_id: 'b' });
    bus.tell(channels.orders('alice'), 'order', { order_id: 'a' });
    assert.equal((await alice.next(isNews, 'the order')).data.order_id, 'a');
    assert.equal(alice.told.filter(isNews).length, 1);
  });

  test('who it is, in the first message; before it nothing is told', async () => {
    const { connect } = await started();
    const client = await connect();
    client.say({ type: 'subscribe', token: 'BTCUSDT' });
    assert.equal((await client.next(isError, 'the refusal')).data.code, 'unauthenticated');
    client.say({ type: 'auth', token: bearer('bob') });
    client.say({ type: 'subscribe', channel: 'positions' });
    assert.equal((await client.next(isSubscribed, 'the subscription')).data.channel, 'positions:bob');
  });

  test('a wrong token, then 4401', async () => {
    const { connect } = await started();
    const client = await connect();
    client.say({ type: 'auth', token: 'nobody’s' });
    assert.equal(await within(client.closed, 'the close'), 4401);
  });

  test('another path is 404, and a token in the URL is nobody’s', async () => {
    const { url } = await started();
    await assert.rejects(openTradingClient(`${url}/elsewhere`), /404/);
  });

  test('a token that is known, then what is known of it', async () => {
    const { connect } = await started();
    const client = await connect('alice');
    client.say({ type: 'get_token_info', token: 'MINT' });
    assert.deepEqual((await client.next(({ type }) => type === 'token_info', 'the token')).data, {
      token_address: 'MINT',
    });
  });

  test('of the pulse a category or a mint is subscribed to, and migrations as such; without a category it is no message', async () => {
    const { bus, connect } = await started();
    const client = await connect('alice');
    client.say({ type: 'subscribe', channel: 'pulse' });
    assert.equal((await client.next(isError, 'the refusal')).data.code, 'invalid_message');
    client.say({ type: 'subscribe', channel: 'pulse', category: 'migrated' });
    client.say({ type: 'subscribe', channel: 'pulse_updates', category: 'new_pairs' });
    client.say({ type: 'subscribe', channel: 'migrations' });
    const mint = '6EF8rrecthR5Dkzon8Nwu78hRvfCKubJ14M5uBEwF6P';
    client.say({ type: 'subscribe', channel: 'token_info', token: mint });
    await eventually(() => client.told.filter(isSubscribed).length === 4, 'the subscriptions');
    assert.deepEqual(
      client.told.filter(isSubscribed).map(({ data }) => data.channel),
      ['pulse:migrated', 'pulse:updates:new_pairs', 'migrations:events', `token_info:${mint}`],
    );
    await bus.tellOnce('key', channels.pulse('migrated'), 'pulse_update', { i: 1 });
    assert.equal((await client.next(isNews, 'the token')).data.i, 1);
  });

  const wrong: readonly (readonly [string, object, string])[] = [
    ['no message', { type: 'dance' }, 'invalid_message'],
    ['no token', { type: 'subscribe' }, 'invalid_message'],
    ['no id', { type: 'subscribe', token: 'BTCUSDT', after: 'yesterday' }, 'invalid_message'],
    ['candles as a stream', { type: 'subscribe', token: 'BTCUSDT', timeframes: ['1m'] }, 'not_available'],
    ['token info', { type: 'get_token_info', token: 'BTCUSDT' }, 'not_available'],
    ['candles that the exchange does not give', { type: 'get_candles', token: 'BTCUSDT' }, 'failed'],
  ];
  for (const [name, message, code] of wrong) {
    test(`${name}: ${code}, and the connection goes on`, async () => {
      const { connect } = await started();
      const client = await connect('alice');
      client.say(message);
      assert.equal((await client.next(isError, 'the error')).data.code, code);
      client.say({ type: 'ping' });
      await client.next(({ type }) => type === 'pong', 'the pong');
    });
  }

  test('more subscriptions, messages or bytes than allowed are refused', async () => {
    const { connect } = await started({ isOpen: true });
    const many = await connect();
    for (let i = 0; i <= 100; i++) many.say({ type: 'subscribe', token: `T${i}USDT` });
    assert.equal((await many.next(isError, 'the refusal')).data.code, 'too_many_subscriptions');
    for (let i = 0; i < 200; i++) many.say({ type: 'ping' });
    assert.equal(await within(many.closed, 'the close'), 1008);
    const large = await connect();
    large.say({ type: 'auth', token: 'x'.repeat(20_000) });
    assert.equal(await within(large.closed, 'the close'), 1009);
  });

  test('a client that reads nothing: its market is conflated and told so, others have everything', async () => {
    const { bus, tell, connect } = await started();
    const [slow, quick] = [await connect('alice'), await connect('bob')];
    for (const client of [slow, quick]) {
      client.say({ type: 'subscribe', token: 'BTCUSDT' });
      await client.next(isSubscribed, 'the subscription');
    }
    slow.socket.pause();
    const filler = 'x'.repeat(15_000);
    for (let i = 1; i <= 1000; i++) {
      bus.tell(MARKET, 'market_update', { filler });
      if (i % 20 === 0) await eventually(() => quick.told.at(-1)?.seq === i, `the quick one to have ${i}`);
    }
    slow.socket.resume();
    const gap = await slow.next(({ type }) => type === 'gap', 'the gap to be told');
    assert.equal(gap.data.reason, 'slow');
    tell(1001);
    await slow.next(({ seq }) => seq === 1001, 'the newest');
    assert.equal(quick.told.filter(isNews).length >= 1000, true);
    assert.ok(slow.told.filter(isNews).length < 1000);
  });

  test('a client that does not read its orders is closed with 4008', async () => {
    const { bus, connect, metrics } = await started();
    const client = await connect('alice');
    client.say({ type: 'subscribe', channel: 'orders' });
    await client.next(isSubscribed, 'the subscription');
    client.socket.pause();
    const ended = async () => (await metrics.streamsEnded.get()).values.find(({ labels }) => labels.code === 4008);
    const filler = 'x'.repeat(15_000);
    await eventually(async () => {
      for (let i = 0; i < 50; i++) bus.tell(channels.orders('alice'), 'order', { filler });
      return await ended();
    }, 'the end of the slow client');
    client.socket.resume();
    const code = await within(client.closed, 'the close');
    assert.ok(code === 4008 || code === 1006, `${code}`); // It is cut when it does not read the Close in time either.
  });

  test('a client comes back to a backend that is stopping, then 503 instead of a stream that holds it up', async () => {
    const { backend } = await started({ isOpen: true });
    const stopped = backend.close({ timeoutMs: 1000 });
    const path = '/api/sse/market/BTCUSDT';
    const answer = await backend.fetch(new Request(`http://backend${path}`), { url: path, headers: {} });
    assert.equal(answer.status, 503);
    assert.match(await within(answer.text(), 'the answer'), /this backend is stopping/);
    await within(stopped, 'the backend to stop');
  });

  test('the backend stops, then every client is closed with 1012 and every event stream ends', async () => {
    const { backend, url, connect } = await started();
    const clients = await Promise.all(['alice', 'bob'].map(connect));
    const events = await keep(followEvents(`${url}/api/sse/orders/bob`, { authorization: `Bearer ${bearer('bob')}` }));
    const stopped = backend.close({ timeoutMs: 1000 });
    assert.deepEqual(await within(Promise.all(clients.map(({ closed }) => closed)), 'the closes'), [1012, 1012]);
    await within(events.ended, 'the end of the events');
    await within(stopped, 'the backend to stop');
  });
});

describe('event streams', () => {
  const as = (name: string, lastId?: string) => ({
    authorization: `Bearer ${bearer(name)}`,
    ...(lastId === undefined ? {} : { 'last-event-id': lastId }),
  });

  test('news have ids; Last-Event-ID reads on from there', async () => {
    const { url, tell } = await started();
    const address = `${url}/api/sse/market/BTCUSDT`;
    const first = await keep(followEvents(address, as('alice')));
    tell(1);
    const { id = '' } = await first.next(({ data }) => data.seq === 1, 'the first news');
    assert.equal(first.events.find(({ data }) => data.seq === 1)?.data.id, id);
    first.close();
    for (const i of [2, 3]) tell(i);
    const second = await keep(followEvents(address, as('alice', id)));
    await second.next(({ data }) => data.seq === 3, 'the last news');
    assert.deepEqual(
      second.events.map(({ data }) => [data.type, data.seq]),
      [
        ['connected', undefined],
        ['market_update', 2],
        ['market_update', 3],
      ],
    );
  });

  test('an id that is not kept, or none at all, is told as a gap', async () => {
    const { url, tell } = await started();
    tell(1);
    for (const lastId of ['17', '1-1']) {
      const events = await keep(followEvents(`${url}/api/sse/market/BTCUSDT`, as('alice', lastId)));
      await events.next(({ data }) => data.seq === 1, 'the news');
      assert.deepEqual(
        events.events.map(({ data }) => data.type),
        ['connected', 'gap', 'market_update'],
      );
    }
  });

  test('orders are for whoever may read them; without a token there is nothing', async () => {
    const { url } = await started();
    const status = async (path: string, headers: Record<string, string>) =>
      (await keep(followEvents(`${url}${path}`, headers))).status;
    assert.equal(await status('/api/sse/orders/bob', as('alice')), 403);
    assert.equal(await status('/api/sse/orders/alice', as('alice')), 200);
    assert.equal(await status('/api/sse/price/BTCUSDT', {}), 401);
    assert.equal(await status('/api/sse/price/nothing%20like%20it', as('alice')), 400);
  });
});

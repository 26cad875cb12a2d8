import assert from 'node:assert/strict';
import { once } from 'node:events';
import { test } from 'node:test';
import { WebSocket } from 'ws';
import { type Push, pushCodec } from '../../../backend/exchange/mexc-push.ts';
import { closingAfterEach } from '../../helpers/closing.ts';
import { eventually, within } from '../../helpers/deadline.ts';
import { createExchangeSimulator, type ExchangeSimulatorOptions } from './server.ts';
import { sign } from './signing.ts';

const KEYS = { apiKey: 'mx0streams', secretKey: 'streams-secret' };
const OTHER = { apiKey: 'mx0another', secretKey: 'another-secret' };
const DEPTH = 'spot@public.aggre.depth.v3.api.pb@10ms@SOLUSDT';
const keep = closingAfterEach();

const start = (given: Partial<ExchangeSimulatorOptions> = {}) => keep(createExchangeSimulator({ ...KEYS, ...given }));
type Simulator = Awaited<ReturnType<typeof start>>;

async function signed<T>(simulator: Simulator, endpoint: string, params: Record<string, string>, keys = KEYS) {
  const [method = '', path = ''] = endpoint.split(' ');
  const query = new URLSearchParams({ ...params, timestamp: String(Date.now()) }).toString();
  const url = `${simulator.url}/api/v3/${path}?${query}&signature=${sign(keys.secretKey, query)}`;
  const answer = await fetch(url, { method, headers: { 'x-mexc-apikey': keys.apiKey } });
  return { status: answer.status, retryAfter: answer.headers.get('retry-after'), body: (await answer.json()) as T };
}

async function connect(simulator: Simulator, query = '') {
  const socket = new WebSocket(`${simulator.streamUrl}${query}`);
  const acks: string[] = [];
  const frames: Push[] = [];
  socket.on('message', (data: Buffer, isBinary) => {
    if (isBinary) frames.push(pushCodec.decode(data));
    else acks.push(data.toString());
  });
  socket.on('error', () => {});
  await keep({ close: () => socket.terminate() });
  const closed = once(socket, 'close') as Promise<[code: number, reason: Buffer]>;
  await within(once(socket, 'open'), 'the socket to open');
  const send = (method: string, params?: string[]) =>
    socket.send(JSON.stringify({ method, ...(params ? { params } : {}) }));
  return { socket, acks, frames, send, closed };
}

const ack = (msg: string, code = 0) => JSON.stringify({ id: 0, code, msg });

test('subscribed to depth, then each frame goes on where the one before it ended', async () => {
  const simulator = await start();
  simulator.participate('SOLUSDT', 300, 7);
  const { acks, frames, send } = await connect(simulator);
  send('SUBSCRIPTION', [DEPTH]);
  await eventually(() => acks.length === 1, 'the acknowledgement');
  assert.deepEqual(acks, [ack(DEPTH)]);
  for (let i = 1; i <= 5; i++) {
    simulator.participate('SOLUSDT', 20);
    simulator.streams.flush();
    await eventually(() => frames.length >= i, `frame ${i}`);
  }
  const versions = frames.map(({ publicAggreDepths: depths }) => [
    Number(depths?.fromVersion),
    Number(depths?.toVersion),
  ]);
  const ends = versions.map(([, to = 0]) => to + 1);
  assert.deepEqual(
    versions.slice(1).map(([from]) => from),
    ends.slice(0, -1),
  );
  assert.equal(versions.at(-1)?.[1], simulator.book('SOLUSDT').version);
});

test('more than thirty topics, one that is not there, a private one without a key: each is refused in words', async () => {
  const simulator = await start();
  const { acks, send } = await connect(simulator);
  const topics = ['BTCUSDT', 'ETHUSDT', 'SOLUSDT', 'MXUSDT', 'DOGEUSDT', 'XRPUSDT'].flatMap((symbol) =>
    ['aggre.depth', 'aggre.deals', 'aggre.bookTicker'].flatMap((kind) =>
      ['10ms', '100ms'].map((every) => `spot@public.${kind}.v3.api.pb@${every}@${symbol}`),
    ),
  );
  send('SUBSCRIPTION', ['spot@public.aggre.depth.v3.api.pb@10ms@NOPEUSDT', 'spot@private.orders.v3.api.pb']);
  send('SUBSCRIPTION', topics.slice(0, 31));
  await eventually(() => acks.length === 33, 'all acknowledgements');
  assert.match(acks[0] ?? '', /"code":1,"msg":"Not Subscribed/);
  assert.match(acks[1] ?? '', /"code":1,"msg":"Not authorized/);
  assert.equal(acks.filter((text) => text.includes('"code":0')).length, 30);
  assert.match(acks[32] ?? '', /"code":1,"msg":"Too many/);
  send('UNSUBSCRIPTION', [topics[0] ?? '']);
  send('SUBSCRIPTION', [topics[30] ?? '']);
  send('PING');
  await eventually(() => acks.length === 36, 'the last acknowledgements');
  assert.deepEqual(acks.slice(33), [ack(topics[0] ?? ''), ack(topics[30] ?? ''), ack('PONG')]);
});

test('nothing subscribed, nothing said, or too old: the exchange closes', async () => {
  const idle = await start({ streamTimes: { idleMs: 50 } });
  assert.equal((await within((await connect(idle)).closed, 'the idle one to be closed'))[0], 1000);
  const silent = await start({ streamTimes: { silentMs: 100 } });
  const { send, closed } = await connect(silent);
  send('SUBSCRIPTION', [DEPTH]);
  await within(closed, 'the silent one to be closed');
  const short = await start({ streamTimes: { lifeMs: 100 } });
  await within((await connect(short)).closed, 'the old one to be closed');
});

test('too many messages in a second, then closed for it', async () => {
  const { send, closed } = await connect(await start());
  for (let i = 0; i < 101; i++) send('PING');
  assert.equal((await within(closed, 'the talkative one to be closed'))[0], 1008);
});

test('a private stream, then an order’s whole life on it, and nobody else’s', async () => {
  const simulator = await start({ moreAccounts: [OTHER] });
  const listenKeyOf = async (keys: typeof KEYS) =>
    (await signed<{ listenKey: string }>(simulator, 'POST userDataStream', {}, keys)).body.listenKey;
  const mine = await connect(simulator, `?listenKey=${await listenKeyOf(KEYS)}`);
  const others = await connect(simulator, `?listenKey=${await listenKeyOf(OTHER)}`);
  const topics = ['account', 'deals', 'orders'].map((name) => `spot@private.${name}.v3.api.pb`);
  for (const { send, acks } of [mine, others]) {
    send('SUBSCRIPTION', topics);
    await eventually(() => acks.length === 3, 'the acknowledgements');
  }
  const limit = { symbol: 'BTCUSDT', side: 'BUY', type: 'LIMIT', quantity: '0.01', price: '66000' };
  await signed(simulator, 'POST order', { ...limit, newClientOrderId: 'mine-1' });
  await eventually(() => mine.frames.length >= 6, 'the frames');
  const statuses = mine.frames.flatMap(({ privateOrders: order }) => (order ? [order.status] : []));
  assert.deepEqual(statuses, [1, 2]);
  const [deal] = mine.frames.flatMap(({ privateDeals }) => privateDeals ?? []);
  assert.deepEqual(
    [deal?.price, deal?.quantity, deal?.clientOrderId, deal?.feeAmount],
    ['65000.25', '0.01', 'mine-1', '0.32500125'],
  );
  assert.deepEqual(others.frames, []);
  simulator.expireListenKeys();
  await within(mine.closed, 'the stream of an expired key to be closed');
});

test('frames lost, doubled and out of order, as told', async () => {
  const simulator = await start();
  const { acks, frames, send } = await connect(simulator);
  send('SUBSCRIPTION', ['spot@public.aggre.deals.v3.api.pb@100ms@BTCUSDT']);
  await eventually(() => acks.length === 1, 'the acknowledgement');
  let n = 0;
  const deal = async () => {
    n += 1;
    const params = { symbol: 'BTCUSDT', side: 'SELL', type: 'MARKET', quantity: `0.0${n}` };
    await signed(simulator, 'POST order', params);
    simulator.streams.flush();
  };
  simulator.injectStream({ kind: 'gap' });
  simulator.injectStream({ kind: 'duplicate' });
  simulator.injectStream({ kind: 'reorder' });
  for (let i = 0; i < 4; i++) await deal();
  await eventually(() => frames.length === 4, 'four frames');
  const quantities = frames.map(({ publicAggreDeals }) => publicAggreDeals?.deals[0]?.quantity);
  assert.deepEqual(quantities, ['0.02', '0.02', '0.04', '0.03']);
});

test('the exchange’s own limits, then 429 with a time to wait, then a ban, then it is over', async () => {
  let nowMs = Date.now();
  const simulator = await start({ limits: { ordersPerS: 2, weightPer10s: 50 }, now: () => nowMs });
  const place = async (n: number) => {
    const params = {
      symbol: 'BTCUSDT',
      side: 'BUY',
      type: 'LIMIT',
      quantity: '0.01',
      price: '60000',
      newClientOrderId: `n${n}`,
    };
    const { status, retryAfter } = await signed(simulator, 'POST order', params);
    return [status, retryAfter];
  };
  assert.deepEqual(
    [await place(1), await place(2), await place(3)],
    [
      [200, null],
      [200, null],
      [429, '1'],
    ],
  );
  for (let i = 0; i < 9; i++) await place(3);
  assert.deepEqual(await place(3), [418, '120']);
  nowMs += 119_000;
  assert.equal((await fetch(`${simulator.url}/api/v3/ping`)).status, 418);
  nowMs += 1000;
  assert.equal((await fetch(`${simulator.url}/api/v3/exchangeInfo`)).status, 200);
  assert.equal((await fetch(`${simulator.url}/api/v3/exchangeInfo`)).status, 200);
  assert.deepEqual((await fetch(`${simulator.url}/api/v3/ping`)).status, 429, 'weights, not requests, are counted');
});

test('a listing, then it shows step by step, opens later than announced, and keeps its price band', async () => {
  let nowMs = 1_800_000_000_000;
  const simulator = await start({ now: () => nowMs });
  const openMs = nowMs + 4 * 3_600_000;
  simulator.list({
    ...{ symbol: 'NEWUSDT', projectName: 'New', price: '0.5', pricePlaces: 4, quantityPlaces: 1 },
    ...{ announcedAtMs: nowMs + 1000, firstOpenTimeMs: openMs, slipMs: 500 },
    steps: [
      { atMs: nowMs + 2000, sts: 1, st: 1, tt: 0 },
      { atMs: openMs - 1000, sts: 2, st: 2, tt: 4 },
    ],
  });
  const web = async (path: string) => JSON.stringify(await (await fetch(`${simulator.url}/api/${path}`)).json());
  const symbolsV2 = () => web('platform/spot/market-v2/web/symbolsV2');
  const buy = async (price: string) => {
    const query = `symbol=NEWUSDT&side=BUY&type=LIMIT&quantity=10&price=${price}&timestamp=${nowMs}`;
    const init = { method: 'POST', headers: { 'x-mexc-apikey': KEYS.apiKey } };
    const answer = await fetch(`${simulator.url}/api/v3/order?${query}&signature=${sign(KEYS.secretKey, query)}`, init);
    return ((await answer.json()) as { code?: number }).code;
  };
  assert.equal(await web('operation/new_coin_calendar'), '{"data":{"newCoins":[]}}');
  nowMs += 1000;
  assert.match(await web('operation/new_coin_calendar'), new RegExp(`"vcoinName":"NEW".*"firstOpenTime":${openMs}`));
  assert.equal(await symbolsV2(), '{"data":{"symbols":{"USDT":[]}}}');
  nowMs += 1000;
  assert.match(await symbolsV2(), /"sts":1,"st":1,"tt":0/);
  assert.match(await web('v3/exchangeInfo?symbol=NEWUSDT'), /"isSpotTradingAllowed":false/);
  nowMs = openMs;
  assert.match(await symbolsV2(), /"sts":2,"st":2,"tt":4/);
  assert.equal(await buy('0.5'), 10007, 'it slipped');
  nowMs += 500;
  assert.equal(await buy('9'), 30087);
  assert.equal(await buy('0.5'), undefined);
});

test('the same seed, then the same book; another, then another', async () => {
  const bookOf = async (seed: number) => {
    const simulator = await start();
    simulator.participate('SOLUSDT', 500, seed);
    return simulator.book('SOLUSDT');
  };
  const [first, again, other] = [await bookOf(1), await bookOf(1), await bookOf(2)];
  assert.ok(first.bids.length > 5 && first.asks.length > 5);
  assert.deepEqual(first, again);
  assert.notDeepEqual(first, other);
});

test('two accounts on a market without a house, then they trade with each other at the maker’s price', async () => {
  const simulator = await start({ moreAccounts: [OTHER] });
  simulator.participate('MXUSDT', 0);
  const order = (side: string, more: Record<string, string>) => ({ symbol: 'MXUSDT', side, type: 'LIMIT', ...more });
  const asked = order('SELL', { quantity: '10', price: '2.4', newClientOrderId: 'ask' });
  await signed(simulator, 'POST order', asked, OTHER);
  const bought = { symbol: 'MXUSDT', side: 'BUY', type: 'MARKET', quoteOrderQty: '12', newClientOrderId: 'bid' };
  await signed(simulator, 'POST order', bought);
  type Order = { status: string; executedQty: string; cummulativeQuoteQty: string };
  const find = async (origClientOrderId: string, keys: typeof KEYS) => {
    const { body } = await signed<Order>(simulator, 'GET order', { symbol: 'MXUSDT', origClientOrderId }, keys);
    return [body.status, body.executedQty, body.cummulativeQuoteQty];
  };
  assert.deepEqual(await find('bid', KEYS), ['FILLED', '5', '12']);
  assert.deepEqual(await find('ask', OTHER), ['PARTIALLY_FILLED', '5', '12']);
  const killed = order('BUY', { type: 'FILL_OR_KILL', quantity: '6', price: '2.4', newClientOrderId: 'fok' });
  await signed(simulator, 'POST order', killed);
  assert.deepEqual(await find('fok', KEYS), ['CANCELED', '0', '0']);
  type Account = { balances: { asset: string; free: string; locked: string }[] };
  const balance = async (keys: typeof KEYS, asset: string) => {
    const { body } = await signed<Account>(simulator, 'GET account', {}, keys);
    const { free, locked } = body.balances.find((each) => each.asset === asset) ?? { free: '', locked: '' };
    return [free, locked];
  };
  assert.deepEqual(await balance(KEYS, 'MX'), ['1000000005', '0']);
  assert.deepEqual(await balance(OTHER, 'MX'), ['999999990', '5']);
  assert.deepEqual(await balance(KEYS, 'USDT'), ['999999987.994', '0']);
});

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createMemoryBus } from '../../../backend/bus/memory.ts';
import { createMexcSite } from '../../../backend/sniper/mexc-site.ts';
import { START_MS, testBackend } from '../../helpers/backend.ts';
import { closingAfterEach } from '../../helpers/closing.ts';
import { eventually } from '../../helpers/deadline.ts';
import { openTradingClient, type Told } from '../../helpers/trading-client.ts';
import { createExchangeSimulator } from '../../sandbox/exchange/server.ts';

const keep = closingAfterEach();
const OPENS_MS = START_MS + 60 * 60_000;
const TOKENS = [
  { name: 'alice', role: 'trader' as const, user: 'alice', token: 'alice-token-0123456789' },
  { name: 'bob', role: 'trader' as const, user: 'bob', token: 'bob-token-0123456789ab' },
];
const isSubscribed = ({ type, data }: Told) => type === 'status' && data.state === 'subscribed';
const isNews = ({ seq }: Told) => seq !== undefined;

/** A backend that reads the simulator's web site, which is denied to it `denials` times, at a clock that only the test moves. */
async function started(denials: number) {
  const simulator = await keep(createExchangeSimulator({ apiKey: 'mx0streams', secretKey: 's', now: () => START_MS }));
  simulator.list({
    ...{ symbol: 'NEWUSDT', projectName: 'New', price: '0.5', pricePlaces: 4, quantityPlaces: 1 },
    ...{ announcedAtMs: START_MS, firstOpenTimeMs: OPENS_MS, slipMs: 0 },
    steps: [{ atMs: START_MS, sts: 2, st: 2, tt: 4 }],
  });
  if (denials > 0) simulator.inject({ kind: 'denied', path: '/new_coin_calendar', count: denials });
  const world = testBackend({
    bus: createMemoryBus({ onDrop() {}, raised() {} }),
    auth: { jwt: undefined, tokens: TOKENS },
    listingSource: createMexcSite({ url: simulator.url, timeoutMs: 2000, now: () => world.clock.nowMs }),
  });
  const { backend, metrics } = world;
  const address = await backend.listen({ host: '127.0.0.1', port: 0, reconcileIntervalMs: 60_000 });
  await keep({ close: () => backend.close({ timeoutMs: 1000 }) });
  const polls = async (result: string) =>
    (await metrics.sniperPolls.get()).values.find(
      ({ labels }) => labels.source === 'calendar' && labels.result === result,
    )?.value ?? 0;
  const token = (name: string) => TOKENS.find((each) => each.name === name)?.token ?? '';
  const connect = (name: string) =>
    keep(openTradingClient(`http://${address}`, { protocols: ['banyan', `bearer.${token(name)}`] }));
  const headersOf = (name: string) => ({ authorization: `Bearer ${token(name)}` });
  return { ...world, polls, connect, headersOf };
}

test('the web site denies access, then no listing is made up; once it answers, launches tells of the listing and its pattern', async () => {
  const { clock, call, polls, connect, headersOf } = await started(1);
  const alice = await connect('alice');
  alice.say({ type: 'subscribe', channel: 'launches' });
  await alice.next(isSubscribed, 'the subscription');
  await eventually(async () => (await polls('blocked')) === 1, 'the denial to be counted');
  const calendar = async () => (await call('GET', '/api/sniper/calendar', undefined, headersOf('alice'))).json.count;
  assert.deepEqual([await calendar(), alice.told.filter(isNews)], [0, []]);
  clock.nowMs += 301_000;
  await alice.next(({ type, data }) => type === 'pattern' && data.kind === 'ready_state', 'the pattern');
  const news = alice.told.filter(isNews).map(({ type, seq, data }) => [type, seq, data.symbol]);
  assert.deepEqual(news[0], ['listing', 1, 'NEWUSDT']);
  assert.deepEqual([await calendar(), await polls('blocked'), await polls('listed')], [1, 1, 1]);
});

test('the channel sniper tells a user of its own targets, and nobody else', async () => {
  const { call, connect, headersOf } = await started(0);
  const [alice, bob] = [await connect('alice'), await connect('bob')];
  bob.say({ type: 'subscribe', channel: 'sniper', user_id: 'alice' });
  assert.equal((await bob.next(({ type }) => type === 'error', 'the refusal')).data.code, 'forbidden');
  for (const client of [alice, bob]) client.say({ type: 'subscribe', channel: 'sniper' });
  for (const client of [alice, bob]) await client.next(isSubscribed, 'the subscription');
  const wanted = { user_id: 'alice', symbol: 'NEWUSDT', budget: '1' };
  const { json } = await call('POST', '/api/sniper/targets', wanted, headersOf('alice'));
  const path = `/api/sniper/targets/alice/${json.target_id}/arm`;
  assert.equal((await call('POST', path, {}, headersOf('alice'))).status, 200);
  const { type, data } = await alice.next(({ data }) => data.status === 'active', 'the armed target');
  assert.deepEqual([type, data.target_id, data.symbol], ['target', json.target_id, 'NEWUSDT']);
  assert.deepEqual(bob.told.filter(isNews), []);
});

// Who gets past the edge as a dry run, and that nobody else gets anywhere.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { WINDOW_MS } from '../../../backend/shadow/header.ts';
import { START_MS, testBackend } from '../../helpers/backend.ts';
import { OTHER_KEYS, SHADOW_KEYS, signed } from '../../helpers/shadow.ts';

const TARGET = '/api/trade/order';
const BODY = JSON.stringify({
  user_id: 'u1',
  symbol: 'BTCUSDT',
  side: 'BUY',
  order_type: 'LIMIT',
  quantity: '0.5',
  price: '60000',
});
const WRITE = { method: 'POST', target: TARGET, body: BODY };
const HEADER = 'x-banyan-shadow';
const now = { nowMs: START_MS };

/** What a backend's exchange and users have been through; a refused dry run leaves all of it as it was. */
async function traces({ exchange, store, published, metrics }: ReturnType<typeof testBackend>) {
  const { values } = await metrics.requestSeconds.get();
  const orders = await store.listOrders('u1', { limit: 10 });
  return { sent: exchange.calls.submit, orders: orders.orders.length, told: published.length, counted: values.length };
}
const NONE = { sent: 0, orders: 0, told: 0, counted: 0 };

describe('a dry run at the edge', () => {
  test('signed, then it is answered as if done, says so, and leaves nothing', async () => {
    const backend = testBackend({ shadowKeys: SHADOW_KEYS });
    const answer = await backend.call('POST', TARGET, BODY, signed(WRITE, now));
    assert.equal(answer.status, 201);
    assert.equal(answer.headers.get('x-dry-run'), 'v1');
    assert.equal(answer.json.status, 'open');
    assert.deepEqual(await traces(backend), NONE);
  });

  test('an ordinary write beside it is done, and its answer claims nothing', async () => {
    const backend = testBackend({ shadowKeys: SHADOW_KEYS });
    const answer = await backend.call('POST', TARGET, BODY);
    assert.equal(answer.status, 201);
    assert.equal(answer.headers.get('x-dry-run'), null);
    assert.equal((await traces(backend)).orders, 1);
  });

  const refusals: readonly (readonly [name: string, reason: string, headers: Record<string, string>])[] = [
    ['empty', 'malformed', { [HEADER]: '' }],
    ['of an unknown key', 'unknown_key', signed(WRITE, { ...now, keys: OTHER_KEYS })],
    ['signed with a wrong secret', 'forged', signed(WRITE, { ...now, keys: [{ ...OTHER_KEYS[0], id: 'k1' }] })],
    ['from too long ago', 'expired', signed(WRITE, { nowMs: START_MS - WINDOW_MS - 1 })],
    ['from too far ahead', 'expired', signed(WRITE, { nowMs: START_MS + WINDOW_MS + 1 })],
    ['of another body', 'forged', signed({ ...WRITE, body: BODY.replace('0.5', '0.6') }, now)],
    ['of no body', 'forged', signed({ ...WRITE, body: '' }, now)],
    ['of another target', 'forged', signed({ ...WRITE, target: `${TARGET}/u1/42` }, now)],
    ['of another query', 'forged', signed({ ...WRITE, target: `${TARGET}?a=1` }, now)],
    ['of another method', 'forged', signed({ ...WRITE, method: 'PUT' }, now)],
    ['with another route', 'forged', { [HEADER]: signed(WRITE, now)[HEADER].replace('order.create', 'order.cancel') }],
    ['twice', 'malformed', { [HEADER]: Array(2).fill(signed(WRITE, now)[HEADER]).join(', ') }],
    ['of another version', 'malformed', { [HEADER]: signed(WRITE, now)[HEADER].replace('v1', 'v2') }],
    ['lost on the way of a copy', 'unsigned', { 'x-banyan-copy': '1' }],
  ];
  for (const [name, reason, headers] of refusals) {
    test(`with a header ${name}, then 403 and nothing is done`, async () => {
      const backend = testBackend({ shadowKeys: SHADOW_KEYS });
      const answer = await backend.call('POST', TARGET, BODY, headers);
      assert.equal(answer.status, 403);
      assert.equal(answer.json.code, 'shadow_refused');
      assert.match(String(answer.json.detail), new RegExp(`\\(${reason}\\); nothing was done$`));
      assert.deepEqual(await traces(backend), NONE);
      const { values } = await backend.metrics.shadowRequests.get();
      assert.deepEqual(
        values.map(({ labels, value }) => [labels.result, value]),
        [[reason, 1]],
      );
    });
  }

  test('at a backend without keys, then 403 and nothing is done', async () => {
    const backend = testBackend();
    const answer = await backend.call('POST', TARGET, BODY, signed(WRITE, now));
    assert.equal(answer.status, 403);
    assert.match(String(answer.json.detail), /not_configured/);
    assert.deepEqual(await traces(backend), NONE);
  });

  test('a second time, then 403: a replay', async () => {
    const backend = testBackend({ shadowKeys: SHADOW_KEYS });
    const headers = signed(WRITE, now);
    assert.equal((await backend.call('POST', TARGET, BODY, headers)).status, 201);
    const again = await backend.call('POST', TARGET, BODY, headers);
    assert.equal(again.status, 403);
    assert.match(String(again.json.detail), /replayed/);
    assert.deepEqual(await traces(backend), NONE);
  });

  test('a forged one does not use up the nonce of the genuine one', async () => {
    const backend = testBackend({ shadowKeys: SHADOW_KEYS });
    const headers = signed(WRITE, now);
    assert.equal((await backend.call('POST', TARGET, `${BODY} `, headers)).status, 403);
    assert.equal((await backend.call('POST', TARGET, BODY, headers)).status, 201);
  });

  test('again, its body sent slower than nonces are remembered, then 403', async () => {
    const backend = testBackend({ shadowKeys: SHADOW_KEYS });
    const headers = signed(WRITE, now);
    assert.equal((await backend.call('POST', TARGET, BODY, headers)).status, 201);
    const body = new ReadableStream(
      {
        pull(controller) {
          backend.clock.nowMs = START_MS + WINDOW_MS + 1;
          controller.enqueue(Buffer.from(BODY));
          controller.close();
        },
      },
      { highWaterMark: 0 },
    );
    const request = new Request(`http://backend${TARGET}`, { method: 'POST', headers, body, duplex: 'half' });
    const answer = await backend.backend.fetch(request, { url: TARGET, headers });
    assert.deepEqual([answer.status, answer.headers.get('x-dry-run')], [403, null]);
  });

  test('while keys change, then one signed by either is taken', async () => {
    const backend = testBackend({ shadowKeys: [SHADOW_KEYS[0], OTHER_KEYS[0]] });
    for (const keys of [SHADOW_KEYS, OTHER_KEYS]) {
      assert.equal((await backend.call('POST', TARGET, BODY, signed(WRITE, { ...now, keys }))).status, 201);
    }
    assert.deepEqual(await traces(backend), NONE);
  });

  test('with a body above the limit, then 413 and nothing is done', async () => {
    const backend = testBackend({ shadowKeys: SHADOW_KEYS });
    const body = JSON.stringify({ filling: 'x'.repeat(20_000) });
    const answer = await backend.call('POST', TARGET, body, signed({ ...WRITE, body }, now));
    assert.equal(answer.status, 413);
  });

  test('whatever is changed of a signed write, then it is refused, and nothing is done', async () => {
    const backend = testBackend({ shadowKeys: SHADOW_KEYS });
    const changed = fc.oneof(
      fc.record({
        part: fc.constantFrom('header', 'target', 'body'),
        at: fc.nat(),
        put: fc.constantFrom('', 'A', '0', 'é', ' ;'),
      }),
      fc.record({ part: fc.constant('cut'), at: fc.nat() }),
      fc.record({ part: fc.constant('method'), put: fc.constantFrom('PUT', 'PATCH', 'DELETE') }),
    );
    const mutate = (text: string, at: number, put: string) => {
      const position = at % text.length;
      return text.slice(0, position) + put + text.slice(position + 1);
    };
    await fc.assert(
      fc.asyncProperty(changed, async (change) => {
        const genuine = signed(WRITE, now)[HEADER];
        let [method, target, body, header] = ['POST', TARGET, BODY, genuine];
        if (change.part === 'method' && 'put' in change) method = change.put;
        else if (change.part === 'cut' && 'at' in change) header = genuine.slice(0, change.at % genuine.length);
        else if ('at' in change && 'put' in change) {
          if (change.part === 'header') header = mutate(header, change.at, change.put);
          if (change.part === 'body') body = mutate(body, change.at, change.put);
          if (change.part === 'target')
            target = `/${mutate(target.slice(1), change.at, change.put.replace('é', '%C3'))}`;
        }
        header = header.trim();
        fc.pre(method !== 'POST' || target !== TARGET || body !== BODY || header !== genuine);
        const answer = await backend.call(method, target, body, { [HEADER]: header });
        assert.equal(answer.status, 403);
      }),
      { numRuns: 2000 },
    );
    assert.deepEqual(await traces(backend), NONE);
  });
});

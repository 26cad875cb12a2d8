// What names a write to those who have to repeat it.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { compileWriteKeys, type Write } from '../../../gateway/writes/write-key.ts';
import { aRoute } from '../../helpers/gateway-config.ts';

type Given = Parameters<typeof aRoute>[0];

function keyOf(route: Given, write: Partial<Omit<Write, 'body'>> & { readonly body?: unknown } = {}): string {
  const { body, ...rest } = write;
  return compileWriteKeys(aRoute(route)).of({
    ...{ path: '/orders/7', pairs: [], requestId: 'r-1' },
    headers: ['content-type', 'application/json'],
    ...rest,
    body: body === undefined ? undefined : Buffer.from(typeof body === 'string' ? body : JSON.stringify(body)),
  });
}

const ORDERS = { methods: ['POST'], path: '/orders' };

describe('the key of a write', () => {
  test('nothing configured, then all parameters of the path', () => {
    const match = { methods: ['DELETE'], path: '/users/:user/orders/:id{[0-9]+}' };
    assert.equal(keyOf({ match }, { path: '/users/ann%20b/orders/7?x=1' }), 'user=ann b id=7');
    assert.equal(keyOf({ match }, { path: '//users/./ann/orders/7' }), 'user=ann id=7', 'in whatever spelling');
  });

  test('no parameters, then the id that mirror.ids finds in the answer, to its last digit', () => {
    const mirror = { ids: [{ name: 'order', path: '$.data.order_id' }] };
    const body = '{"data": {"order_id": 12345678901234567890}}';
    assert.equal(keyOf({ match: ORDERS, mirror }, { path: '/orders', body }), 'order_id=12345678901234567890');
  });

  test('nothing found, then the id of the request', () => {
    const writes = { key: ['$.order_id'] };
    for (const body of [undefined, '{', '{}', '{"order_id": {}}', '{"order_id": ""}', '[1]']) {
      assert.equal(keyOf({ match: ORDERS, writes }, { body }), 'request-id=r-1', `${body}`);
    }
    assert.equal(keyOf({ match: ORDERS }), 'request-id=r-1');
  });

  test('several parts, then those that are there, in their order', () => {
    const writes = { key: ['$.order_id', 'header:Idempotency-Key', 'param:id'] };
    const pairs = ['idempotency-key', 'k-1'];
    assert.equal(keyOf({ writes }, { pairs, body: { order_id: 'o-1' } }), 'order_id=o-1 idempotency-key=k-1 id=7');
    assert.equal(keyOf({ writes }, {}), 'id=7');
  });

  test('a secret by its name, its look or the configuration, then it is not in the key', () => {
    const token = `eyJhbGciOiJIUzI1NiJ9.${'a'.repeat(20)}.b`;
    assert.equal(keyOf({}, { path: `/orders/${token}` }), 'id=[redacted]');
    assert.equal(
      keyOf({ writes: { key: ['header:X-Api-Key'] } }, { pairs: ['x-api-key', 's'] }),
      'x-api-key=[redacted]',
    );
    const redact = { paths: ['$.account'] };
    assert.equal(
      keyOf({ writes: { key: ['$.account'] }, redact }, { body: { account: 'DE12' } }),
      'account=[redacted]',
    );
    assert.equal(keyOf({ writes: { key: ['$.email'] } }, { body: { email: 'a@b.example' } }), 'email=[redacted]');
  });

  test('a long one, then its beginning', () => {
    const key = keyOf({}, { path: `/orders/${'7'.repeat(500)}` });
    assert.deepEqual([key.length, key.at(-1)], [201, '…']);
  });

  test('whether the answer is looked at', () => {
    const needsBody = (route: Given) => compileWriteKeys(aRoute(route)).needsBody;
    assert.deepEqual(
      [needsBody({}), needsBody({ writes: { key: ['$.id'] } }), needsBody({ match: ORDERS })],
      [false, true, false],
    );
  });

  test('a key that the path does not have, or that is no key, then the configuration is refused', () => {
    assert.throws(() => aRoute({ writes: { key: ['param:nope'] } }), /has no parameter :nope/);
    for (const key of ['$', '$..id', '$.a[*]', 'cookie:x', 'id']) {
      assert.throws(() => aRoute({ writes: { key: [key] } }), /expected param:NAME, header:NAME/, key);
    }
  });
});

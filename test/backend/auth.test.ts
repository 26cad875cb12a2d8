import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { describe, test } from 'node:test';
import { exportJWK, generateKeyPair, SignJWT, UnsecuredJWT } from 'jose';
import type { AuthSettings } from '../../config/backend-auth.ts';
import { START_MS, testBackend } from '../helpers/backend.ts';
import { SHADOW_KEYS, signed } from '../helpers/shadow.ts';

const SECRET = 'a secret of thirty-two bytes or more';
const JWT = {
  key: { kind: 'secret', secret: SECRET },
  algorithms: ['HS256'],
  issuer: 'https://issuer.example',
  audience: 'banyan',
} as const;
const AUTH: AuthSettings = {
  jwt: JWT,
  tokens: [
    { name: 'desk', role: 'operator', token: 'token-of-the-desk-000001' },
    { name: 'boss', role: 'admin', token: 'token-of-the-boss-000001' },
    { name: 'watch', role: 'viewer', token: 'token-of-the-watch-00001' },
    { name: 'bot', role: 'trader', user: 'u1', token: 'token-of-the-bot-0000001' },
  ],
};
const LIMIT = { user_id: 'u1', symbol: 'BTCUSDT', side: 'BUY', order_type: 'LIMIT', quantity: '0.5', price: '60000' };
const bearer = (token: string) => ({ authorization: `Bearer ${token}` });

type Claims = { sub?: string; role?: string; iss?: string; aud?: string; exp?: number };
function jwt(claims: Claims = {}, { alg = 'HS256', secret = SECRET } = {}) {
  const { sub = 'u1', iss = JWT.issuer, aud = JWT.audience, exp = START_MS / 1000 + 60, role } = claims;
  return new SignJWT({ ...(role ? { role } : {}) })
    .setProtectedHeader({ alg })
    .setSubject(sub)
    .setIssuer(iss)
    .setAudience(aud)
    .setExpirationTime(exp)
    .sign(new TextEncoder().encode(secret));
}

describe('a JWT', () => {
  test('that is valid, then its user trades, and reads its own', async () => {
    const { call } = testBackend({ auth: AUTH });
    const own = bearer(await jwt());
    const { user_id: _user, ...body } = LIMIT;
    const created = await call('POST', '/api/trade/order', body, own);
    assert.equal(created.status, 201);
    assert.equal((await call('GET', `/api/trade/order/u1/${created.json.order_id}`, undefined, own)).status, 200);
  });

  test('that is not, in each way, then 401 and nothing is done', async () => {
    const { call, exchange } = testBackend({ auth: AUTH });
    const wrong = {
      'of another issuer': await jwt({ iss: 'https://other.example' }),
      'for another audience': await jwt({ aud: 'another' }),
      expired: await jwt({ exp: START_MS / 1000 - 10 }),
      'of another secret': await jwt({}, { secret: 'another secret of thirty-two bytes' }),
      'of an algorithm that is not pinned': await jwt({}, { alg: 'HS512', secret: SECRET.repeat(2) }),
      'without a signature': new UnsecuredJWT({ sub: 'u1', iss: JWT.issuer, aud: JWT.audience, exp: 9e9 }).encode(),
      'of a role there is not': await jwt({ role: 'root' }),
      'that is none': 'nonsense',
    };
    for (const [name, token] of Object.entries(wrong)) {
      const { status, json, headers } = await call('POST', '/api/trade/order', LIMIT, bearer(token));
      assert.deepEqual([name, status, json.code], [name, 401, 'unauthenticated']);
      assert.equal(headers.get('www-authenticate'), 'Bearer');
    }
    assert.equal((await call('POST', '/api/trade/order', LIMIT)).status, 401);
    assert.equal((await call('POST', '/api/trade/order', LIMIT, { authorization: 'Basic dTpw' })).status, 401);
    assert.equal(exchange.calls.submit, 0);
  });

  test('that expires while it is remembered, then it is refused', async () => {
    const { call, clock } = testBackend({ auth: AUTH });
    const own = bearer(await jwt({ exp: START_MS / 1000 + 10 }));
    assert.equal((await call('GET', '/api/positions/u1', undefined, own)).status, 200);
    clock.nowMs += 16_000;
    assert.equal((await call('GET', '/api/positions/u1', undefined, own)).status, 401);
  });

  test('by a key set, then the algorithm must be of such keys; the set away, then 503', async () => {
    const { publicKey, privateKey } = await generateKeyPair('ES256');
    const jwk = { ...(await exportJWK(publicKey)), kid: 'k1', alg: 'ES256' };
    const server = createServer((_request, response) => response.end(JSON.stringify({ keys: [jwk] })));
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as AddressInfo;
    const key = { kind: 'jwks', url: `http://127.0.0.1:${port}/keys` } as const;
    const auth = { jwt: { ...JWT, key, algorithms: ['ES256'] }, tokens: [] };
    const token = await new SignJWT({})
      .setProtectedHeader({ alg: 'ES256', kid: 'k1' })
      .setSubject('u1')
      .setIssuer(JWT.issuer)
      .setAudience(JWT.audience)
      .setExpirationTime(START_MS / 1000 + 60)
      .sign(privateKey);
    const read = (headers: Record<string, string>) =>
      testBackend({ auth }).call('GET', '/api/positions/u1', undefined, headers);
    assert.equal((await read(bearer(token))).status, 200);
    assert.equal((await read(bearer(await jwt()))).status, 401, 'the public key is no secret');
    await new Promise((resolve) => {
      server.close(resolve);
      server.closeAllConnections();
    });
    assert.equal((await read(bearer(token))).status, 503);
  });
});

describe('who may do what', () => {
  const roles = ['desk', 'boss', 'watch', 'bot'] as const;
  const tokenOf = (name: string) => AUTH.tokens.find((each) => each.name === name)?.token ?? '';

  test('a user reaches its own only, and roles what is theirs', async () => {
    const { call } = testBackend({ auth: AUTH });
    const halt = { state: 'REDUCING', reason: 'drill' };
    const expected: readonly (readonly [string, string, unknown, number, number, number, number])[] = [
      // What is asked for, then the statuses for the desk, the boss, the watch and the bot.
      ['GET', '/api/positions/u1', undefined, 200, 200, 200, 200],
      ['GET', '/api/positions/u2', undefined, 200, 200, 200, 403],
      ['GET', '/api/trade/orders/u2', undefined, 200, 200, 200, 403],
      ['POST', '/api/trade/order', LIMIT, 201, 201, 403, 201],
      ['POST', '/api/trade/order', { ...LIMIT, user_id: 'u2' }, 201, 201, 403, 403],
      ['DELETE', '/api/trade/order/u2/none', undefined, 404, 404, 403, 403],
      ['PATCH', '/api/trade/order/u2/none', { price: '1' }, 404, 404, 403, 403],
      ['DELETE', '/api/trade/orders/u2', undefined, 200, 200, 403, 403],
      ['GET', '/api/trade/executions/u2', undefined, 200, 200, 200, 403],
      ['GET', '/api/risk/users/u2', undefined, 200, 200, 200, 403],
      ['PUT', '/api/risk/users/u1/limits', { open_orders_max: 9 }, 403, 200, 403, 403],
      ['PUT', '/api/risk/users/u2/state', halt, 200, 200, 403, 403],
      ['PUT', '/api/risk/state', halt, 200, 200, 403, 403],
    ];
    for (const [method, path, body, ...statuses] of expected) {
      for (const [index, name] of roles.entries()) {
        const { status } = await call(method, path, body, bearer(tokenOf(name)));
        assert.equal(status, statuses[index], `${method} ${path} by ${name}`);
      }
    }
    const { set } = (await call('GET', '/api/risk/state', undefined, bearer(tokenOf('watch')))).json;
    assert.equal((set as { by: string }).by, 'boss');
  });

  test('probes, the description and its page need no token', async () => {
    const { call } = testBackend({ auth: AUTH });
    for (const path of ['/health', '/api/admin/health', '/api/admin/metrics', '/openapi.json', '/docs']) {
      assert.equal((await call('GET', path)).status, 200, path);
    }
  });

  test('a dry run needs a token as the real request does', async () => {
    const { call, clock } = testBackend({ auth: AUTH, shadowKeys: SHADOW_KEYS });
    const body = JSON.stringify(LIMIT);
    const dry = (headers: Record<string, string>) => {
      const shadow = signed({ method: 'POST', target: '/api/trade/order', body }, { nowMs: clock.nowMs });
      return call('POST', '/api/trade/order', body, { ...headers, ...shadow });
    };
    assert.equal((await dry({})).status, 401);
    assert.equal((await dry(bearer(tokenOf('bot')))).status, 201);
  });
});

test('every route is in the description, with what it takes', async () => {
  const { call } = testBackend();
  const { paths } = (await call('GET', '/openapi.json')).json as { paths: Record<string, Record<string, unknown>> };
  const order = paths['/api/trade/order/{user_id}/{order_id}'];
  assert.deepEqual(Object.keys(order ?? {}).sort(), ['delete', 'get', 'patch']);
  const body = JSON.stringify(paths['/api/trade/order']?.post);
  assert.match(
    body,
    /"order_type":\{"type":"string","enum":\["LIMIT","MARKET","LIMIT_MAKER","IMMEDIATE_OR_CANCEL","FILL_OR_KILL"\]\}/,
  );
});

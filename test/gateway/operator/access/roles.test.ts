// Every route of the operator's API and every role: who may what is said by one table, and enforced by it.
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { OPERATOR_ROLES } from '../../../../config/operator-schema.ts';
import { OPERATIONS } from '../../../../gateway/operator/contract/operations.ts';
import { routeOn, startTestGateway, type TestGateway } from '../../../helpers/gateway.ts';
import { sendJson, startUpstream, type TestServer } from '../../../helpers/upstream.ts';

const TOKENS = OPERATOR_ROLES.map((role) => ({ name: `the ${role}`, role, token: `is-${role}` }));
/** Streams never end, and signing in at a provider needs one. */
const APART = new Set(['followEvents', 'beginLogin', 'finishLogin', 'signIn']);

describe('every route of the API', () => {
  let upstream: TestServer;
  let gateway: TestGateway;
  before(async () => {
    upstream = await startUpstream((_, outgoing) => sendJson(outgoing, 200, {}));
    gateway = await startTestGateway({
      ...{ legacy: upstream.url, new: upstream.url, routes: [routeOn('/api/*')] },
      secrets: TOKENS.map(({ role, token }) => [role.toUpperCase(), token] as const),
      overrides: {
        operator: {
          listen: '127.0.0.1:0',
          tokens: TOKENS.map(({ name, role }) => ({ name, role, tokenEnv: role.toUpperCase() })),
        },
      },
    });
  });
  after(async () => {
    await gateway.close();
    await upstream.close();
  });

  const ask = async (method: string, path: string, token: string | undefined) => {
    const target = path.replace(':id', 'no.such').replace(':n', '1');
    const response = await fetch(`${gateway.operatorUrl}${target}`, {
      method,
      headers: token === undefined ? {} : { authorization: `Bearer ${token}` },
      redirect: 'manual',
    });
    await response.body?.cancel();
    return response.status;
  };

  for (const { id, method, path, access } of OPERATIONS.filter(({ id }) => !APART.has(id))) {
    it(`${method} ${path} (${id}) is for ${access}`, async () => {
      const refused = [401, 403];
      for (const [rank, { role, token }] of TOKENS.entries()) {
        const may = access === 'anyone' || rank >= OPERATOR_ROLES.indexOf(access);
        const status = await ask(method, path, token);
        assert.equal(status === 403, !may, `${role}: ${status}`);
        assert.notEqual(status, 401, role);
      }
      const anonymous = await ask(method, path, undefined);
      assert.equal(refused.includes(anonymous), access !== 'anyone', `nobody: ${anonymous}`);
    });
  }

  it('is 401 where there is no route, for whoever is not known, and 404 for others', async () => {
    assert.equal(await ask('GET', '/api/nothing', undefined), 401);
    assert.equal(await ask('GET', '/api/nothing', 'is-viewer'), 404);
    assert.equal(await ask('PATCH', '/api/routes', 'is-admin'), 404);
  });
});

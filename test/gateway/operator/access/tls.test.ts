// The operator's port with TLS of its own.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { connect as connectHttp2 } from 'node:http2';
import { request } from 'node:https';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { closingAfterEach } from '../../../helpers/closing.ts';
import { within } from '../../../helpers/deadline.ts';
import { OPERATOR_TOKEN, routeOn, startTestGateway } from '../../../helpers/gateway.ts';
import { sendJson, startUpstream } from '../../../helpers/upstream.ts';

const FIXTURES = join(import.meta.dirname, '..', '..', '..', 'fixtures', 'tls');
const [cert, key] = [join(FIXTURES, 'one.cert.pem'), join(FIXTURES, 'one.key.pem')];
const ca = readFileSync(cert);
const kept = closingAfterEach();

async function secureOperator(): Promise<string> {
  const upstream = await kept(startUpstream((_, outgoing) => sendJson(outgoing, 200, {})));
  const tokens = [{ name: 'ops', role: 'operator', tokenEnv: 'OPERATOR' }];
  const gateway = await kept(
    startTestGateway({
      ...{ legacy: upstream.url, new: upstream.url, routes: [routeOn('/*')] },
      overrides: { operator: { listen: '127.0.0.1:0', tls: { cert, key }, tokens } },
    }),
  );
  return gateway.operatorUrl.replace('http:', 'https:');
}

describe("the operator's port with TLS", () => {
  it('serves HTTP/1.1, and its session is a cookie of this host alone', async () => {
    const url = await secureOperator();
    const body = JSON.stringify({ token: OPERATOR_TOKEN });
    const answer = new Promise<{ status: number | undefined; cookies: readonly string[] }>((resolve, reject) => {
      const headers = { 'content-type': 'application/json', origin: url, 'sec-fetch-site': 'same-origin' };
      const sent = request(`${url}/api/session`, { method: 'POST', ca, headers }, (incoming) => {
        incoming.resume();
        resolve({ status: incoming.statusCode, cookies: incoming.headers['set-cookie'] ?? [] });
      });
      sent.on('error', reject);
      sent.end(body);
    });
    const { status, cookies } = await within(answer, 'the answer');
    assert.equal(status, 200);
    assert.match(cookies[0] ?? '', /^__Host-banyan-session=[\w-]{43}; Path=\/; HttpOnly; Secure; SameSite=Strict$/);
  });

  it('serves HTTP/2', async () => {
    const session = connectHttp2(await secureOperator(), { ca });
    await kept({ close: () => session.destroy() });
    const stream = session.request({ ':path': '/api/routes', authorization: `Bearer ${OPERATOR_TOKEN}` });
    const status = await within(
      new Promise((resolve, reject) => {
        stream.on('response', (headers) => resolve(headers[':status']));
        stream.on('error', reject);
      }),
      'the answer',
    );
    assert.equal(status, 200);
  });
});

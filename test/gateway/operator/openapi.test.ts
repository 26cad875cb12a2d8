// The OpenAPI document: that it has every route there is, and says of each what a client has to know. Whether answers are
// as it says is checked by every call of test/helpers/gateway.ts.
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { OPERATIONS } from '../../../gateway/operator/contract/operations.ts';
import { documentPath, openApiDocument } from '../../../gateway/operator/openapi.ts';
import { routeOn, startTestGateway, type TestGateway } from '../../helpers/gateway.ts';
import { assertDescribed } from '../../helpers/openapi.ts';
import { sendJson, startUpstream, type TestServer } from '../../helpers/upstream.ts';

interface Described {
  readonly operationId: string;
  readonly 'x-role'?: string;
  readonly parameters: readonly { readonly name: string }[];
  readonly responses: object;
}

describe('the OpenAPI document', () => {
  let upstream: TestServer;
  let gateway: TestGateway;
  before(async () => {
    upstream = await startUpstream((_, outgoing) => sendJson(outgoing, 200, {}));
    gateway = await startTestGateway({ legacy: upstream.url, new: upstream.url, routes: [routeOn('/api/*')] });
  });
  after(async () => {
    await gateway.close();
    await upstream.close();
  });

  it('is served as it is made, to anyone', async () => {
    const response = await fetch(`${gateway.operatorUrl}/openapi.json`);
    assert.equal(response.status, 200);
    assert.deepEqual(await response.json(), JSON.parse(JSON.stringify(openApiDocument())));
  });

  it('says of every operation who may, what it needs, and how it refuses', () => {
    const { paths, openapi } = openApiDocument() as {
      openapi: string;
      paths: Record<string, Record<string, Described>>;
    };
    assert.match(openapi, /^3\.1\./);
    for (const { id, method, path, access, ifMatch } of OPERATIONS) {
      const described = paths[documentPath(path)]?.[method.toLowerCase()];
      assert.equal(described?.operationId, id);
      assert.ok(described);
      assert.equal(described['x-role'] ?? 'anyone', access, id);
      const names = described.parameters.map(({ name }) => name);
      assert.equal(names.includes('If-Match'), ifMatch === 'required', id);
      assert.ok(Object.keys(described.responses).length > 1, id);
    }
    assert.equal(new Set(OPERATIONS.map(({ id }) => id)).size, OPERATIONS.length);
  });

  it('shows itself on a page that needs nothing from elsewhere and no inline script', async () => {
    const response = await fetch(`${gateway.operatorUrl}/docs`);
    const policy = response.headers.get('content-security-policy') ?? '';
    assert.match(policy, /default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'/);
    const html = await response.text();
    const links = [...html.matchAll(/(?:src|href)="([^"]+)"/g)].map(([, link]) => link ?? '');
    assert.deepEqual(links, ['/docs/docs.css', '/openapi.json', '/docs/docs.js']);
    assert.doesNotMatch(html, /<script(?![^>]*\bsrc=)|<style|\son\w+=/);
    for (const link of links) assert.equal((await fetch(`${gateway.operatorUrl}${link}`)).status, 200, link);
  });

  it('is strict: an answer with one member more or fewer is not described', () => {
    const answer = {
      method: 'GET',
      path: '/livez',
      status: 200,
      headers: new Headers({ 'content-type': 'application/json' }),
    };
    assertDescribed({ ...answer, body: { status: 'live' } });
    assert.throws(() => assertDescribed({ ...answer, body: { status: 'live', more: 1 } }), /additional properties/);
    assert.throws(() => assertDescribed({ ...answer, body: {} }), /required property 'status'/);
    assert.throws(() => assertDescribed({ ...answer, status: 418, body: { status: 'live' } }), /no such answer/);
  });
});

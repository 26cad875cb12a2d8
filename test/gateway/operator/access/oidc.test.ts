// Signing in at an OpenID provider: a real one on loopback, the whole way there and back; and answers that a client has to
// notice are wrong.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { gatewaySchema } from '../../../../config/gateway-schema.ts';
import { credentialOf } from '../../../../gateway/operator/access/oidc.ts';
import { type Browser, createBrowser } from '../../../helpers/browser.ts';
import { closingAfterEach } from '../../../helpers/closing.ts';
import { routeOn, startTestGateway, type TestGateway } from '../../../helpers/gateway.ts';
import { CLIENT, type OidcProvider, startOidcProvider } from '../../../helpers/oidc-provider.ts';
import { sendJson, startUpstream } from '../../../helpers/upstream.ts';

const kept = closingAfterEach();
const ROLES = { 'banyan-admins': 'admin', traders: 'operator', staff: 'viewer' };

interface SignIn {
  readonly provider: OidcProvider;
  readonly gateway: TestGateway;
  readonly browser: Browser;
}

async function aSet(now?: () => Date): Promise<SignIn> {
  const upstream = await kept(startUpstream((_, outgoing) => sendJson(outgoing, 200, {})));
  const provider = await kept(startOidcProvider());
  const oidc = { issuer: provider.issuer, clientId: CLIENT.id, clientSecretEnv: 'OIDC_SECRET', roles: ROLES };
  const gateway = await kept(
    startTestGateway({
      ...{
        legacy: upstream.url,
        new: upstream.url,
        routes: [routeOn('/api/*')],
        secrets: [['OIDC_SECRET', CLIENT.secret]],
      },
      ...(now ? { now } : {}),
      overrides: { operator: { listen: '127.0.0.1:0', oidc } },
    }),
  );
  return { provider, gateway, browser: createBrowser(gateway.operatorUrl) };
}

/** To the provider and back; answers where the provider sends the browser. */
async function toProvider(browser: Browser, next = '/'): Promise<string> {
  const begun = await browser.send('GET', `/api/session/login?next=${encodeURIComponent(next)}`);
  assert.equal(begun.status, 302, begun.text);
  const { headers, status } = await browser.send('GET', begun.headers.get('location') ?? '', undefined, { cookie: '' });
  assert.equal(status, 302);
  return headers.get('location') ?? '';
}

const back = (browser: Browser, url: string) => browser.send('GET', url, undefined, { 'sec-fetch-site': 'cross-site' });
const whoAmI = async (browser: Browser) => JSON.parse((await browser.send('GET', '/api/session')).text).caller;

describe('signing in at an OpenID provider', () => {
  it('asks the provider nothing before somebody signs in', async () => {
    const { provider, browser } = await aSet();
    const { login } = JSON.parse((await browser.send('GET', '/api/session')).text);
    assert.deepEqual(login, { token: false, oidc: true });
    assert.deepEqual(provider.asked, []);
  });

  it('there and back, then the role that the claims are mapped to, and the page that was wanted', async () => {
    const { provider, browser } = await aSet();
    provider.claims = { sub: 'u-1', email: 'kim@example.com', groups: ['staff', 'traders', 'others'] };
    const url = await toProvider(browser, '/routes/trade.get?tab=diffs');
    assert.match(browser.setCookies.join(), /^$/);
    const { status, text } = await back(browser, url);
    assert.equal(status, 200, text);
    assert.match(text, /content="0; url=\/routes\/trade\.get\?tab=diffs"/);
    assert.match(browser.setCookies.join('\n'), /banyan-session=[\w-]{43}; Path=\/; HttpOnly; SameSite=Strict/);
    assert.deepEqual(await whoAmI(browser), { name: 'kim@example.com', role: 'operator' });
    assert.deepEqual([...browser.cookies.keys()], ['banyan-session']);
    const rollback = await browser.send('POST', '/api/rollback', { reason: 'by a person' });
    assert.equal(rollback.status, 200);
  });

  it('with none of the roles, then nobody gets in', async () => {
    const { provider, browser } = await aSet();
    provider.claims = { sub: 'u-2', groups: ['others', 'toString', '__proto__'] };
    const { status, text } = await back(browser, await toProvider(browser));
    assert.equal(status, 403);
    assert.match(text, /none of your roles/);
    assert.equal(await whoAmI(browser), null);
  });

  it('an answer that is not to this login is refused, and says nothing of who it was', async () => {
    const { provider, browser } = await aSet();
    provider.claims = { sub: 'u-3', groups: 'staff' };
    const lies: [what: string, lie: Record<string, unknown>, forged: boolean][] = [
      ['another nonce', { nonce: 'other' }, false],
      ['another audience', { aud: 'other' }, false],
      ['another issuer', { iss: 'https://evil.example' }, false],
      ['an ID token that has expired', { exp: 1 }, false],
      ['a signature by another key', {}, true],
    ];
    for (const [what, lie, forged] of lies) {
      provider.lie = lie;
      provider.forged = forged;
      const { status } = await back(browser, await toProvider(browser));
      assert.equal(status, 403, what);
      assert.equal(await whoAmI(browser), null, what);
    }
    provider.lie = {};
    provider.forged = false;
    assert.equal((await back(browser, await toProvider(browser))).status, 200);
  });

  it('is for the browser that began it, once, with its state, and in time', async () => {
    let nowMs = Date.now();
    const { provider, gateway, browser } = await aSet(() => new Date(nowMs));
    provider.claims = { sub: 'u-4', groups: 'staff' };
    const url = await toProvider(browser);
    const other = createBrowser(gateway.operatorUrl);
    assert.equal((await back(other, url)).status, 401, 'another browser');
    const wrongState = new URL(url);
    wrongState.searchParams.set('state', 'guessed');
    assert.equal((await back(browser, wrongState.href)).status, 403, 'another state');
    assert.equal((await back(browser, url)).status, 403, 'a second time');
    const late = await toProvider(browser);
    nowMs += 10 * 60_000 + 1;
    assert.equal((await back(browser, late)).status, 403, 'too late');
    assert.equal(await whoAmI(browser), null);
  });

  it('sends nobody to another origin afterwards', async () => {
    const { browser } = await aSet();
    for (const next of ['//evil.example', 'https://evil.example', '/\\evil.example', 'evil', '/a b', '/\t/evil']) {
      const { status } = await browser.send('GET', `/api/session/login?next=${encodeURIComponent(next)}`);
      assert.equal(status, 400, next);
    }
  });

  it('a provider that does not answer is 502, by name', async () => {
    const { provider, browser } = await aSet();
    await provider.close();
    const { status, text } = await browser.send('GET', '/api/session/login');
    assert.equal(status, 502);
    assert.match(JSON.parse(text).detail, /the OpenID provider http:\/\/127\.0\.0\.1:\d+ cannot be asked/);
  });
});

describe('the claims of an ID token', () => {
  const config = (given: object) => {
    const { operator } = gatewaySchema.parse({
      ...{ version: 1, listen: '127.0.0.1:0', ledger: 'sqlite:x', flags: { provider: 'file', file: 'x' } },
      upstreams: { legacy: { url: 'http://127.0.0.1:1' }, new: { url: 'http://127.0.0.1:1' } },
      operator: {
        listen: '127.0.0.1:0',
        oidc: { issuer: 'https://id.example', clientId: 'banyan', roles: {}, ...given },
      },
    });
    assert.ok(operator.oidc);
    return operator.oidc;
  };
  const rolesOf = (claims: object, given: object) => {
    const credential = credentialOf({ sub: 'u', ...claims }, config(given));
    return credential.kind === 'oidc' ? credential.roles : undefined;
  };

  it('roles are a text or a list, here, under a name with dots, or in an object', () => {
    assert.deepEqual(rolesOf({ groups: 'a' }, {}), ['a']);
    assert.deepEqual(rolesOf({ groups: ['a', 1, null, 'b'] }, {}), ['a', 'b']);
    assert.deepEqual(rolesOf({ 'https://x/roles': ['a'] }, { roleClaim: 'https://x/roles' }), ['a']);
    assert.deepEqual(rolesOf({ realm_access: { roles: ['a'] } }, { roleClaim: 'realm_access.roles' }), ['a']);
    for (const claims of [{}, { groups: null }, { groups: { a: 1 } }]) assert.deepEqual(rolesOf(claims, {}), []);
    assert.deepEqual(rolesOf({}, { roleClaim: 'constructor.name' }), []);
  });

  it('a name is the claim that is asked for, or else the subject', () => {
    const nameOf = (claims: object) => {
      const credential = credentialOf({ sub: 'u', ...claims }, config({}));
      return credential.kind === 'oidc' ? credential.name : undefined;
    };
    assert.equal(nameOf({ email: 'kim@example.com' }), 'kim@example.com');
    assert.equal(nameOf({ email: '' }), 'u');
    assert.throws(() => credentialOf({}, config({})), /names nobody/);
  });
});

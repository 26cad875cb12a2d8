// Signing in by a token, and what a session's cookie is good for: over the real port, as a browser and as its enemies.
import assert from 'node:assert/strict';
import { request } from 'node:http';
import { describe, it } from 'node:test';
import { FAILURES_PER_ADDRESS } from '../../../../gateway/operator/access/failed-logins.ts';
import { createBrowser } from '../../../helpers/browser.ts';
import { closingAfterEach } from '../../../helpers/closing.ts';
import { within } from '../../../helpers/deadline.ts';
import { followEvents } from '../../../helpers/event-source.ts';
import { OPERATOR_TOKEN, routeOn, startTestGateway, type TestGateway, VIEWER_TOKEN } from '../../../helpers/gateway.ts';
import { assertDescribed } from '../../../helpers/openapi.ts';
import { sendJson, startUpstream } from '../../../helpers/upstream.ts';

const kept = closingAfterEach();
const ROLLBACK = '/api/routes/test.route/rollback';

async function aGateway(operator: object = {}, options: { now?: () => Date } = {}): Promise<TestGateway> {
  const upstream = await kept(startUpstream((_, outgoing) => sendJson(outgoing, 200, {})));
  const tokens = [
    { name: 'ops', role: 'operator', tokenEnv: 'OPERATOR' },
    { name: 'watcher', role: 'viewer', tokenEnv: 'VIEWER' },
  ];
  return kept(
    startTestGateway({
      ...{ legacy: upstream.url, new: upstream.url, routes: [routeOn('/api/*')], ...options },
      overrides: { operator: { listen: '127.0.0.1:0', tokens, ...operator } },
    }),
  );
}

async function signedIn(gateway: TestGateway, token = OPERATOR_TOKEN) {
  const browser = createBrowser(gateway.operatorUrl);
  const { status } = await browser.send('POST', '/api/session', { token });
  assert.equal(status, 200);
  return browser;
}

/** A request whose Host is another than where it goes, which fetch does not let one say. */
function statusByHost(gateway: TestGateway, host: string, path = '/api/session'): Promise<number | undefined> {
  return within(
    new Promise((resolve, reject) => {
      const sent = request(new URL(path, gateway.operatorUrl), { headers: { host } }, (answer) => {
        answer.resume();
        resolve(answer.statusCode);
      });
      sent.on('error', reject);
      sent.end();
    }),
    'the answer',
  );
}

describe('signing in by a token', () => {
  it('sets a cookie that scripts cannot read, other sites do not send, and that names nobody', async () => {
    const gateway = await aGateway();
    const browser = createBrowser(gateway.operatorUrl);
    const before = JSON.parse((await browser.send('GET', '/api/session')).text);
    assert.deepEqual(before, {
      ...{ environment: 'test', caller: null, session: null, login: { token: true, oidc: false } },
      links: { trace: null, log: null },
    });
    const { status, text, headers } = await browser.send('POST', '/api/session', { token: OPERATOR_TOKEN });
    assert.equal(status, 200);
    assertDescribed({ method: 'POST', path: '/api/session', status, headers, body: JSON.parse(text) });
    assert.deepEqual(JSON.parse(text).caller, { name: 'ops', role: 'operator' });
    const [cookie = ''] = browser.setCookies;
    assert.match(cookie, /^banyan-session=[\w-]{43}; Path=\/; HttpOnly; SameSite=Strict$/);
    assert.equal(headers.get('cache-control'), 'no-store');
    const { status: seen } = await browser.send('GET', '/api/routes');
    assert.equal(seen, 200);
  });

  it('with a public https address, then the cookie is of this host alone and never goes in the clear', async () => {
    const gateway = await aGateway({ publicUrl: 'https://banyan.example' });
    const browser = createBrowser(gateway.operatorUrl);
    const from = { origin: 'https://banyan.example', 'sec-fetch-site': 'same-origin' };
    assert.equal((await browser.send('POST', '/api/session', { token: VIEWER_TOKEN }, from)).status, 200);
    assert.match(
      browser.setCookies[0] ?? '',
      /^__Host-banyan-session=[\w-]{43}; Path=\/; HttpOnly; Secure; SameSite=Strict$/,
    );
    assert.equal((await browser.send('GET', '/api/routes')).status, 200);
  });

  it('signs in as what the token is, and refuses a wrong one', async () => {
    const gateway = await aGateway();
    const browser = await signedIn(gateway, VIEWER_TOKEN);
    assert.equal((await browser.send('POST', ROLLBACK, { reason: 'x' })).status, 403);
    const other = createBrowser(gateway.operatorUrl);
    assert.equal((await other.send('POST', '/api/session', { token: 'wrong' })).status, 401);
    assert.equal(other.cookies.size, 0);
  });

  it("makes changes that the audit log knows as the console's", async () => {
    const gateway = await aGateway();
    const browser = await signedIn(gateway);
    assert.equal((await browser.send('POST', ROLLBACK, { reason: 'by hand' })).status, 200);
    const [entry] = (await gateway.api('GET', '/api/audit')).body.entries;
    assert.deepEqual([entry.actor, entry.source, entry.reason], ['ops', 'console', 'by hand']);
  });

  it('ends with signing out: the cookie is taken back, and would be good for nothing', async () => {
    const gateway = await aGateway();
    const browser = await signedIn(gateway);
    const stolen = browser.cookies.get('banyan-session') ?? '';
    const { status } = await browser.send('DELETE', '/api/session', undefined, { 'x-banyan-client': 'console' });
    assert.equal(status, 204);
    assert.equal(browser.cookies.size, 0);
    const cookie = { cookie: `banyan-session=${stolen}` };
    assert.equal((await browser.send('GET', '/api/routes', undefined, cookie)).status, 401);
  });

  it('a new session takes the place of the one before', async () => {
    const gateway = await aGateway();
    const browser = await signedIn(gateway);
    const before = browser.cookies.get('banyan-session') ?? '';
    await browser.send('POST', '/api/session', { token: VIEWER_TOKEN });
    const other = createBrowser(gateway.operatorUrl);
    const cookie = { cookie: `banyan-session=${before}` };
    assert.equal((await other.send('GET', '/api/routes', undefined, cookie)).status, 401);
    assert.equal(JSON.parse((await browser.send('GET', '/api/session')).text).caller.name, 'watcher');
  });

  it('ends after an hour without use, by the clock', async () => {
    let nowMs = Date.parse('2026-01-05T10:00:00Z');
    const gateway = await aGateway({}, { now: () => new Date(nowMs) });
    const browser = await signedIn(gateway);
    const { session } = JSON.parse((await browser.send('GET', '/api/session')).text);
    assert.deepEqual(session, { endsAt: '2026-01-05T22:00:00.000Z', idleEndsAt: '2026-01-05T11:00:00.000Z' });
    nowMs += 3_600_000;
    assert.equal((await browser.send('GET', '/api/routes')).status, 401);
  });
});

describe("a session's cookie", () => {
  it('changes nothing for a page of another origin, nor for one that does not say where it is from', async () => {
    const gateway = await aGateway();
    const browser = await signedIn(gateway);
    const cookie = { cookie: `banyan-session=${browser.cookies.get('banyan-session')}` };
    const enemies: Record<string, string>[] = [
      { origin: 'https://evil.example', 'sec-fetch-site': 'cross-site' },
      { origin: 'https://evil.example', 'sec-fetch-site': 'same-origin' },
      { origin: gateway.operatorUrl, 'sec-fetch-site': 'cross-site' },
      { origin: gateway.operatorUrl, 'sec-fetch-site': 'same-site' },
      { origin: 'null', 'sec-fetch-site': 'none' },
      { origin: gateway.operatorUrl.replace('http:', 'https:'), 'sec-fetch-site': 'same-origin' },
      { origin: 'http://127.0.0.1:1', 'sec-fetch-site': 'same-origin' },
    ];
    for (const headers of enemies) {
      const { status } = await browser.send('POST', ROLLBACK, { reason: 'evil' }, headers);
      assert.equal(status, 403, JSON.stringify(headers));
    }
    const silent = await fetch(`${gateway.operatorUrl}${ROLLBACK}`, {
      method: 'POST',
      headers: { ...cookie, 'content-type': 'application/json' },
      body: '{"reason":"evil"}',
    });
    assert.equal(silent.status, 403);
    assert.equal(
      (await gateway.api('GET', '/api/audit')).body.entries.some(({ reason }: { reason: string }) => reason === 'evil'),
      false,
    );
    assert.equal((await browser.send('POST', ROLLBACK, { reason: 'mine' })).status, 200);
  });

  it('changes nothing by what a form can send', async () => {
    const gateway = await aGateway();
    const browser = await signedIn(gateway);
    for (const type of ['text/plain', 'application/x-www-form-urlencoded', 'multipart/form-data; boundary=x']) {
      const { status } = await browser.send('POST', ROLLBACK, { reason: 'x' }, { 'content-type': type });
      assert.equal(status, 415, type);
    }
    const lift = `${ROLLBACK}?reason=x`;
    assert.equal((await browser.send('DELETE', lift, undefined, { 'if-match': '*' })).status, 415);
    const named = { 'if-match': '*', 'x-banyan-client': 'console' };
    assert.equal((await browser.send('DELETE', lift, undefined, named)).status, 409);
  });

  it('does not sign its visitor in as somebody else', async () => {
    const gateway = await aGateway();
    const browser = createBrowser(gateway.operatorUrl);
    const evil = { origin: 'https://evil.example', 'sec-fetch-site': 'cross-site' };
    assert.equal((await browser.send('POST', '/api/session', { token: OPERATOR_TOKEN }, evil)).status, 403);
    assert.equal(browser.cookies.size, 0);
  });

  it('counts for nothing beside a wrong bearer token', async () => {
    const gateway = await aGateway();
    const browser = await signedIn(gateway);
    const { status } = await browser.send('GET', '/api/routes', undefined, { authorization: 'Bearer wrong' });
    assert.equal(status, 401);
  });

  it('opens the event stream, as the console does', async () => {
    const gateway = await aGateway();
    const browser = await signedIn(gateway, VIEWER_TOKEN);
    const cookie = `banyan-session=${browser.cookies.get('banyan-session')}`;
    const source = await followEvents(`${gateway.operatorUrl}/api/events`, { cookie });
    await source.next(({ name }) => name === 'hello', 'the greeting');
    source.close();
  });
});

describe('failed logins', () => {
  it('too many from one address, then it is told to wait, right or wrong; sessions go on', async () => {
    const gateway = await aGateway({}, {});
    const browser = await signedIn(gateway);
    const attempt = (token: string) =>
      fetch(`${gateway.operatorUrl}/api/routes`, { headers: { authorization: `Bearer ${token}` } });
    for (let n = 0; n < FAILURES_PER_ADDRESS; n++) assert.equal((await attempt(`wrong-${n}`)).status, 401, `${n}`);
    const refused = await attempt(OPERATOR_TOKEN);
    assert.equal(refused.status, 429);
    const seconds = Number(refused.headers.get('retry-after'));
    assert.ok(seconds >= 1 && seconds <= 60, `${seconds}`);
    const other = createBrowser(gateway.operatorUrl);
    assert.equal((await other.send('POST', '/api/session', { token: OPERATOR_TOKEN })).status, 429);
    assert.equal((await browser.send('GET', '/api/routes')).status, 200);
    const text = await (await fetch(`${gateway.operatorUrl}/metrics`)).text();
    assert.match(text, /^banyan_operator_logins_failed_total 12$/m);
  });
});

describe('a port of this machine', () => {
  it('answers by its own names only: a name that somebody pointed here is refused', async () => {
    const gateway = await aGateway();
    const port = gateway.operatorUrl.split(':').at(-1);
    for (const host of ['localhost', '127.0.0.1', '127.0.0.2', '[::1]', 'LOCALHOST']) {
      assert.equal(await statusByHost(gateway, `${host}:${port}`), 200, host);
    }
    for (const host of [
      'evil.example',
      `127.0.0.1.evil.example:${port}`,
      'localhost.evil.example',
      '10.0.0.1',
      '0.0.0.0',
    ]) {
      for (const path of ['/api/session', '/livez', '/docs']) {
        assert.equal(await statusByHost(gateway, host, path), 421, `${host}${path}`);
      }
    }
  });

  it('with a public address, then a proxy in front may call it as it likes', async () => {
    const gateway = await aGateway({ publicUrl: 'https://banyan.example' });
    assert.equal(await statusByHost(gateway, 'banyan.example'), 200);
    assert.equal(await statusByHost(gateway, 'inside'), 200);
  });
});

describe('every answer', () => {
  it('forbids what our own pages do not need', async () => {
    const gateway = await aGateway();
    for (const path of ['/api/session', '/docs', '/nothing', '/api/routes']) {
      const { headers } = await fetch(`${gateway.operatorUrl}${path}`);
      const policy =
        "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' data:; font-src 'self'; " +
        "frame-ancestors 'none'; base-uri 'none'; form-action 'self'";
      assert.equal(headers.get('content-security-policy'), policy, path);
      assert.equal(headers.get('x-content-type-options'), 'nosniff');
      assert.equal(headers.get('x-frame-options'), 'DENY');
      assert.equal(headers.get('referrer-policy'), 'no-referrer');
      assert.equal(headers.get('strict-transport-security'), null);
    }
  });
});

// Things that each side has named for itself: follow-ups name them as the side that gets the copy does, and compare.
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { closingAfterEach } from '../helpers/closing.ts';
import { eventually } from '../helpers/deadline.ts';
import { startTestGateway, type TestGateway } from '../helpers/gateway.ts';
import { sendJson, startUpstream, type TestServer } from '../helpers/upstream.ts';
import { startWorkers } from './cluster/start-workers.ts';

const kept = closingAfterEach();

const mirror = (...ids: object[]) => ({ ids, bracketPercent: 0 });
const ROUTES = [
  {
    id: 'open',
    initialStage: 'shadow',
    match: { methods: ['GET'], path: '/open' },
    mirror: mirror({ name: 'session', path: '$.session' }),
  },
  {
    id: 'read',
    initialStage: 'shadow',
    match: { methods: ['GET'], path: '/sessions/:id' },
    mirror: mirror({ name: 'session', path: '$.session', learn: false, param: 'id' }),
  },
];

/** A side that names its sessions by itself, and knows only those that it has named. */
async function aSide(prefix: string): Promise<TestServer> {
  const opened = new Set<string>();
  return startUpstream((incoming: IncomingMessage, outgoing: ServerResponse) => {
    if (incoming.url === '/open') {
      const session = `${prefix}-${opened.size + 1}`;
      opened.add(session);
      sendJson(outgoing, 200, { session });
      return;
    }
    const session = incoming.url?.split('/')[2] ?? '';
    sendJson(outgoing, opened.has(session) ? 200 : 404, { session, open: opened.has(session) });
  });
}

const settled = (api: TestGateway['api'], route: string, eligible: number) =>
  eventually(async () => {
    const { body } = await api('GET', `/api/routes/${route}/comparisons`);
    return body.eligible === eligible && body.pending === 0 && body;
  }, `${eligible} settled comparisons of ${route}`);

async function sessionOf(url: string): Promise<string> {
  const { session } = (await (await fetch(`${url}/open`)).json()) as { session: string };
  return session;
}

describe('a follow-up', () => {
  it('names what was made before by its own name on each side, and is compared; one of unknown name is not copied', async () => {
    const legacy = await kept(aSide('legacy'));
    const fresh = await kept(aSide('new'));
    const gateway = await kept(startTestGateway({ legacy: legacy.url, new: fresh.url, routes: ROUTES }));
    const session = await sessionOf(gateway.url);
    assert.equal(session, 'legacy-1');
    const opened = await settled(gateway.api, 'open', 1);
    assert.equal(opened.outcomes.ignored, 1);
    assert.deepEqual(
      opened.differences.map(({ path, rule }: { path: string; rule?: string }) => [path, rule]),
      [['$.session', 'mapped: session']],
    );
    assert.deepEqual(await (await fetch(`${gateway.url}/sessions/${session}`)).json(), { session, open: true });
    assert.equal((await settled(gateway.api, 'read', 1)).outcomes.ignored, 1);
    assert.equal((await fetch(`${gateway.url}/sessions/another`)).status, 404);
    const { dropped } = await settled(gateway.api, 'read', 2);
    assert.deepEqual(dropped, { id_unknown: 1 });
    assert.equal(fresh.seen, 2);
  });

  it('still does after a restart of the gateway', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'banyan-ids-'));
    try {
      const legacy = await kept(aSide('legacy'));
      const fresh = await kept(aSide('new'));
      const options = { legacy: legacy.url, new: fresh.url, routes: ROUTES, folder };
      const first = await startTestGateway(options);
      const session = await sessionOf(first.url);
      await settled(first.api, 'open', 1);
      await first.close();
      const second = await kept(startTestGateway(options));
      await (await fetch(`${second.url}/sessions/${session}`)).text();
      assert.equal((await settled(second.api, 'read', 1)).outcomes.ignored, 1);
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  });

  it('does so whichever worker it comes to', async () => {
    const [legacy, fresh] = [await aSide('legacy'), await aSide('new')];
    const sides = { legacy, new: fresh, close: async () => void (await Promise.all([legacy.close(), fresh.close()])) };
    await kept(Promise.resolve(sides));
    const gateway = await kept(startWorkers({ workers: 2, sides, routes: ROUTES }));
    const api: TestGateway['api'] = async (method, path) => ({
      ...(await gateway.api(method, path)),
      headers: new Headers(),
    });
    const session = await sessionOf(gateway.url);
    await settled(api, 'open', 1);
    await eventually(async () => (await gateway.metric('banyan_mirror_id_pairs_total', 'learned')) === 1, 'the pair');
    const requests = 40;
    for (let i = 0; i < requests; i++) {
      await (await fetch(`${gateway.url}/sessions/${session}`, { headers: { connection: 'close' } })).text();
    }
    const { outcomes } = await settled(api, 'read', requests);
    assert.equal(outcomes.ignored, requests);
    const served = (await gateway.instances()).map((instance) => instance.requests);
    assert.ok(
      served.every((count) => count > 0),
      `by worker: ${served}`,
    );
  });
});

// What an operator's dashboards are told of who serves.
import assert from 'node:assert/strict';
import { it } from 'node:test';
import { closingAfterEach } from '../helpers/closing.ts';
import { routeOn, startTestGateway } from '../helpers/gateway.ts';
import { sendJson, startUpstream } from '../helpers/upstream.ts';

const kept = closingAfterEach();

async function start() {
  const backend = await kept(startUpstream((_, outgoing) => sendJson(outgoing, 200, {})));
  return kept(startTestGateway({ legacy: backend.url, new: backend.url, routes: [routeOn('/a')] }));
}

/** The lines of some metrics that are not 0. */
async function linesOf(gateway: Awaited<ReturnType<typeof start>>, name: string): Promise<string[]> {
  const { body } = await gateway.api('GET', '/metrics');
  return String(body)
    .split('\n')
    .filter((line) => line.startsWith(name) && !line.endsWith(' 0'));
}

const move = (gateway: Awaited<ReturnType<typeof start>>, body: object) =>
  gateway.api('PUT', '/api/routes/test.route/stage', { reason: 'a test', ...body }, { 'if-match': '*' });

it('a route that moves is in its new stage alone, with the share that new serves', async () => {
  const gateway = await start();
  assert.equal((await move(gateway, { stage: 'canary', percent: 25 })).status, 200);
  assert.deepEqual(await linesOf(gateway, 'banyan_route_'), [
    'banyan_route_stage{route="test.route",stage="canary"} 1',
    'banyan_route_new_share{route="test.route"} 0.25',
  ]);
});

it('a rollback shows as legacy, and every move is counted by what made it', async () => {
  const gateway = await start();
  await move(gateway, { stage: 'live' });
  await gateway.api('POST', '/api/routes/test.route/rollback', { reason: 'a test' });
  assert.deepEqual(await linesOf(gateway, 'banyan_route_'), [
    'banyan_route_stage{route="test.route",stage="legacy"} 1',
  ]);
  assert.deepEqual(await linesOf(gateway, 'banyan_flips_total'), [
    'banyan_flips_total{route="test.route",action="stage",source="api"} 1',
    'banyan_flips_total{route="test.route",action="rollback",source="api"} 1',
  ]);
});

it('what the gateway adds to a request is measured once for each that a side answers', async () => {
  const gateway = await start();
  await (await fetch(`${gateway.url}/a`)).text();
  const [count] = await linesOf(gateway, 'banyan_gateway_overhead_seconds_count');
  assert.equal(count, 'banyan_gateway_overhead_seconds_count{route="test.route"} 1');
});

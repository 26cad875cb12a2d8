// Several gateways on one Redis: what one of them takes back is back on all, and one of them leads plans.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { closingAfterEach } from '../helpers/closing.ts';
import { eventually } from '../helpers/deadline.ts';
import { routeOn, startTestGateway, type TestGateway } from '../helpers/gateway.ts';
import { startRedis } from '../helpers/redis.ts';
import { sendJson, startUpstream } from '../helpers/upstream.ts';

describe('gateways that share a Redis', () => {
  const kept = closingAfterEach();

  it('follow a rollback of the other, and its end', async () => {
    const redis = await kept(startRedis());
    const legacy = await kept(startUpstream((_, outgoing) => sendJson(outgoing, 200, {})));
    const options = {
      ...{ legacy: legacy.url, new: legacy.url },
      routes: [routeOn('/api/*', { initialStage: 'live' })],
      overrides: { ledger: redis.url },
    };
    const [one, two] = [await kept(startTestGateway(options)), await kept(startTestGateway(options))];
    const sideOf = async ({ url }: TestGateway) => (await fetch(`${url}/api/x`)).headers.get('x-banyan-side');
    assert.deepEqual([await sideOf(one), await sideOf(two)], ['new', 'new']);
    await one.api('POST', '/api/routes/test.route/rollback', { reason: 'fire' });
    await eventually(async () => (await sideOf(two)) === 'legacy', 'the other to follow');
    const ended = await two.api('DELETE', '/api/routes/test.route/rollback', { reason: 'out' }, { 'if-match': '*' });
    assert.equal(ended.status, 200);
    await eventually(async () => (await sideOf(one)) === 'new', 'the first to follow');
  });
});

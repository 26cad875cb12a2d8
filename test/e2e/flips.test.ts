// The promise of the whole: traffic over all routes while one is flipped forty times loses nothing, and every answer
// comes from the side that the decision names.
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { Pool } from 'undici';
import { within } from '../helpers/deadline.ts';
import { startTestGateway, type TestGateway } from '../helpers/gateway.ts';
import { startUpstream, type TestServer } from '../helpers/upstream.ts';

const REQUESTS = 10_000;
const FLIPS = 40;
const CLIENTS = 32;
const PATHS = [
  '/api/trade/order/u/1',
  '/api/trade/orders/u',
  '/api/positions/u',
  '/api/market/ticker/BTCUSDT',
  '/elsewhere',
];
const STAGES = ['live', 'shadow', 'complete', 'legacy', 'canary'];

const route = (id: string, path: string) => ({ id, match: { methods: ['*'], path } });
const routes = [
  route('trade.order.get', '/api/trade/order/:user_id/:order_id'),
  route('trade.orders.list', '/api/trade/orders/:user_id'),
  route('positions.list', '/api/positions/:user_id'),
  route('market.ticker', '/api/market/ticker/:symbol'),
];

describe('flipping a route under traffic', () => {
  const upstreams: TestServer[] = [];
  let gateway: TestGateway;
  before(async () => {
    for (const side of ['legacy', 'new']) {
      upstreams.push(
        await startUpstream((incoming, outgoing) => {
          incoming.resume();
          incoming.on('end', () => {
            outgoing.writeHead(200, { 'x-served-by': side });
            outgoing.end(`${side} ${incoming.url}`);
          });
        }),
      );
    }
    const [legacy, fresh] = upstreams as [TestServer, TestServer];
    const overrides = { log: { level: 'warn' } };
    gateway = await startTestGateway({ legacy: legacy.url, new: fresh.url, routes, overrides });
  });
  after(async () => {
    await gateway.close();
    for (const upstream of upstreams) await upstream.close();
  });

  it('fails and loses not one of 10,000 requests in forty flips', async () => {
    const pool = new Pool(gateway.url, { connections: CLIENTS });
    const seen = { legacy: 0, new: 0 };
    let sent = 0;
    let answered = 0;

    async function client(number: number): Promise<void> {
      while (sent < REQUESTS) {
        const index = sent++;
        const path = PATHS[index % PATHS.length] as string;
        const isWrite = index % 7 === 0;
        const response = await pool.request({
          path,
          method: isWrite ? 'POST' : 'GET',
          headers: { 'x-user-id': `user-${number}-${index % 50}` },
          body: isWrite ? JSON.stringify({ index }) : null,
        });
        const body = await response.body.text();
        assert.equal(response.statusCode, 200);
        const side = response.headers['x-banyan-side'] as 'legacy' | 'new';
        assert.equal(response.headers['x-served-by'], side, 'the side named is the side that served');
        assert.equal(body, `${side} ${path}`);
        seen[side]++;
        answered++;
      }
    }

    async function flip(): Promise<number> {
      let flips = 0;
      for (; flips < FLIPS; flips++) {
        // Spread over the traffic: each flip waits for its share of the answers.
        while (answered < (REQUESTS * flips) / (FLIPS + 1)) await new Promise((resolve) => setImmediate(resolve));
        const stage = STAGES[flips % STAGES.length];
        const request = { stage, reason: `flip ${flips}`, ...(stage === 'canary' ? { percent: 50 } : {}) };
        const headers = { 'if-match': '*' };
        const answer =
          flips % 8 === 7
            ? await gateway.api('POST', '/api/routes/trade.order.get/rollback', { reason: 'flip' })
            : await gateway.api('PUT', '/api/routes/trade.order.get/stage', request, headers);
        assert.equal(answer.status, 200);
        if (flips % 8 === 7)
          await gateway.api('DELETE', '/api/routes/trade.order.get/rollback', { reason: 'flip' }, headers);
      }
      return flips;
    }

    const clients = Array.from({ length: CLIENTS }, (_, number) => client(number));
    const [flips] = await within(Promise.all([flip(), ...clients]), 'all requests and flips', 120_000);
    await pool.close();
    assert.equal(flips, FLIPS);
    assert.equal(answered, REQUESTS);
    assert.ok(seen.legacy > REQUESTS / 2 && seen.new > 300, `legacy ${seen.legacy}, new ${seen.new}`);
    const failures = gateway.log.filter(({ level }) => level === 'warn' || level === 'error');
    assert.deepEqual(failures, []);
    const { body } = await gateway.api('GET', '/api/routes/trade.order.get');
    assert.equal(body.traffic.legacy.errors + body.traffic.new.errors, 0);
  });
});

// Gateways whose backend is a gateway: a few in a row are fine, a circle of them is not.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import type { IncomingMessage } from 'node:http';
import { describe, it } from 'node:test';
import { WebSocket } from 'ws';
import { closingAfterEach } from '../helpers/closing.ts';
import { within } from '../helpers/deadline.ts';
import { freePort } from '../helpers/free-port.ts';
import { routeOn, startTestGateway, type TestGateway } from '../helpers/gateway.ts';
import { startUpstream } from '../helpers/upstream.ts';

const kept = closingAfterEach();

function gatewayTo(url: string, listen = '127.0.0.1:0'): Promise<TestGateway> {
  const routes = [routeOn('/*', { timeoutMs: 5_000, initialStage: 'shadow' })];
  return kept(startTestGateway({ legacy: url, new: url, routes, overrides: { listen } }));
}

/** The first is its own backend's backend. */
async function circleOf(count: number): Promise<TestGateway[]> {
  const listen = `127.0.0.1:${await freePort()}`;
  const gateways: TestGateway[] = [];
  let next = `http://${listen}`;
  for (let i = 1; i < count; i++) {
    const gateway = await gatewayTo(next);
    gateways.unshift(gateway);
    next = gateway.url;
  }
  return [await gatewayTo(next, listen), ...gateways];
}

for (const count of [1, 3]) {
  describe(`a request that goes round through ${count}`, () => {
    it('is answered 508, which says what to do, and ends there', async () => {
      const [gateway] = await circleOf(count);
      assert.ok(gateway);
      const response = await fetch(`${gateway.url}/x`, { method: 'POST', body: 'once' });
      assert.equal(response.status, 508);
      assert.match(await response.text(), /"Loop Detected".*An address under upstreams leads back to a gateway/);
    });

    it('to become a WebSocket is too', async () => {
      const [gateway] = await circleOf(count);
      assert.ok(gateway);
      const socket = new WebSocket(`${gateway.url.replace('http', 'ws')}/ws`);
      socket.on('error', () => {});
      const [, answer] = (await within(once(socket, 'unexpected-response'), 'the refusal')) as [
        unknown,
        IncomingMessage,
      ];
      answer.destroy();
      assert.equal(answer.statusCode, 508);
    });
  });
}

it('a request that passes three gateways in a row is answered by the backend behind them', async () => {
  const backend = await kept(startUpstream((incoming, outgoing) => outgoing.end(incoming.headers.via)));
  const last = await gatewayTo(backend.url);
  const first = await gatewayTo((await gatewayTo(last.url)).url);
  const response = await fetch(`${first.url}/x`, { headers: { via: '1.1 elsewhere' } });
  assert.equal(response.status, 200);
  assert.equal(await response.text(), '1.1 elsewhere, 1.1 banyan, 1.1 banyan, 1.1 banyan');
});

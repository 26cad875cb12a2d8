import assert from 'node:assert/strict';
import { test } from 'node:test';
import { testBackend } from '../helpers/backend.ts';
import { within } from '../helpers/deadline.ts';

const LISTEN = { host: '127.0.0.1', port: 0, reconcileIntervalMs: 60_000 };
const body = JSON.stringify({ user_id: 'u', symbol: 'BTCUSDT', side: 'BUY', order_type: 'MARKET', quantity: '1' });
const post = (address: string, headers: Record<string, string> = {}) =>
  fetch(`http://${address}/api/trade/order`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body,
  });

function gate() {
  let open = () => {};
  const opened = new Promise<void>((resolve) => {
    open = resolve;
  });
  return { open, opened };
}

test('stopped with a request in flight, then it is answered, and no new one is taken', async () => {
  const { backend, exchange } = testBackend();
  const [reached, release] = [gate(), gate()];
  exchange.duringSubmit(async () => {
    reached.open();
    await release.opened;
  });
  const address = await backend.listen(LISTEN);
  const answer = post(address);
  await within(reached.opened, 'the order to reach the exchange');
  const closed = backend.close({ timeoutMs: 10_000 });
  await assert.rejects(fetch(`http://${address}/health`));
  release.open();
  assert.equal((await within(answer, 'the answer')).status, 201);
  await within(closed, 'the server to close');
});

test('stopped with a request that does not end, then it is cut at the deadline', async () => {
  const { backend, exchange } = testBackend();
  const [reached, release] = [gate(), gate()];
  exchange.duringSubmit(async () => {
    reached.open();
    await release.opened;
  });
  const answer = post(await backend.listen(LISTEN));
  await within(reached.opened, 'the order to reach the exchange');
  await Promise.all([within(backend.close({ timeoutMs: 50 }), 'the server to close'), assert.rejects(answer)]);
  release.open();
});

test('a body without a length beyond the limit, then 413 before it is all read', async () => {
  const { backend } = testBackend();
  const address = await backend.listen(LISTEN);
  const chunk = new TextEncoder().encode('x'.repeat(8192));
  const endless = new ReadableStream({ pull: (controller) => controller.enqueue(chunk) });
  const init: RequestInit & { duplex: 'half' } = { method: 'POST', body: endless, duplex: 'half' };
  const status = await fetch(`http://${address}/api/trade/order`, init).then(
    ({ status }) => status,
    () => 'cut', // The connection may be cut before the answer is read: the body never ends.
  );
  assert.ok(status === 413 || status === 'cut', String(status));
  assert.equal((await fetch(`http://${address}/health`)).status, 200);
  await within(backend.close({ timeoutMs: 1000 }), 'the server to close');
});

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createMemoryStore } from '../../backend/store/memory.ts';
import { START_MS, testBackend } from '../helpers/backend.ts';

test('alive, then OK as text and a clock as JSON', async () => {
  const { call } = testBackend();
  const health = await call('GET', '/health');
  assert.deepEqual([health.status, health.text], [200, 'OK']);
  assert.deepEqual((await call('GET', '/api/admin/health')).json, {
    status: 'healthy',
    timestamp: '2026-01-05T10:00:00.000Z',
  });
});

test('store or exchange away, then not ready, with the reason', async () => {
  const store = { ...createMemoryStore(() => START_MS), ping: async () => 'the table is gone' };
  const { call, exchange } = testBackend({ store });
  exchange.trouble('ping', 'unknown');
  const { status, json } = await call('GET', '/api/admin/ready');
  assert.equal(status, 503);
  assert.deepEqual(json, {
    status: 'not_ready',
    checks: {
      store: { ok: false, required: true, reason: 'the table is gone' },
      exchange: { ok: false, required: true, reason: 'no answer' },
      bus: { ok: true, required: false },
    },
  });
});

test('a request, then the metrics count it by its pattern', async () => {
  const { call } = testBackend();
  await call('GET', '/api/trade/order/user-0001/nope');
  const { text } = await call('GET', '/api/admin/metrics');
  assert.match(
    text,
    /api_request_seconds_count\{route="GET \/api\/trade\/order\/:user_id\/:order_id",status="404"\} 1/,
  );
  assert.match(text, /api_errors_total\{code="order_not_found"\} 1/);
});

test('stopping, then not ready', async () => {
  const { backend, call } = testBackend();
  await backend.close({ timeoutMs: 100 });
  assert.equal((await call('GET', '/api/admin/ready')).status, 503);
});

test('no such path or method, then a problem', async () => {
  const { call } = testBackend();
  const { status, json } = await call('PATCH', '/nowhere');
  assert.deepEqual([status, json.code], [404, 'not_found']);
});

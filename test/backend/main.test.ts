import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { describe, test } from 'node:test';
import { eventually } from '../helpers/deadline.ts';
import { startDynalite } from '../helpers/dynamo.ts';
import { spawnServer } from '../helpers/process.ts';
import { startRedis } from '../helpers/redis.ts';
import { createExchangeSimulator } from '../sandbox/exchange/server.ts';

const KEYS = { apiKey: 'mx0maintest', secretKey: 'main-secret' };

describe('the backend as a process', () => {
  test('an environment with problems, then all of them on stderr and exit code 2', () => {
    const env = { PATH: process.env.PATH, LOG_LEVEL: 'loud' };
    const { status, stdout, stderr } = spawnSync(process.execPath, ['backend/main.ts'], { env, encoding: 'utf8' });
    assert.equal(status, 2);
    assert.equal(stdout, '');
    assert.match(stderr, /^backend: 4 problems in the environment\n/);
    assert.match(stderr, /EXCHANGE_SECRET_KEY: is not set; give the secret key, or EXCHANGE_SECRET_KEY_FILE/);
  });

  test('killed after the exchange took an order, then the next process finds it; SIGTERM, then exit code 0', async () => {
    const [dynamo, simulator, redis] = [await startDynalite(), await createExchangeSimulator(KEYS), await startRedis()];
    const start = () =>
      spawnServer({
        args: ['backend/main.ts'],
        env: {
          BACKEND_LISTEN: '127.0.0.1:0',
          DYNAMODB_ENDPOINT: dynamo.endpoint,
          EXCHANGE_URL: simulator.url,
          EXCHANGE_API_KEY: KEYS.apiKey,
          EXCHANGE_SECRET_KEY: KEYS.secretKey,
          REDIS_URL: redis.url,
          RECONCILE_INTERVAL_MS: '50',
        },
      });
    const first = await start();
    try {
      simulator.inject({ kind: 'hang', when: 'after', method: 'POST', path: '/order' });
      const body = JSON.stringify({
        user_id: 'u',
        symbol: 'BTCUSDT',
        side: 'SELL',
        order_type: 'LIMIT',
        quantity: '0.01',
        price: '90000',
      });
      const headers = { 'content-type': 'application/json' };
      const sent = fetch(`http://${first.listening.http}/api/trade/order`, { method: 'POST', headers, body });
      sent.catch(() => {}); // It dies with the process, below.
      await eventually(() => simulator.orderCount() === 1, 'the exchange to take the order');
      first.kill('SIGKILL');
      await first.exited;
    } finally {
      await first.stop();
    }
    const second = await start();
    try {
      const base = `http://${second.listening.http}`;
      type Listed = { orders: { status: string; mexc_order_id: string | null }[] };
      const order = await eventually(async () => {
        const listed = (await (await fetch(`${base}/api/trade/orders/u`)).json()) as Listed;
        return listed.orders.find(({ status }) => status !== 'pending');
      }, 'the order to be reconciled');
      assert.equal(order.status, 'open');
      assert.ok(order.mexc_order_id);
      assert.equal(simulator.orderCount(), 1);
      const ready = await fetch(`${base}/api/admin/ready`);
      assert.equal(ready.status, 200);
      assert.deepEqual(await second.stop(), { code: 0, signal: null });
      assert.doesNotMatch(second.stderr(), new RegExp(KEYS.secretKey));
    } finally {
      await second.stop();
      await redis.close();
      await simulator.close();
      await dynamo.close();
    }
  });

  test('told to stop while store, Redis and exchange are gone, then it ends all the same', async () => {
    const [dynamo, simulator, redis] = [await startDynalite(), await createExchangeSimulator(KEYS), await startRedis()];
    const backend = await spawnServer({
      args: ['backend/main.ts'],
      env: {
        BACKEND_LISTEN: '127.0.0.1:0',
        DYNAMODB_ENDPOINT: dynamo.endpoint,
        EXCHANGE_URL: simulator.url,
        EXCHANGE_API_KEY: KEYS.apiKey,
        EXCHANGE_SECRET_KEY: KEYS.secretKey,
        REDIS_URL: redis.url,
        RECONCILE_INTERVAL_MS: '50',
        STOP_TIMEOUT_MS: '500',
      },
    });
    try {
      await Promise.all([dynamo.close(), simulator.close(), redis.close()]);
      assert.deepEqual(await backend.stop(), { code: 0, signal: null });
    } finally {
      await backend.stop();
    }
  });
});

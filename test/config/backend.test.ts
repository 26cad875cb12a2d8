import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readBackendConfig } from '../../config/backend.ts';

const LEAST = { EXCHANGE_URL: 'https://api.mexc.com', EXCHANGE_API_KEY: 'key', EXCHANGE_SECRET_KEY: 'secret' };

test('the least environment, then everything else by default', () => {
  assert.deepEqual(readBackendConfig(LEAST), {
    ok: true,
    value: {
      listen: { host: '127.0.0.1', port: 8002 },
      dynamo: { endpoint: undefined, table: 'banyan', region: 'us-east-1' },
      exchange: {
        url: 'https://api.mexc.com',
        apiKey: 'key',
        secretKey: 'secret',
        timeoutMs: 5000,
        recvWindowMs: 5000,
      },
      redisUrl: undefined,
      shadowKeys: undefined,
      risk: { limits: {}, killFile: undefined },
      reconcileIntervalMs: 10_000,
      stopTimeoutMs: 10_000,
      logLevel: 'info',
    },
  });
});

test('an IPv6 address with a port, then both parts', () => {
  const result = readBackendConfig({ ...LEAST, BACKEND_LISTEN: '[::1]:0' });
  assert.deepEqual(result.ok && result.value.listen, { host: '::1', port: 0 });
});

test('values that are none, then a problem for each variable', () => {
  const result = readBackendConfig({
    BACKEND_LISTEN: '8002',
    DYNAMODB_ENDPOINT: 'localhost:8000',
    DYNAMODB_TABLE: 'x',
    AWS_REGION: 'here',
    EXCHANGE_URL: 'ftp://a',
    EXCHANGE_API_KEY: 'key',
    EXCHANGE_TIMEOUT_MS: '0',
    EXCHANGE_RECV_WINDOW_MS: '60001',
    REDIS_URL: 'http://a',
    LOG_LEVEL: 'loud',
  });
  assert.deepEqual(!result.ok && result.problems.map(({ variable }) => variable), [
    'BACKEND_LISTEN',
    'DYNAMODB_ENDPOINT',
    'DYNAMODB_TABLE',
    'AWS_REGION',
    'EXCHANGE_URL',
    'EXCHANGE_SECRET_KEY',
    'EXCHANGE_TIMEOUT_MS',
    'EXCHANGE_RECV_WINDOW_MS',
    'REDIS_URL',
    'LOG_LEVEL',
  ]);
});

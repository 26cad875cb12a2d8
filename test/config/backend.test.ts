import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
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
        limits: {
          requests: { count: 20, periodMs: 1000 },
          weight: { count: 300, periodMs: 10_000 },
          orders: { count: 12, periodMs: 1000 },
        },
        warmConnections: 2,
        streamUrl: undefined,
        siteUrl: undefined,
        sitePollMs: 300_000,
      },
      marketSymbols: [],
      masterKeys: undefined,
      redisUrl: undefined,
      geyser: [],
      solana: undefined,
      shadowKeys: undefined,
      auth: { jwt: undefined, tokens: [] },
      risk: { limits: {}, killFile: undefined },
      otlpEndpoint: undefined,
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

test('rates in each unit', () => {
  const result = readBackendConfig({ ...LEAST, EXCHANGE_LIMIT_ORDERS: '5/250ms', EXCHANGE_LIMIT_WEIGHT: '6000/1m' });
  assert.deepEqual(result.ok && result.value.exchange.limits, {
    requests: { count: 20, periodMs: 1000 },
    weight: { count: 6000, periodMs: 60_000 },
    orders: { count: 5, periodMs: 250 },
  });
});

test('symbols to follow, then each once; without a stream, then a problem', () => {
  const symbols = { ...LEAST, MARKET_SYMBOLS: 'BTCUSDT,ETHUSDT,BTCUSDT' };
  const result = readBackendConfig({ ...symbols, EXCHANGE_STREAM_URL: 'wss://wbs-api.mexc.com/ws' });
  assert.deepEqual(result.ok && result.value.marketSymbols, ['BTCUSDT', 'ETHUSDT']);
  const refused = readBackendConfig(symbols);
  assert.deepEqual(!refused.ok && refused.problems.map(({ variable }) => variable), ['MARKET_SYMBOLS']);
});

test('Geyser servers with a token each; without tokens none has one; another count of them is a problem without their text', () => {
  const urls = { ...LEAST, GEYSER_URLS: 'https://a.example:443,http://127.0.0.1:8014' };
  const [a, b] = ['https://a.example:443', 'http://127.0.0.1:8014'];
  const of = (result: ReturnType<typeof readBackendConfig>) =>
    result.ok && result.value.geyser.map(({ url, token }) => [url, token]);
  assert.deepEqual(of(readBackendConfig({ ...urls, GEYSER_TOKENS: 'secret-one,' })), [
    [a, 'secret-one'],
    [b, undefined],
  ]);
  assert.deepEqual(of(readBackendConfig(urls)), [
    [a, undefined],
    [b, undefined],
  ]);
  const refused = readBackendConfig({ ...urls, GEYSER_TOKENS: 'secret-one' });
  assert.ok(!refused.ok);
  assert.deepEqual(
    refused.problems.map(({ variable }) => variable),
    ['GEYSER_TOKENS'],
  );
  assert.doesNotMatch(JSON.stringify(refused), /secret-one/);
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
    EXCHANGE_STREAM_URL: 'https://a',
    MARKET_SYMBOLS: 'btcusdt',
    EXCHANGE_LIMIT_REQUESTS: '20',
    EXCHANGE_LIMIT_WEIGHT: '0/10s',
    EXCHANGE_LIMIT_ORDERS: '12/1h',
    EXCHANGE_WARM_CONNECTIONS: '-1',
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
    'EXCHANGE_STREAM_URL',
    'MARKET_SYMBOLS',
    'EXCHANGE_LIMIT_REQUESTS',
    'EXCHANGE_LIMIT_WEIGHT',
    'EXCHANGE_LIMIT_ORDERS',
    'EXCHANGE_WARM_CONNECTIONS',
    'REDIS_URL',
    'LOG_LEVEL',
  ]);
});

describe('who may call', () => {
  const problemsOf = (env: Record<string, string>) => {
    const result = readBackendConfig({ ...LEAST, ...env });
    return result.ok ? [] : result.problems.map(({ variable }) => variable);
  };
  const secret = 'a secret of thirty-two bytes or more';
  const jwt = { AUTH_JWT_SECRET: secret, AUTH_JWT_ISSUER: 'i', AUTH_JWT_AUDIENCE: 'a' };

  test('nobody is asked, then only an address of this machine will do', () => {
    for (const listen of ['127.0.0.1:0', 'localhost:0', '[::1]:0', '127.9.9.9:0']) {
      assert.deepEqual(problemsOf({ BACKEND_LISTEN: listen }), []);
    }
    for (const listen of ['0.0.0.0:0', '[::]:0', '10.0.0.1:0', 'example.com:0', '127.0.0.1.example.com:0']) {
      assert.deepEqual(problemsOf({ BACKEND_LISTEN: listen }), ['BACKEND_LISTEN']);
      assert.deepEqual(problemsOf({ BACKEND_LISTEN: listen, ...jwt }), []);
    }
  });

  test('a JWT that is not pinned down, then what is missing', () => {
    assert.deepEqual(problemsOf({ AUTH_JWT_SECRET: secret }), ['AUTH_JWT_ISSUER', 'AUTH_JWT_AUDIENCE']);
    assert.deepEqual(problemsOf({ ...jwt, AUTH_JWT_SECRET: 'short' }), ['AUTH_JWT_SECRET']);
    assert.deepEqual(problemsOf({ ...jwt, AUTH_JWT_ALGORITHMS: 'RS256' }), ['AUTH_JWT_ALGORITHMS']);
    assert.deepEqual(problemsOf({ ...jwt, AUTH_JWT_ALGORITHMS: 'none' }), ['AUTH_JWT_ALGORITHMS']);
    assert.deepEqual(problemsOf({ ...jwt, AUTH_JWT_JWKS_URL: 'https://i/keys' }), ['AUTH_JWT_JWKS_URL']);
  });

  test('tokens that are none, then a problem that does not show them', () => {
    for (const tokens of ['x', '{}', '[{"name":"a","role":"trader","token":"token-of-someone-0000001"}]']) {
      const result = readBackendConfig({ ...LEAST, AUTH_TOKENS: tokens });
      assert.ok(!result.ok);
      assert.doesNotMatch(JSON.stringify(result.problems), /token-of-someone/);
    }
    const tokens = '[{"name":"a","role":"trader","user":"u1","token":"token-of-someone-0000001"}]';
    assert.deepEqual(problemsOf({ AUTH_TOKENS: tokens, BACKEND_LISTEN: '0.0.0.0:0' }), []);
  });
});

test('RPC endpoints that are none, then the problem is told and the key in one of them is not', () => {
  const refused = readBackendConfig({ ...LEAST, SOLANA_RPC_URLS: 'https://rpc.example/key-1234,ftp://b' });
  assert.deepEqual(!refused.ok && refused.problems.map(({ variable }) => variable), ['SOLANA_RPC_URLS']);
  assert.doesNotMatch(JSON.stringify(refused), /key-1234/);
});

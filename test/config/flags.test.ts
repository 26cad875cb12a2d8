import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, test } from 'node:test';
import { stringify } from 'yaml';
import { readFlagTokens } from '../../config/flag-tokens.ts';
import { ConfigError, parseGatewayConfig } from '../../config/load-gateway.ts';
import { LEAST_CONFIG } from '../helpers/gateway-config.ts';

const LEAST = {
  ...{ provider: 'unleash', url: 'http://unleash:4242/api', environment: 'production' },
  ...{ tokenEnv: 'TEST_CLIENT', backupFile: 'flags.json' },
};
const parse = (flags: object) => {
  const { flags: parsed } = parseGatewayConfig(stringify({ ...LEAST_CONFIG, flags }), 'f');
  return parsed.provider === 'unleash' ? parsed : assert.fail('not unleash');
};
const problemOf = (work: () => unknown): string => {
  try {
    work();
  } catch (error) {
    assert.ok(error instanceof ConfigError, String(error));
    return error.message;
  }
  return assert.fail('nothing was thrown');
};

describe('flags on Unleash', () => {
  test('the least that they can say, then the defaults', () => {
    assert.deepEqual(parse(LEAST), { ...LEAST, project: 'default', appName: 'banyan', refreshIntervalMs: 1_000 });
  });

  const refused: readonly (readonly [flags: object, says: RegExp])[] = [
    [{ provider: 'redis' }, /flags(\.provider)?: expected provider: file, or provider: unleash/],
    [{ ...LEAST, url: 'unleash' }, /flags\.url: expected a URL such as/],
    [{ ...LEAST, url: 'http://unleash:4242' }, /flags\.url: expected the address of the API, which ends with \/api/],
    [{ ...LEAST, url: 'http://a:b@unleash/api' }, /flags\.url: expected a URL without credentials/],
    [{ ...LEAST, tokenEnv: 'not a name' }, /flags\.tokenEnv: expected the name of an environment variable/],
    [{ ...LEAST, backupFile: undefined }, /flags\.backupFile: missing/],
    [{ ...LEAST, environment: undefined }, /flags\.environment: missing/],
    [{ ...LEAST, refreshIntervalMs: 10 }, /flags\.refreshIntervalMs: too small: expected at least 100/],
    [{ ...LEAST, token: 'x' }, /flags\.token: unknown key/],
  ];
  for (const [flags, says] of refused) {
    test(`${JSON.stringify(flags)} is refused: ${says.source}`, () =>
      assert.match(
        problemOf(() => parse(flags)),
        says,
      ));
  }
});

describe('the tokens of Unleash', () => {
  afterEach(() => {
    for (const name of ['TEST_CLIENT', 'TEST_ADMIN', 'TEST_ADMIN_FILE']) delete process.env[name];
  });

  test('in the environment and in a file, then both are read', () => {
    const folder = mkdtempSync(join(tmpdir(), 'banyan-flags-'));
    process.env.TEST_CLIENT = 'default:production.abc';
    process.env.TEST_ADMIN_FILE = join(folder, 'token');
    writeFileSync(process.env.TEST_ADMIN_FILE, '*:*.def\n');
    const tokens = readFlagTokens(parse({ ...LEAST, adminTokenEnv: 'TEST_ADMIN' }), 'f');
    rmSync(folder, { recursive: true });
    assert.deepEqual(tokens, { client: 'default:production.abc', admin: '*:*.def' });
  });

  test('no admin token named, then none', () => {
    process.env.TEST_CLIENT = 'another-form';
    assert.deepEqual(readFlagTokens(parse(LEAST), 'f'), { client: 'another-form', admin: undefined });
  });

  test('missing, then every one is named', () => {
    const message = problemOf(() => readFlagTokens(parse({ ...LEAST, adminTokenEnv: 'TEST_ADMIN' }), 'f'));
    assert.match(message, /^f:1:1: flags\.tokenEnv: .* TEST_CLIENT is not set/);
    assert.match(message, /^f:1:1: flags\.adminTokenEnv: .* TEST_ADMIN is not set/m);
  });

  test('of another environment, or with a line end, then refused without showing it', () => {
    process.env.TEST_CLIENT = 'default:development.secret';
    assert.equal(
      problemOf(() => readFlagTokens(parse(LEAST), 'f')),
      "f:1:1: flags.tokenEnv: TEST_CLIENT is a token of the environment development, not of production; use that one's client token",
    );
    process.env.TEST_CLIENT = 'default:production.se cret';
    assert.equal(
      problemOf(() => readFlagTokens(parse(LEAST), 'f')),
      'f:1:1: flags.tokenEnv: TEST_CLIENT: a token has neither spaces nor line ends',
    );
  });
});

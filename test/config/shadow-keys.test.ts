import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, afterEach, describe, test } from 'node:test';
import { readBackendConfig } from '../../config/backend.ts';
import { warningsOf } from '../../config/check-dry-runs.ts';
import { parseGatewayConfig, readSigningKeys } from '../../config/load-gateway.ts';
import { parseShadowKeys } from '../../config/shadow-keys.ts';
import { aGatewayConfig } from '../helpers/gateway-config.ts';

const ONE = { id: 'k1', secret: 'a'.repeat(32) };
const TWO = { id: 'k.2_-', secret: `${'b'.repeat(31)}:` };
const textOf = ({ id, secret }: typeof ONE) => `${id}:${secret}`;

describe('keys of dry runs', () => {
  for (const between of [',', ' ', '\n', ', \n']) {
    test(`two with ${JSON.stringify(between)} between, then both, in their order`, () => {
      const text = `${textOf(ONE)}${between}${textOf(TWO)}\n`;
      assert.deepEqual(parseShadowKeys(text), { ok: true, value: [ONE, TWO] });
    });
  }

  const wrong: readonly (readonly [name: string, text: string, message: RegExp])[] = [
    ['none', ' ,\n', /there is no key/],
    ['three', [ONE, TWO, { ...ONE, id: 'k3' }].map(textOf).join(), /more than 2 keys/],
    ['two of one name', [ONE, { ...TWO, id: 'k1' }].map(textOf).join(), /two keys are called k1/],
    ['a short secret', `k1:${'a'.repeat(31)}`, /key 1 is not ID:SECRET/],
    ['no name', ONE.secret, /key 1 is not ID:SECRET/],
    ['a second that is none', `${textOf(ONE)},${TWO.secret.slice(1)}`, /key 2 is not ID:SECRET/],
    ['a secret beyond ASCII', `k1:${'é'.repeat(32)}`, /key 1 is not ID:SECRET/],
  ];
  for (const [name, text, message] of wrong) {
    test(`${name}, then what is wrong, and nothing of a secret`, () => {
      const parsed = parseShadowKeys(text);
      assert.match(parsed.ok ? '' : parsed.message, message);
      assert.doesNotMatch(parsed.ok ? '' : parsed.message, /aaaa|bbbb|éé/);
    });
  }
});

describe('keys of dry runs in the environment', () => {
  const folder = mkdtempSync(join(tmpdir(), 'banyan-keys-'));
  const config = aGatewayConfig({ shadowKeysEnv: 'TEST_KEYS' });
  afterEach(() => {
    delete process.env.TEST_KEYS;
  });
  after(() => rmSync(folder, { recursive: true, force: true }));

  test('in a variable, then the gateway has them; in a file, then the backend has them', () => {
    process.env.TEST_KEYS = textOf(ONE);
    assert.deepEqual(readSigningKeys(config, 'f'), [ONE]);
    const file = join(folder, 'keys');
    writeFileSync(file, `${textOf(TWO)}\n${textOf(ONE)}\n`);
    const exchange = { EXCHANGE_URL: 'https://x', EXCHANGE_API_KEY: 'k', EXCHANGE_SECRET_KEY: 's' };
    const read = readBackendConfig({ ...exchange, SHADOW_KEYS_FILE: file });
    assert.deepEqual(read.ok && read.value.shadowKeys, [TWO, ONE]);
  });

  test('missing or unusable, then the gateway says where and why', () => {
    assert.throws(() => readSigningKeys(config, 'f'), /f:1:1: shadowKeysEnv: .* TEST_KEYS is not set/);
    process.env.TEST_KEYS = 'nonsense';
    assert.throws(() => readSigningKeys(config, 'f'), /shadowKeysEnv: TEST_KEYS: key 1 is not ID:SECRET/);
    assert.equal(readSigningKeys(aGatewayConfig(), 'f'), undefined);
  });

  test('unusable at the backend, then a problem that shows nothing of them', () => {
    const read = readBackendConfig({ SHADOW_KEYS: 'short:secret' });
    const problem = !read.ok && read.problems.find(({ variable }) => variable === 'SHADOW_KEYS');
    assert.match(problem ? problem.problem : '', /is not usable: key 1 is not ID:SECRET/);
  });
});

describe('a route with writes: dry-run', () => {
  const config = (given: { keys?: boolean; verified?: string }) => `version: 1
listen: 127.0.0.1:8080
operator: { listen: 127.0.0.1:8081, tokens: [{ name: ops, role: admin, tokenEnv: OPS_TOKEN }] }
upstreams:
  legacy: { url: http://127.0.0.1:8001, verifiesShadow: ${given.verified === 'legacy'} }
  new: { url: http://127.0.0.1:8002, verifiesShadow: ${given.verified === 'new'} }
flags: { provider: file, file: flags.json }
ledger: sqlite:gateway.db
${given.keys ? 'shadowKeysEnv: SHADOW_KEYS' : ''}
routes: [{ id: a, match: { methods: [POST], path: /a }, mirror: { writes: dry-run } }]
`;

  test('without a key, then it is refused at its place', () => {
    const text = config({ verified: 'new' });
    assert.throws(
      () => parseGatewayConfig(text, 'f'),
      /^ConfigError: f:10:\d+: routes\[0\]\.mirror\.writes: needs a key to sign with; give shadowKeysEnv$/,
    );
  });

  test('with no side that verifies, then it is refused at its place', () => {
    const text = config({ keys: true });
    assert.throws(
      () => parseGatewayConfig(text, 'f'),
      /f:10:\d+: routes\[0\]\.mirror\.writes: needs a side that knows a dry run/,
    );
  });

  test('with one side that verifies, then it is accepted, and a warning names the other', () => {
    const warnings = warningsOf(parseGatewayConfig(config({ keys: true, verified: 'new' }), 'f'));
    assert.equal(warnings.length, 1);
    assert.match(
      warnings[0] ?? '',
      /^writes of a are not copied to legacy, .* while the other side serves they count as dropped/,
    );
    assert.deepEqual(warningsOf(aGatewayConfig()), []);
  });
});

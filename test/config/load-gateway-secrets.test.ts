import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, test } from 'node:test';
import { stringify } from 'yaml';
import { ConfigError, loadGatewayConfig, parseGatewayConfig, readOperatorSecrets } from '../../config/load-gateway.ts';
import { aGatewayConfig, LEAST_CONFIG } from '../helpers/gateway-config.ts';

const FILE = 'banyan.yaml';
const LEAST = stringify(LEAST_CONFIG);

describe('files and secrets', () => {
  const SECRET = 'correct-horse-battery-staple';
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'banyan-config-'));
  });
  afterEach(() => {
    rmSync(folder, { recursive: true });
    for (const name of ['TEST_A', 'TEST_A_FILE', 'TEST_B', 'TEST_B_FILE']) delete process.env[name];
  });
  const config = aGatewayConfig({
    operator: {
      listen: '127.0.0.1:0',
      tokens: [
        { name: 'a', role: 'admin', tokenEnv: 'TEST_A' },
        { name: 'b', role: 'viewer', tokenEnv: 'TEST_B' },
      ],
    },
  });
  function messageOf(work: () => unknown): string {
    try {
      work();
    } catch (error) {
      assert.ok(error instanceof ConfigError);
      return error.message;
    }
    return assert.fail('nothing was thrown');
  }

  test('a file that is read, then its problems carry its name', () => {
    const file = join(folder, 'gateway.yaml');
    writeFileSync(file, LEAST);
    assert.equal(loadGatewayConfig(file).ledger, 'sqlite:gateway.db');
    writeFileSync(file, LEAST.replace('version: 1', 'version: 3'));
    assert.equal(
      messageOf(() => loadGatewayConfig(file)),
      `${file}:1:10: version: expected 1`,
    );
  });

  test('a file that is not there, then what to name', () => {
    const file = join(folder, 'none.yaml');
    assert.match(
      messageOf(() => loadGatewayConfig(file)),
      /none\.yaml:1:1: cannot be read \(ENOENT.*\); name an existing file with --config FILE$/,
    );
  });

  test('tokens in the environment and in a file, then both are read without their line end', () => {
    process.env.TEST_A = SECRET;
    process.env.TEST_B_FILE = join(folder, 'token');
    writeFileSync(process.env.TEST_B_FILE, `${SECRET}-b\n`);
    assert.deepEqual(
      readOperatorSecrets(config, FILE),
      new Map([
        ['TEST_A', SECRET],
        ['TEST_B', `${SECRET}-b`],
      ]),
    );
  });

  test('tokens that are missing or whose file is empty, then all are named at once and what to do', () => {
    process.env.TEST_B_FILE = join(folder, 'token');
    writeFileSync(process.env.TEST_B_FILE, '\n');
    const message = messageOf(() => readOperatorSecrets(config, FILE));
    assert.match(message, /operator\.tokens\[0\]\.tokenEnv: .* TEST_A is not set; set it, or TEST_A_FILE to a file/);
    assert.match(message, /operator\.tokens\[1\]\.tokenEnv: TEST_B_FILE: .*token is empty/);
    assert.equal(message.split('\n').length, 2);
  });

  test('one token is good and the other missing, then the message shows nothing of the good one', () => {
    process.env.TEST_A = SECRET;
    const message = messageOf(() => readOperatorSecrets(config, FILE));
    assert.equal(message.includes(SECRET), false);
    assert.match(message, /TEST_B is not set/);
  });

  test('a secret pasted where a name belongs, then the refusal does not repeat it', () => {
    const message = messageOf(() => parseGatewayConfig(LEAST.replace('OPS_TOKEN', `"${SECRET} !"`), FILE));
    assert.equal(message, `${FILE}:8:17: operator.tokens[0].tokenEnv: expected the name of an environment variable`);
  });
});

describe("OpenTelemetry's variable for a collector", () => {
  const VARIABLE = 'OTEL_EXPORTER_OTLP_ENDPOINT';
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'banyan-config-'));
  });
  afterEach(() => {
    rmSync(folder, { recursive: true });
    delete process.env[VARIABLE];
  });
  function load(text: string) {
    const file = join(folder, FILE);
    writeFileSync(file, text);
    return loadGatewayConfig(file).tracing;
  }

  test('set, then it stands in where the file names none', () => {
    assert.equal(load(LEAST).endpoint, undefined);
    process.env[VARIABLE] = 'http://collector:4318';
    assert.deepEqual(load(`${LEAST}tracing: { service: edge, samplePercent: 5 }\n`), {
      endpoint: 'http://collector:4318',
      service: 'edge',
      samplePercent: 5,
    });
    assert.equal(load(`${LEAST}tracing: { endpoint: http://other:4318 }\n`).endpoint, 'http://other:4318');
  });

  test('set to what is no URL, then a refusal that names it', () => {
    process.env[VARIABLE] = 'collector:4318';
    assert.throws(
      () => load(LEAST),
      /tracing\.endpoint: the environment variable OTEL_EXPORTER_OTLP_ENDPOINT: expected a URL such as http:\/\/collector:4318; correct or unset it/,
    );
  });
});

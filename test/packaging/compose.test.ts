// docker-compose.yml by the schema of the Compose Specification, and by what a schema cannot say. No engine runs here.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { parse } from 'yaml';
import { z } from 'zod';
import { readBackendConfig } from '../../config/backend.ts';
import { loadGatewayConfig } from '../../config/load-gateway.ts';

const ROOT = join(import.meta.dirname, '..', '..');
const read = (path: string) => readFileSync(join(ROOT, path), 'utf8');
const text = read('docker-compose.yml');
const document: unknown = parse(text, { merge: true });

const condition = z.object({ condition: z.string(), required: z.boolean().default(true) });
const service = z.object({
  image: z.string(),
  build: z.object({ target: z.string() }).optional(),
  profiles: z.array(z.string()).default([]),
  ports: z.array(z.string()).default([]),
  volumes: z.array(z.string()).default([]),
  environment: z.record(z.string(), z.string()).default({}),
  depends_on: z
    .union([
      z
        .array(z.string())
        .transform((names) =>
          Object.fromEntries(names.map((name) => [name, { condition: 'service_started', required: true }])),
        ),
      z.record(z.string(), condition),
    ])
    .default({}),
  read_only: z.boolean().default(false),
  healthcheck: z.unknown().optional(),
});
const { services, volumes } = z
  .object({ services: z.record(z.string(), service), volumes: z.record(z.string(), z.unknown()) })
  .parse(document);
const named = Object.entries(services);

/** The variables of .env.example. */
const example = Object.fromEntries(
  [...read('.env.example').matchAll(/^([A-Z_]+)=(.*)$/gm)].map(([, name = '', value = '']) => [name, value]),
);

/** As Compose fills them in. */
function filled(value: string): string {
  return value.replace(
    /\$\{(\w+)(?::[?-]([^}]*))?\}/g,
    (_, name: string, otherwise = '') => example[name] ?? otherwise,
  );
}

describe('docker-compose.yml', () => {
  it('is valid by the schema of the Compose Specification', () => {
    const ajv = new Ajv2020({ strict: false, validateFormats: false });
    const schema: unknown = JSON.parse(read('test/fixtures/compose-spec.json'));
    assert.ok(typeof schema === 'object' && schema !== null);
    const validate = ajv.compile(schema);
    assert.equal(validate(document), true, JSON.stringify(validate.errors));
    assert.equal(validate({ services: { a: { imag: 'b' } } }), false);
  });

  it('has images of exact versions, and builds targets that the Dockerfile has', () => {
    const targets = [...read('Dockerfile').matchAll(/^FROM \S+ AS (\S+)$/gm)].map(([, name]) => name);
    for (const [name, { image, build }] of named) {
      if (build) assert.ok(targets.includes(build.target), `${name}: ${build.target}`);
      else assert.match(image, /^[\w./-]+:v?\d+\.\d+[\w.-]*$/, name);
    }
  });

  it('names services and volumes that there are, and waits for health only where it is told', () => {
    const health = /^FROM production AS (\w+)$(?:(?!^FROM).)*?^HEALTHCHECK --/gms;
    const healthy = new Set([...read('Dockerfile').matchAll(health)].map(([, target]) => target));
    const problems = named.flatMap(([name, { depends_on, volumes: mounted, profiles }]) => [
      ...Object.entries(depends_on).flatMap(([other, { condition, required }]) => {
        const found = services[other];
        if (!found) return [`${name} waits for ${other}, which is not there`];
        const isAsleep = found.profiles.length > 0 && !found.profiles.some((profile) => profiles.includes(profile));
        const isTold = found.healthcheck !== undefined || healthy.has(found.build?.target);
        return [
          ...(isAsleep && required ? [`${name} needs ${other}, which no profile of its own starts`] : []),
          ...(condition === 'service_healthy' && !isTold ? [`${other} has no health check`] : []),
        ];
      }),
      ...mounted
        .map((volume) => volume.split(':')[0] ?? '')
        .filter((source) => !source.startsWith('.') && !(source in volumes))
        .map((source) => `${name} mounts ${source}, which is not declared`),
    ]);
    assert.deepEqual(problems, []);
  });

  it('publishes ports on this machine only, and runs what is ours without writing and without rights', () => {
    for (const [name, { ports, build, read_only: isReadOnly }] of named) {
      for (const port of ports) assert.match(port, /^127\.0\.0\.1:/, name);
      if (build) assert.equal(isReadOnly, true, name);
    }
  });

  it('asks for no variable that .env.example has not', () => {
    const asked = [...text.matchAll(/\$\{(\w+):\?/g)].map(([, name = '']) => name);
    assert.ok(asked.length > 10);
    assert.deepEqual(
      asked.filter((name) => !(name in example)),
      [],
    );
  });

  it('gives the backend an environment that it takes', () => {
    const environment = services.backend?.environment ?? {};
    const config = readBackendConfig(
      Object.fromEntries(Object.entries(environment).map(([name, value]) => [name, filled(value)])),
    );
    assert.ok(config.ok, JSON.stringify(config));
    assert.equal(config.value.auth.tokens.length, 1);
  });

  it('gives the gateway a configuration that it takes, and every secret that this names', () => {
    const config = loadGatewayConfig(join(ROOT, 'config/compose.yaml'));
    const secrets = [config.shadowKeysEnv, ...config.operator.tokens.map(({ tokenEnv }) => tokenEnv)];
    if (config.flags.provider === 'unleash') secrets.push(config.flags.tokenEnv, config.flags.adminTokenEnv);
    const given = services.gateway?.environment ?? {};
    assert.deepEqual(
      secrets.filter((name) => name === undefined || !(name in given)),
      [],
    );
  });
});

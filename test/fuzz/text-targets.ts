// Targets that read text: request targets, the configuration, the file of flags.
import assert from 'node:assert/strict';
import { ConfigError, parseGatewayConfig } from '../../config/load-gateway.ts';
import { createEvaluator, FeatureSource } from '../../gateway/rollout/evaluator.ts';
import { type FeatureFile, handMade, parseFeatureFile, rolloutPercent } from '../../gateway/rollout/feature.ts';
import { compileRoutes } from '../../gateway/routing/route.ts';
import { matchingPath } from '../../gateway/routing/target.ts';
import { aRoute } from '../helpers/gateway-config.ts';
import type { FuzzTarget } from './fuzz.ts';

const TABLE = compileRoutes(
  ['/api/orders/:id', '/api/orders/*', '/api/:kind/:id{[0-9]+}', '/api/files/*', '/*'].map((path, at) =>
    aRoute({ id: `r${at}`, match: { methods: ['GET'], path } }),
  ),
);
/** What the WHATWG parser takes for something else, or encodes: its own slashes, blanks, braces; paths that are hosts to it. */
const OF_URLS_ALONE = /[\\"<>^`{|}]|[^\x21-\x7e]|^[^/]|^\/\//;

const routes: FuzzTarget = {
  name: 'routes',
  seeds: ['/api/orders/7?x=1', '/api/files/a/../b/%2e%2e/c', 'http://h/api//x', '/%41%zz/./%2F', '*', 'host:443'],
  tokens: ['%2e', '%2E%2e', '/../', '//', '/./', '%', '%25', '%2f', '?', '#', '\\', ';', 'http://'],
  run(input) {
    const target = input.toString('latin1');
    const route = TABLE.match('GET', target);
    const path = matchingPath(target);
    assert.equal(route === undefined, path === undefined, 'the last route takes every path');
    if (path === undefined) return;
    assert.equal(matchingPath(path), path, 'a normal form is its own');
    assert.equal(TABLE.match('GET', path)?.id, route?.id);
    if (OF_URLS_ALONE.test(target)) return;
    // A second parser: dot segments resolved by it first, the same path comes out.
    const url = new URL(`http://h${target}`);
    assert.equal(matchingPath(url.pathname), path);
  },
};

const CONFIG = `version: 1
listen: 127.0.0.1:0
operator: { listen: "127.0.0.1:0", tokens: [{ name: ops, role: admin, tokenEnv: OPS }] }
upstreams:
  legacy: { url: "http://127.0.0.1:1" }
  new: { url: "http://127.0.0.1:2", health: {}, deploy: { versions: { blue: "http://127.0.0.1:2", green: "http://127.0.0.1:3" } } }
flags: { provider: file, file: flags.json }
ledger: sqlite:gateway.db
routes:
  - id: orders.get
    match: { methods: [GET], path: "/api/orders/:id" }
    plan: standard
    compare: { ignore: [{ path: $.at, reason: clock, owner: trading }] }
  - &base { id: other, match: { methods: ["*"], path: /other/* } }
`;

const config: FuzzTarget = {
  name: 'config',
  seeds: [CONFIG, '', '{}', '[]', 'null'],
  tokens: [
    '&a ',
    '*a',
    '<<: *base',
    '!!binary ',
    '? ',
    '- ',
    ': ',
    '{',
    '}',
    '\n  ',
    'null',
    '1e999',
    '__proto__: 1\n',
    '*base',
  ],
  everyNth: 20,
  run(input) {
    try {
      parseGatewayConfig(input.toString('utf8'), 'fuzz.yaml');
    } catch (error) {
      if (!(error instanceof ConfigError)) throw error;
      assert.ok(error.problems.length > 0);
      for (const { line, column, message } of error.problems) assert.ok(line >= 1 && column >= 1 && message !== '');
    }
  },
};

const FLAGS = JSON.stringify({
  version: 2,
  features: [
    {
      ...{ name: 'orders.get', type: 'release', enabled: true },
      strategies: [
        {
          name: 'flexibleRollout',
          parameters: { rollout: '50', stickiness: 'userId', groupId: 'g' },
          constraints: [{ contextName: 'userId', operator: 'IN', values: ['a'] }],
          variants: [{ name: 'legacy', weight: 500, weightType: 'variable', stickiness: 'userId' }],
          segments: [1],
        },
      ],
      dependencies: [{ feature: 'other', enabled: true }],
    },
    { name: 'other', enabled: true, strategies: [{ name: 'userWithId', parameters: { userIds: 'a,b' } }] },
  ],
  segments: [{ id: 1, constraints: [] }],
});

const flags: FuzzTarget = {
  name: 'flags',
  seeds: [FLAGS, '{"features":[]}'],
  tokens: ['null', '[]', '{}', '"constraints":', '-1', '1e999', 'true', '"strategies":null,', '"__proto__":'],
  run(input) {
    let file: FeatureFile;
    try {
      file = parseFeatureFile(input.toString('utf8'));
    } catch (error) {
      assert.ok(error instanceof SyntaxError || /^not a feature file: /.test((error as Error).message), String(error));
      return;
    }
    const source = new FeatureSource();
    source.replace(file);
    const isEnabled = createEvaluator(source, { appName: 'banyan' });
    for (const feature of file.features) {
      assert.equal(typeof isEnabled(feature.name, 'a'), 'boolean');
      const percent = rolloutPercent(feature);
      assert.ok(percent >= 0 && percent <= 100, `${percent} %`);
      handMade(feature, 'g');
    }
  },
};

export const TEXT_TARGETS: readonly FuzzTarget[] = [routes, config, flags];

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { childPath } from '../../../config/compare-path.ts';
import { parseCompare, withRules } from '../../../config/compare-rules.ts';
import type { CompareConfig } from '../../../config/gateway-schema.ts';
import { parseGatewayConfig } from '../../../config/load-gateway.ts';
import { exportYaml } from '../../../gateway/cli/rules-export.ts';
import { type CompiledRules, compileRules } from '../../../gateway/mirror/rules.ts';
import { aCompareConfig, LEAST_CONFIG, REVIEWED } from '../../helpers/gateway-config.ts';

/** The `compare` blocks of an export, read as part of a configuration. */
function readBack(exported: string): CompareConfig[] {
  const routes = exported.replace(/^ {4}compare:/gm, '    match: { methods: [GET], path: /x }\n    compare:');
  const { routes: _none, ...rest } = { ...LEAST_CONFIG, routes: [] };
  const head = Object.entries(rest).map(([key, value]) => `${key}: ${JSON.stringify(value)}`);
  return parseGatewayConfig(`${head.join('\n')}\n${routes}\n`, 'banyan.yaml').routes.map(({ compare }) => compare);
}

const text = fc.string({ unit: 'binary', minLength: 1, maxLength: 20 });
const step = fc.oneof(
  fc.string({ minLength: 1, maxLength: 8 }).map((name) => (at: string) => childPath(at, name)),
  fc.constantFrom('[*]', '[?id]').map((members) => (at: string) => at + members),
);
const path = fc.array(step, { maxLength: 4 }).map((steps) => steps.reduce((at, go) => go(at), '$'));
const reviewed = fc.record(
  {
    reason: text,
    owner: text,
    expires: fc.constantFrom('2026-02-01', '2026-12-31'),
    status: fc.constantFrom('2xx', '4xx'),
  },
  { requiredKeys: ['reason', 'owner'] },
);
const rule = fc.oneof(
  fc.record({ kind: fc.constant('ignore'), path, more: fc.constant({}), reviewed }),
  fc.record({
    kind: fc.constant('normalise'),
    path,
    more: fc.record({ as: fc.constantFrom('number', 'timestamp') }),
    reviewed,
  }),
  fc.record({ kind: fc.constant('arrays'), path, more: fc.record({ key: text }), reviewed }),
);

describe('exported rules', () => {
  it('are the same rules when they are read from the configuration, whatever their texts', () => {
    fc.assert(
      fc.property(fc.array(rule, { maxLength: 6 }), fc.array(path, { maxLength: 3 }), (rules, critical) => {
        const lists: Record<string, object[]> = { ignore: [], normalise: [], arrays: [] };
        for (const each of rules) lists[each.kind]?.push({ path: each.path, ...each.more, ...each.reviewed });
        const compare = parseCompare({ ...lists, critical });
        const made = rules.map(({ kind, reviewed: { reason } }) => ({
          kind,
          createdBy: reason,
          createdAt: '2026-01-01',
          permanent: reason,
        }));
        assert.deepEqual(readBack(exportYaml([{ id: 'a.route', compare, made }])), [compare]);
      }),
      { numRuns: 300 },
    );
  });

  for (const owner of ['trading\u00a0', '\u2003', 'trading\n', '\n\n']) {
    it(`whose last text ends in ${JSON.stringify(owner)} keep it`, () => {
      const compare = aCompareConfig({ ignore: [{ path: '$.a', reason: 'known', owner }] });
      assert.deepEqual(readBack(exportYaml([{ id: 'a.route', compare, made: [] }])), [compare]);
    });
  }

  it('compile to what is in force: the rules that operators made before those that stand there', () => {
    const own = aCompareConfig({
      headers: [],
      normalise: [{ path: '$.price', as: 'timestamp', ...REVIEWED }],
      critical: ['$.price'],
    });
    const compare = withRules(own, [
      { kind: 'normalise', rule: { path: '$.price', as: 'number', ...REVIEWED } },
      { kind: 'arrays', rule: { path: '$.fills', key: 'id', ...REVIEWED } },
      { kind: 'ignore', rule: { path: '$.fills[*].fee', ...REVIEWED } },
    ]);
    const [read] = readBack(exportYaml([{ id: 'a.route', compare, made: [] }]));
    const scope = { today: '2026-01-05', statusClass: 2 };
    const [before, after] = [compare, read ?? own].map((block) => compileRules(block, scope));
    const places = (rules: CompiledRules | undefined) => {
      const fills = rules?.root.child('fills', null);
      return [rules?.root, rules?.root.child('price', null), fills, fills?.member(null).child('fee', null)];
    };
    assert.deepEqual(
      places(after).map((place) => place?.rules),
      places(before).map((place) => place?.rules),
    );
    assert.equal(places(after)[1]?.rules.normalise, 'number');
    assert.deepEqual(places(after)[2]?.rules.array, { key: 'id', unordered: false });
    assert.equal(places(after)[3]?.rules.ignored, '$.fills[*].fee');
    assert.deepEqual(after?.headers, []);
  });

  it('say who made each, and leave out what is the default', () => {
    const compare = aCompareConfig({ ignore: [{ path: '$.fee', expires: '2026-02-01', ...REVIEWED }] });
    const made = [{ kind: 'ignore', createdBy: 'ops', createdAt: '2026-01-05T10:00:00.000Z', permanent: null }];
    assert.equal(
      exportYaml([{ id: 'a.route', compare, made }]),
      `# Rules in force, operators' own among them. Each block takes the place of its route's compare block;
# once the configuration is read, the operators' rules can be removed (banyan rules remove).

routes:
  - id: a.route
    compare:
      ignore:
        # made by ops on 2026-01-05
        - path: $.fee
          reason: known
          owner: trading
          expires: 2026-02-01`,
    );
  });
});

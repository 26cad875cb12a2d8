import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { type PathStep, parseComparePath } from '../../../config/compare-path.ts';
import type { Json } from '../../../gateway/mirror/json.ts';
import { parseJson } from '../../../gateway/mirror/json.ts';
import { type BodyRule, Spot } from '../../../gateway/mirror/spot.ts';
import { names } from '../../helpers/json-documents.ts';

/** A place given as its steps: a name, or `[]` for a member of an array, or `[key]` for a keyed one. */
type Step = { readonly name: string } | { readonly key: string | undefined };
const below = (from: Spot, steps: readonly Step[], values: readonly Json[] = []): Spot =>
  steps.reduce((at, step, i) => {
    const value = values[i] ?? null;
    return 'name' in step ? at.child(step.name, value) : at.member(value, step.key);
  }, from);
const printed = (steps: readonly Step[]) => below(Spot.root([]), steps).path;

const steps: fc.Arbitrary<Step[]> = fc.array(
  fc.oneof(
    { weight: 3, arbitrary: names.map((name) => ({ name })) },
    { weight: 1, arbitrary: fc.constantFrom(undefined, 'id', 'order_id').map((key) => ({ key })) },
  ),
  { maxLength: 5 },
);

function stepsOf(path: string): readonly PathStep[] {
  const parsed = parseComparePath(path);
  return parsed.part === 'body' ? parsed.steps : assert.fail(`${path} is no path in a body`);
}
/** Whether a rule selects the place, and whether it covers it: an ignored place is so with all below it. */
function selection(rule: readonly PathStep[], place: readonly Step[], values?: readonly Json[]) {
  const effects: BodyRule[] = [
    { steps: rule, effect: { kind: 'ignore', name: 'it' } },
    { steps: rule, effect: { kind: 'normalise', as: 'number' } },
  ];
  const { rules } = below(Spot.root(effects), place, values);
  return { at: rules.normalise === 'number', below: rules.ignored === 'it' };
}

describe('printing a place', () => {
  const rows: readonly (readonly [steps: readonly Step[], path: string])[] = [
    [[], '$'],
    [[{ name: 'a' }, { name: 'b' }], '$.a.b'],
    [[{ name: 'orders' }, { key: undefined }, { name: 'fee' }], '$.orders[*].fee'],
    [[{ name: 'orders' }, { key: 'order_id' }, { name: 'fee' }], '$.orders[?order_id].fee'],
    [[{ key: undefined }, { key: undefined }], '$[*][*]'],
    [[{ name: 'odd name' }, { name: "it's" }, { name: 'a\\b' }], "$['odd name']['it\\'s']['a\\\\b']"],
    [[{ name: '' }, { name: '*' }, { name: '0' }], "$['']['*']['0']"],
  ];
  for (const [given, path] of rows) {
    test(path, () => assert.equal(printed(given), path));
  }

  test('any place, then a path that a rule can use and that selects this place', () => {
    fc.assert(
      fc.property(steps, (given) => {
        assert.equal(selection(stepsOf(printed(given)), given).at, true);
      }),
      { numRuns: 500 },
    );
  });

  test('two different places, then two different paths, keyed members apart', () => {
    fc.assert(
      fc.property(steps, steps, (a, b) => {
        assert.equal(printed(a) === printed(b), JSON.stringify(a) === JSON.stringify(b));
      }),
      { numRuns: 500 },
    );
  });
});

describe('selecting', () => {
  const fee = [{ name: 'orders' }, { key: 'order_id' }, { name: 'fee' }];
  const rows: readonly (readonly [path: string, at: boolean, below: boolean])[] = [
    ['$', false, true],
    ['$.orders', false, true],
    ['$.orders[*]', false, true],
    ['$.orders[*].fee', true, true],
    ['$.orders[?order_id].fee', true, true],
    ['$.orders.*.fee', true, true],
    ['$.*.*.*', true, true],
    ['$..fee', true, true],
    ['$..orders', false, true],
    ['$..orders..fee', true, true],
    ['$.orders..*', true, true],
    ['$..*', true, true],
    ['$.fee', false, false],
    ['$.orders.fee', false, false],
    ['$.orders[*].fee.x', false, false],
    ['$..fee.x', false, false],
    ['$..fe', false, false],
    ['$.Orders[*].fee', false, false],
    ['$.*.*.*.*', false, false],
  ];
  for (const [path, at, isBelow] of rows) {
    test(`${path} ${at ? 'selects' : isBelow ? 'is above' : 'has nothing to do with'} $.orders[?order_id].fee`, () => {
      assert.deepEqual(selection(stepsOf(path), fee), { at, below: isBelow });
    });
  }

  test('a rule for $ alone selects the document only, and covers everything below', () => {
    assert.deepEqual(selection([], []), { at: true, below: true });
    assert.deepEqual(selection([], fee), { at: false, below: true });
  });

  test('a name like a wildcard is a name; several names are any of them', () => {
    assert.equal(selection(stepsOf("$['*']"), [{ name: 'a' }]).at, false);
    assert.equal(selection(stepsOf("$['*']"), [{ name: '*' }]).at, true);
    assert.equal(selection(stepsOf("$['a','b'].c"), [{ name: 'b' }, { name: 'c' }]).at, true);
    assert.equal(selection(stepsOf("$['a','b'].c"), [{ name: 'c' }, { name: 'c' }]).at, false);
  });

  const selectors = fc.oneof(
    fc.constant({ kind: 'any' } as const),
    fc.constantFrom('a', 'b', 'c').map((name) => ({ kind: 'name', name }) as const),
  );
  const ruleSteps = fc.array(
    fc.record({ selectors: fc.array(selectors, { minLength: 1, maxLength: 2 }), deep: fc.boolean() }),
    { maxLength: 4 },
  );
  const shortPlaces = fc.array(fc.oneof(fc.constantFrom('a', 'b', 'c'), fc.constant(undefined)), { maxLength: 5 });

  test('any rule and place, then as the same rule written as a regular expression says', () => {
    fc.assert(
      fc.property(ruleSteps, shortPlaces, (rule, parts) => {
        const place = parts.map((name) => (name === undefined ? { key: undefined } : { name }));
        const text = parts.map((name) => `/${name ?? '#'}`).join('');
        const pattern = rule
          .map(({ selectors, deep }) => {
            const alternatives = selectors.map((each) => (each.kind === 'any' ? '[^/]+' : each.name));
            return `${deep ? '(?:/[^/]+)*' : ''}/(?:${alternatives.join('|')})`;
          })
          .join('');
        assert.deepEqual(selection(rule, place), {
          at: new RegExp(`^${pattern}$`).test(text),
          below: new RegExp(`^${pattern}(?:/[^/]+)*$`).test(text),
        });
      }),
      { numRuns: 2_000 },
    );
  });

  const filters: readonly (readonly [filter: string, member: string, passes: boolean])[] = [
    ["@.side == 'BUY'", '{"side":"BUY"}', true],
    ["@.side == 'BUY'", '{"side":"SELL"}', false],
    ["@.side == 'BUY'", '{}', false],
    ["@.side != 'BUY'", '{}', true],
    ['@.a', '{"a":null}', true],
    ['!@.a', '{"a":null}', false],
    ["@.a && @.b == 'x'", '{"a":1,"b":"x"}', true],
    ["@.a && @.b == 'x' || @.c", '{"c":0}', true],
    ["@.a && (@.b == 'x' || @.c)", '{"c":0}', false],
    ['@.n > 9007199254740992', '{"n":9007199254740993}', true],
    ['@.n == 1', '{"n":1.0}', true],
    ['@.n == 1', '{"n":"1"}', false],
    ['@.n <= 0.1', '{"n":1e-1}', true],
    ['@.n < -1', '{"n":-1e400}', true],
    ["@.t >= '2026'", '{"t":"2026-01-05"}', true],
    ['@.flag == true', '{"flag":true}', true],
    ['@.x == null', '{"x":null}', true],
    ['@.x == null', '{}', false],
    ['@.x == @.y', '{}', true],
    ['@.x == @.y', '{"x":{"a":[1,2],"b":1},"y":{"b":1.0,"a":[1,2]}}', true],
    ["@['odd name'][-1] == 2", '{"odd name":[1,2]}', true],
    ['@[0] == 65000', '[65000,1]', true],
    ["@ == 'x'", '"x"', true],
    ["'x' == @", '"y"', false],
  ];
  for (const [filter, member, passes] of filters) {
    test(`[?${filter}] ${passes ? 'lets' : 'does not let'} ${member} through`, () => {
      const rule = stepsOf(`$.fills[?${filter}].fee`);
      const place = [{ name: 'fills' }, { key: undefined }, { name: 'fee' }];
      assert.equal(selection(rule, place, [null, parseJson(member)]).at, passes);
    });
  }

  test('endless member names, then still the same answers, and no more places are kept than some', () => {
    const root = Spot.root([{ steps: stepsOf('$.debug'), effect: { kind: 'ignore', name: 'it' } }]);
    const debug = root.child('debug', null);
    for (let i = 0; i < 5_000; i++) assert.equal(debug.child(`name-${i}`, null).rules.ignored, 'it');
    assert.equal(debug.child('name-0', null), debug.child('name-0', null));
    assert.notEqual(debug.child('name-4999', null), debug.child('name-4999', null));
  });
});

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { type PathStep, parseComparePath } from '../../../config/compare-path.ts';
import { child, member, type Place, printPlace, selects } from '../../../gateway/mirror/path.ts';
import { names } from '../../helpers/json-documents.ts';

/** A place given as its steps: a name, or `[]` for a member of an array, or `[key]` for a keyed one. */
type Step = { readonly name: string } | { readonly key: string | undefined };
const placeOf = (steps: readonly Step[]): Place =>
  steps.reduce<Place>((at, step) => ('name' in step ? child(at, step.name) : member(at, step.key)), undefined);

const steps: fc.Arbitrary<Step[]> = fc.array(
  fc.oneof(
    { weight: 3, arbitrary: names.map((name) => ({ name })) },
    { weight: 1, arbitrary: fc.constantFrom(undefined, 'id', 'order_id').map((key) => ({ key })) },
  ),
  { maxLength: 5 },
);

function stepsOf(path: string): readonly PathStep[] {
  const parsed = parseComparePath(path);
  return parsed?.part === 'body' ? parsed.steps : assert.fail(`${path} is no path in a body`);
}
const covers = (path: string, place: Place, below = false) => selects(stepsOf(path), place, below);

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
    test(path, () => assert.equal(printPlace(placeOf(given)), path));
  }

  test('any place, then a path that a rule can use and that selects this place', () => {
    fc.assert(
      fc.property(steps, (given) => {
        assert.equal(covers(printPlace(placeOf(given)), placeOf(given)), true);
      }),
      { numRuns: 500 },
    );
  });

  test('two different places, then two different paths, keyed members apart', () => {
    fc.assert(
      fc.property(steps, steps, (a, b) => {
        assert.equal(printPlace(placeOf(a)) === printPlace(placeOf(b)), JSON.stringify(a) === JSON.stringify(b));
      }),
      { numRuns: 500 },
    );
  });
});

describe('selecting', () => {
  const fee = placeOf([{ name: 'orders' }, { key: 'order_id' }, { name: 'fee' }]);
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
  for (const [path, at, below] of rows) {
    test(`${path} ${at ? 'selects' : below ? 'is above' : 'has nothing to do with'} $.orders[?order_id].fee`, () => {
      assert.equal(covers(path, fee), at);
      assert.equal(covers(path, fee, true), below);
    });
  }

  test('a rule for $ alone selects the document only, and covers everything below', () => {
    assert.equal(covers('$', undefined), true);
    assert.equal(covers('$', fee), false);
    assert.equal(covers('$', fee, true), true);
  });

  test('a name like a wildcard is a name', () => {
    assert.equal(covers("$['*']", placeOf([{ name: 'a' }])), false);
    assert.equal(covers("$['*']", placeOf([{ name: '*' }])), true);
  });

  const ruleSteps = fc.array(
    fc.record({ name: fc.constantFrom('a', 'b', 'c'), any: fc.boolean(), deep: fc.boolean() }),
    { maxLength: 4 },
  );
  const shortPlaces = fc.array(fc.oneof(fc.constantFrom('a', 'b', 'c'), fc.constant(undefined)), { maxLength: 5 });

  test('any rule and place, then as the same rule written as a regular expression says', () => {
    fc.assert(
      fc.property(ruleSteps, shortPlaces, fc.boolean(), (rule, parts, below) => {
        const place = placeOf(parts.map((name) => (name === undefined ? { key: undefined } : { name })));
        const text = parts.map((name) => `/${name ?? '#'}`).join('');
        const pattern = rule
          .map(({ name, any, deep }) => `${deep ? '(?:/[^/]+)*' : ''}/${any ? '[^/]+' : name}`)
          .join('');
        const expected = new RegExp(`^${pattern}${below ? '(?:/[^/]+)*' : ''}$`).test(text);
        assert.equal(selects(rule, place, below), expected);
      }),
      { numRuns: 2_000 },
    );
  });
});

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { childPath, comparePathProblem, parseComparePath } from '../../config/compare-path.ts';
import { names } from '../helpers/json-documents.ts';

const oneOf = (texts: readonly string[], deep = false) => ({
  selectors: texts.map((text) => ({ kind: 'name', name: text })),
  deep,
});
const name = (text: string, deep = false) => oneOf([text], deep);
const any = (deep = false) => ({ selectors: [{ kind: 'any' }], deep });

describe('compare path', () => {
  test('status and header: the name is lower case, as fields are compared', () => {
    assert.deepEqual(parseComparePath('status'), { part: 'status' });
    assert.deepEqual(parseComparePath('header:Content-Type'), { part: 'header', name: 'content-type' });
    assert.deepEqual(parseComparePath('header:x'), { part: 'header', name: 'x' });
  });

  const paths: readonly (readonly [string, readonly object[]])[] = [
    ['$', []],
    ['$.a', [name('a')]],
    ['$.a.b_1-c', [name('a'), name('b_1-c')]],
    ['$.größe', [name('größe')]],
    ['$.*', [any()]],
    ['$.fills[*].fee', [name('fills'), any(), name('fee')]],
    ['$.orders[?order_id].status', [name('orders'), any(), name('status')]],
    ['$..price', [name('price', true)]],
    ['$..*', [any(true)]],
    ['$..[*]', [any(true)]],
    ["$..['a b']", [name('a b', true)]],
    ["$['a.b']", [name('a.b')]],
    ['$["a.b"]', [name('a.b')]],
    ["$['it\\'s']", [name("it's")]],
    ["$['*']", [name('*')]],
    ["$['']", [name('')]],
    ["$['a','b c', \"d\"].x", [oneOf(['a', 'b c', 'd']), name('x')]],
    ["$..[ 'a' , * ]", [{ selectors: [{ kind: 'name', name: 'a' }, { kind: 'any' }], deep: true }]],
    ["$['\\u0041\\n']", [name('A\n')]],
  ];
  for (const [text, steps] of paths) {
    test(`${text} is a path of ${steps.length} step(s)`, () => {
      assert.deepEqual(parseComparePath(text), { part: 'body', steps });
      assert.equal(comparePathProblem(text), undefined);
    });
  }

  test('lines of a body', () => assert.deepEqual(parseComparePath('body:line[*]'), { part: 'line' }));

  test('a filter: what it is made of', () => {
    const query = (...names: (string | number)[]) => ({ query: names });
    const filterOf = (text: string) => {
      const path = parseComparePath(`$.fills[?${text}].fee`);
      const selector = path.part === 'body' ? path.steps[1]?.selectors[0] : undefined;
      return selector?.kind === 'filter' ? selector.filter : assert.fail(`${text} is no filter`);
    };
    assert.deepEqual(filterOf("@.side=='BUY'"), { op: '==', sides: [query('side'), { literal: 'BUY' }] });
    assert.deepEqual(filterOf('@.a'), { op: 'exists', query: ['a'] });
    assert.deepEqual(filterOf("(@['a b'][0] >= 1.50)"), { op: '>=', sides: [query('a b', 0), { number: '1.50' }] });
    assert.deepEqual(filterOf("@['0'] < null"), { op: '<', sides: [query('0'), { literal: null }] });
    assert.deepEqual(filterOf('! @.a && @.b || @.c'), {
      op: 'or',
      of: [
        {
          op: 'and',
          of: [
            { op: 'not', of: { op: 'exists', query: ['a'] } },
            { op: 'exists', query: ['b'] },
          ],
        },
        { op: 'exists', query: ['c'] },
      ],
    });
  });

  const position = /members are not told apart by position: write \[\*\] for all, or \[\?@\.side == 'BUY'\] for some/;
  const shapes = /expected "status", "header:NAME", "body:line\[\*\]" or a path such as /;
  const wrong: readonly (readonly [string, RegExp])[] = [
    ...['', 'a', '.a', 'Status', 'header', 'header:', 'header:a b', ' $', 'body:line[1]'].map(
      (text) => [text, shapes] as const,
    ),
    ...['$.', '$.a.', '$...a', '$.0'].map((text) => [text, /expected a name, \* or \[/] as const),
    ...['$a', '$.a b', '$ '].map(
      (text) => [text, /expected \. or \[ \(other names are written \['like this'\]\)/] as const,
    ),
    ...['$[0]', '$.fills[0].fee', '$[-1]', '$[0:2]', '$[:2]'].map((text) => [text, position] as const),
    ...['$[', '$[]', '$[a]', "$['a]", '$["a\']'].map(
      (text) => [text, /expected \*, a name in quotes or a filter/] as const,
    ),
    ["$['a'", /expected "]" at character 6/],
    ['$.a[?]', /expected @, a text in quotes, a number, true, false or null/],
    ['$.a[?$.b]', /a filter sees the member only: begin with @ instead of \$/],
    ['$.a[?length(@.b) > 1]', /length\(\) is not known here: compare with ==/],
    ['$.a[?@.b[*] == 1]', /a filter compares single values: write every name on the way/],
    ['$.a[?@..b]', /a filter compares single values/],
    ["$.a[?'x']", /expected ==, !=, <, <=, > or >=/],
    ['$.a[?(@.b]', /expected "\)"/],
    [`$[?${'('.repeat(50)}@${')'.repeat(50)}]`, /nested too deeply/],
    [`$[?${'!'.repeat(50_000)}@]`, /nested too deeply/],
  ];
  for (const [text, problem] of wrong) {
    test(`${JSON.stringify(text.slice(0, 40))} is no path, and it says what to write`, () => {
      assert.match(comparePathProblem(text) ?? '', problem);
      assert.throws(() => parseComparePath(text), problem);
    });
  }

  test('the printed path of any members names parses back to exactly those names', () => {
    fc.assert(
      fc.property(fc.array(names, { maxLength: 5 }), (members) => {
        const path = members.reduce(childPath, '$');
        assert.deepEqual(parseComparePath(path), { part: 'body', steps: members.map((text) => name(text)) });
      }),
    );
  });

  test('any text is a path or none, quickly and without throwing', () => {
    const pieces = fc.constantFrom(
      '$',
      '.',
      '..',
      '[',
      ']',
      '*',
      "'",
      '"',
      '\\',
      '?',
      '@',
      '==',
      '(',
      '!',
      ',',
      'a',
      '0',
      ' ',
      'header:',
      'status',
    );
    fc.assert(
      fc.property(fc.array(pieces, { maxLength: 12 }), (parts) => {
        const problem = comparePathProblem(parts.join(''));
        if (problem === undefined) parseComparePath(parts.join(''));
        else assert.notEqual(problem, '');
      }),
    );
  });
});

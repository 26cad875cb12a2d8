import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { childPath, isComparePath, parseComparePath } from '../../config/compare-path.ts';
import { names } from '../helpers/json-documents.ts';

const name = (text: string, deep = false) => ({ name: text, any: false, deep });
const any = (deep = false) => ({ name: '*', any: true, deep });

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
  ];
  for (const [text, steps] of paths) {
    test(`${text} is a path of ${steps.length} step(s)`, () => {
      assert.deepEqual(parseComparePath(text), { part: 'body', steps });
      assert.equal(isComparePath(text), true);
    });
  }

  const wrong = [
    '',
    'a',
    '.a',
    'Status',
    'header',
    'header:',
    'header:a b',
    '$.',
    '$a',
    '$.a b',
    '$.a.',
    '$...a',
    '$[',
  ];
  const wrongBrackets = [
    '$[]',
    '$[a]',
    '$[0]',
    '$.fills[0].fee',
    '$[-1]',
    '$[0:2]',
    '$[?(@.a)]',
    "$['a]",
    '$["a\']',
    '$.a[?]',
    '$.0',
    ' $',
    '$ ',
  ];
  for (const text of [...wrong, ...wrongBrackets]) {
    test(`${JSON.stringify(text)} is no path`, () => {
      assert.equal(parseComparePath(text), undefined);
      assert.equal(isComparePath(text), false);
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
      'a',
      '0',
      ' ',
      'header:',
      'status',
    );
    fc.assert(
      fc.property(fc.array(pieces, { maxLength: 12 }), (parts) => {
        assert.equal(isComparePath(parts.join('')), parseComparePath(parts.join('')) !== undefined);
      }),
    );
  });
});

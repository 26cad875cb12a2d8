import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { matchingPath, originForm } from '../../../gateway/routing/target.ts';

describe('origin form', () => {
  const rows: readonly (readonly [target: string, origin: string | undefined])[] = [
    ['/', '/'],
    ['/a?b#c', '/a?b#c'],
    ['/a/../%2e//x', '/a/../%2e//x'],
    ['//host/a', '//host/a'],
    ['http://host', '/'],
    ['http://host/', '/'],
    ['http://host:80/a%20b?c=d', '/a%20b?c=d'],
    ['HtTpS://host/a', '/a'],
    ['http://host?q=/x', '/?q=/x'],
    ['http://host?q=http://other/y', '/?q=http://other/y'],
    ['http://host#f', '/#f'],
    ['http://host//a', '//a'],
    ['*', undefined],
    ['host:443', undefined],
    ['ftp://host/a', undefined],
    ['', undefined],
    ['a/b', undefined],
  ];
  for (const [target, origin] of rows) {
    test(`${JSON.stringify(target)} is ${origin ?? 'none'}`, () => {
      assert.equal(originForm(target), origin);
    });
  }

  test('any path after any authority, then the path untouched', () => {
    fc.assert(
      fc.property(fc.webAuthority(), fc.string({ maxLength: 30 }), (authority, rest) => {
        assert.equal(originForm(`http://${authority}/${rest}`), `/${rest}`);
        assert.equal(originForm(`/${rest}`), `/${rest}`);
      }),
    );
  });
});

describe('matching path', () => {
  const rows: readonly (readonly [target: string, path: string | undefined])[] = [
    ['/a/b', '/a/b'],
    ['/a/b/', '/a/b/'],
    ['/a?b=/c', '/a'],
    ['/a#b', '/a'],
    ['/a?b#c', '/a'],
    ['/%61%2D%7e', '/a-~'],
    ['/%2f%3f%c3%a9', '/%2F%3F%C3%A9'],
    ['/%252e%252e/a', '/%252e%252e/a'],
    ['/%zz/%', '/%25zz/%25'],
    ['/%%61%61', '/%25aa'],
    ['/a/./b', '/a/b'],
    ['/a/.', '/a/'],
    ['/a/..', '/'],
    ['/a/b/..', '/a/'],
    ['/..', '/'],
    ['/../../a', '/a'],
    ['/a/.../b', '/a/.../b'],
    ['/a/.b/..c', '/a/.b/..c'],
    ['//', '/'],
    ['//a///b//', '/a/b/'],
    ['/a//../b', '/a/b'],
    ['http://host', '/'],
    ['*', undefined],
  ];
  for (const [target, path] of rows) {
    test(`${target} is matched as ${path ?? 'nothing'}`, () => {
      assert.equal(matchingPath(target), path);
    });
  }

  const pieces = fc.constantFrom('/', '/', '.', '..', '%2e', '%2E', '%2F', '%61', '%', '%25', 'a', 'b', '?', '#', ';');
  const targets = fc.array(pieces, { maxLength: 14 }).map((parts) => `/${parts.join('')}`);

  test('normalising is idempotent, and what it leaves is a path', () => {
    fc.assert(
      fc.property(targets, (target) => {
        const path = matchingPath(target) ?? assert.fail();
        assert.equal(matchingPath(path), path);
        assert.ok(path.startsWith('/'));
        assert.ok(!path.includes('//') && !/[?#]/.test(path), path);
        assert.ok(!path.split('/').some((segment) => segment === '.' || segment === '..'), path);
      }),
      { numRuns: 2_000 },
    );
  });

  test('a path without doubled slashes is what the URL standard makes of it, apart from decoding', () => {
    const simple = fc.array(fc.constantFrom('.', '..', 'a', 'b', '.a', 'a.', '%2e', '%2E.', '%2f'), { maxLength: 8 });
    fc.assert(
      fc.property(simple, fc.boolean(), (segments, slash) => {
        const target = `/${segments.join('/')}${slash && segments.length > 0 ? '/' : ''}`;
        const standard = new URL(target, 'http://host').pathname.replace(/%2f/gi, '%2F');
        assert.equal(matchingPath(target), standard);
      }),
      { numRuns: 1_000 },
    );
  });

  test('every way of encoding unreserved characters is matched alike', () => {
    const character = fc.constantFrom(...'abzAZ09-_~');
    const encoded = fc.tuple(character, fc.constantFrom('plain', 'lower', 'upper'));
    fc.assert(
      fc.property(fc.array(encoded, { minLength: 1, maxLength: 12 }), (characters) => {
        const plain = characters.map(([text]) => text).join('');
        const spelled = characters.map(([text, how]) => {
          const hex = text.charCodeAt(0).toString(16);
          if (how === 'plain') return text;
          return `%${how === 'upper' ? hex.toUpperCase() : hex}`;
        });
        assert.equal(matchingPath(`/${spelled.join('')}`), `/${plain}`);
      }),
    );
  });
});

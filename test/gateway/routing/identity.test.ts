import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { compileIdentity } from '../../../gateway/routing/identity.ts';

const ADDRESS = '192.0.2.7';
const read = (sources: readonly string[], headers: readonly string[]) => compileIdentity(sources)(headers, ADDRESS);
const SOURCES = ['header:X-User-Id', 'cookie:sid', 'address'];

describe('identity', () => {
  test('several sources have one, then the first in the configuration, whatever the order of the fields', () => {
    assert.equal(read(SOURCES, ['Cookie', 'sid=c', 'x-uSER-iD', 'u']), 'u');
    assert.equal(read(SOURCES.toReversed(), ['Cookie', 'sid=c', 'X-User-Id', 'u']), ADDRESS);
    assert.equal(read(['cookie:sid', 'header:x-user-id'], ['X-User-Id', 'u', 'Cookie', 'sid=c']), 'c');
  });

  test('the first source is missing or empty, then the next', () => {
    assert.equal(read(SOURCES, ['Cookie', 'sid=c']), 'c');
    assert.equal(read(SOURCES, ['X-User-Id', '', 'Cookie', 'sid=c']), 'c');
    assert.equal(read(SOURCES, ['Cookie', 'sid=; other=x']), ADDRESS);
    assert.equal(read(SOURCES, []), ADDRESS);
  });

  test('the field is there twice, then the first of them', () => {
    assert.equal(read(SOURCES, ['X-User-Id', 'first', 'X-User-Id', 'second']), 'first');
  });

  const cookies: readonly (readonly [field: string, identity: string])[] = [
    ['sid=a', 'a'],
    ['x=1; sid=a; y=2', 'a'],
    ['x=1;sid=a', 'a'],
    ['  sid = a ', 'a'],
    ['sid=a=b==', 'a=b=='],
    ['sid=a; sid=b', 'a'],
    ['xsid=1; sidx=2', ADDRESS],
    ['SID=a', ADDRESS],
    ['sid', ADDRESS],
    ['=sid', ADDRESS],
    [';;;', ADDRESS],
    ['', ADDRESS],
  ];
  for (const [field, identity] of cookies) {
    test(`cookie ${JSON.stringify(field)}, then ${identity}`, () => {
      assert.equal(read(SOURCES, ['Cookie', field]), identity);
    });
  }

  test('no configured source has one, then the address all the same: nobody is left out of a rollout', () => {
    assert.equal(read(['header:x-user-id'], []), ADDRESS);
    assert.equal(read(['cookie:sid'], ['X-User-Id', 'u']), ADDRESS);
  });

  test('not even an address (the client is gone), then still one that can be hashed', () => {
    assert.equal(compileIdentity(SOURCES)([], undefined), 'unknown');
  });

  test('a very long identity is cut, and stays the same for the same user', () => {
    const long = 'x'.repeat(10_000);
    assert.equal(read(SOURCES, ['X-User-Id', long]), 'x'.repeat(256));
    assert.equal(read(SOURCES, ['Cookie', `sid=${long}`]), 'x'.repeat(256));
  });

  test('any fields at all, then a bounded identity that is never empty, the same every time', () => {
    const pairs = fc
      .array(fc.tuple(fc.constantFrom('Cookie', 'X-User-Id', 'x-other'), fc.string({ maxLength: 40 })), {
        maxLength: 5,
      })
      .map((fields) => fields.flat());
    fc.assert(
      fc.property(pairs, (headers) => {
        const identity = read(SOURCES, headers);
        assert.ok(identity.length > 0 && identity.length <= 256);
        assert.equal(read(SOURCES, headers), identity);
      }),
    );
  });
});

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import type { CompareConfig } from '../../../config/gateway-schema.ts';
import { compareBodies } from '../../../gateway/mirror/compare-body.ts';
import { compileRules } from '../../../gateway/mirror/rules.ts';
import { aCompareConfig, REVIEWED } from '../../helpers/gateway-config.ts';
import { documents, writeAnyhow } from '../../helpers/json-documents.ts';

type Content = readonly [type: string, body: string | Buffer];

function found(legacy: Content, fresh: Content, config: CompareConfig = aCompareConfig()): string[] {
  const [a, b] = [legacy, fresh].map(([contentType, body]) => ({ contentType, bytes: Buffer.from(body as string) }));
  if (!a || !b) throw new Error('two bodies');
  return compareBodies(a, b, compileRules(config, { today: '2026-01-05', statusClass: 2 })).map(
    ({ kind, path, at, rule }) => `${kind} ${path} at ${at}${rule === undefined ? '' : ' (ignored)'}`,
  );
}
const both = (type: string, legacy: string, fresh: string, config?: CompareConfig) =>
  found([type, legacy], [type, fresh], config);

function isSubsequence(part: readonly string[], whole: readonly string[]): boolean {
  let at = 0;
  for (const each of whole) if (each === part[at]) at++;
  return at === part.length;
}

describe('JSON, line by line', () => {
  const types = ['application/x-ndjson', 'application/jsonl', 'application/json-lines', 'text/x-ndjson; charset=utf-8'];
  for (const type of types) {
    test(`${type}, then the lines are the members of a list`, () => {
      assert.deepEqual(both(type, '{"a":1}\n{"a":2}\n', '{ "a":1}\r\n\n{"a":2}'), []);
      assert.deepEqual(both(type, '{"a":1}\n{"a":2}', '{"a":1}\n{"a":3}'), ['changed $[*].a at /1/a']);
      assert.deepEqual(both(type, '{"a":1}\n{"a":2}', '{"a":2}\n{"a":1}'), ['order $ at ']);
      assert.deepEqual(both(type, '1\n2', '1'), ['length $ at ']);
    });
  }

  test('rules for the list $ hold', () => {
    const keyed = aCompareConfig({ arrays: [{ path: '$', key: 'id', unordered: true, ...REVIEWED }] });
    assert.deepEqual(both('application/x-ndjson', '{"id":1}\n{"id":2,"v":1}', '{"id":2,"v":2}\n{"id":1}', keyed), [
      'changed $[?id].v at /1/v',
    ]);
  });

  test('a line of blanks that are none in JSON, then the body is no document', () => {
    assert.deepEqual(both('application/x-ndjson', '{}\n\u00a0\n', '{}\n'), ['type $ at ']);
  });

  test('a line that is no JSON, then the body is no document', () => {
    assert.deepEqual(both('application/x-ndjson', '1\noops', '1\n2'), ['type $ at ']);
    assert.deepEqual(both('application/x-ndjson', '1\noops', '1\nouch'), ['changed $ at ']);
  });
});

describe('forms', () => {
  const form = (legacy: string, fresh: string, config?: CompareConfig) =>
    both('application/x-www-form-urlencoded', legacy, fresh, config);

  test('escapes that are not UTF-8, then different bytes are different', () => {
    assert.deepEqual(form('a=%ff', 'a=%fe'), ['changed $ at ']);
    assert.deepEqual(form('a=%ff', 'a=%EF%BF%BD'), ['type $ at ']);
  });

  test('fields in another order and other escapes, then the same', () => {
    assert.deepEqual(form('a=1&b=x+y%20z', 'b=x%20y+%7A&a=1'), []);
  });

  test('another value, one more, one less, then each at its name', () => {
    assert.deepEqual(form('a=1&b=2', 'a=9&c=3'), ['changed $.a at /a', 'missing $.b at /b', 'extra $.c at /c']);
  });

  test('several values of a name, then a list of them on both sides', () => {
    assert.deepEqual(form('a=1&b=&a=2', 'a=1&a=2&b='), []);
    assert.deepEqual(form('a=1&a=2', 'a=2&a=1'), ['order $.a at /a']);
    assert.deepEqual(form('a=1&a=2', 'a=1'), ['length $.a at /a']);
  });

  test('rules hold for fields', () => {
    const rules = aCompareConfig({ normalise: [{ path: '$.price', as: 'number', ...REVIEWED }] });
    assert.deepEqual(form('price=1.0', 'price=1.00', rules), []);
  });
});

describe('text by lines', () => {
  const lines = (legacy: string, fresh: string, config?: CompareConfig) =>
    both('application/xml', legacy, fresh, config);

  const rows: readonly (readonly [what: string, legacy: string, fresh: string, found: readonly string[]])[] = [
    ['other line ends, and none at the end', 'a\r\nb\r\n', 'a\nb', []],
    ['a line changed', 'a\nb\nc', 'a\nB\nc', ['changed body:line[*] at 2']],
    ['a line more', 'a\nc', 'a\nb\nc', ['extra body:line[*] at 2']],
    ['a line less', 'a\nb\nc', 'a\nc', ['missing body:line[*] at 2']],
    ['two places', 'a\nb\nc\nd\ne', 'x\nb\nc\ne', ['changed body:line[*] at 1', 'missing body:line[*] at 4']],
    ['lines in another order', 'a\nb\nc', 'b\na\nc', ['order body:line[*] at 1']],
    ['nothing and something', '', 'a', ['extra body:line[*] at 1']],
  ];
  for (const [what, legacy, fresh, expected] of rows) {
    test(`${what}: ${expected.join(', ') || 'the same'}`, () => assert.deepEqual(lines(legacy, fresh), expected));
  }

  test('rules for body:line[*] and for $ hold for lines', () => {
    for (const path of ['body:line[*]', '$']) {
      const rules = aCompareConfig({ ignore: [{ path, ...REVIEWED }] });
      assert.deepEqual(lines('a', 'b', rules), ['changed body:line[*] at 1 (ignored)']);
    }
  });

  test('a line that cannot be is critical: `$` and `body:line[*]` say so', () => {
    const rules = compileRules(aCompareConfig({ critical: ['body:line[*]'] }), { today: '2026-01-05', statusClass: 2 });
    const [a, b] = ['a', 'b'].map((text) => ({ contentType: 'text/plain', bytes: Buffer.from(text) }));
    assert.equal(a && b && compareBodies(a, b, rules)[0]?.critical, true);
  });

  test('any two texts, then the lines that are left over make the one out of the other', () => {
    const texts = fc.array(fc.constantFrom('a', 'b', 'c', 'dd'), { maxLength: 12 });
    fc.assert(
      fc.property(texts, texts, (a, b) => {
        const differences = lines(a.join('\n'), b.join('\n'));
        assert.equal(differences.length === 0, a.join('\n') === b.join('\n'));
        if (differences.some((each) => each.startsWith('order'))) {
          assert.deepEqual(a.toSorted(), b.toSorted());
          return;
        }
        const count = (kind: string) => differences.filter((each) => each.startsWith(kind)).length;
        assert.equal(a.length - count('missing') + count('extra'), b.length);
        // What is told of neither is common to both, in one order.
        const told = (kinds: readonly string[]) =>
          new Set(
            differences
              .filter((each) => kinds.includes(each.split(' ')[0] ?? ''))
              .map((each) => Number(each.split(' at ')[1]) - 1),
          );
        const kept = a.filter((_, index) => !told(['changed', 'missing']).has(index));
        assert.ok(isSubsequence(kept, b), `${kept} of ${b}`);
      }),
      { numRuns: 2_000 },
    );
  });

  test('texts that share nothing, however long, then no more than the limit, in bounded time', () => {
    const text = (prefix: string) => Array.from({ length: 50_000 }, (_, i) => `${prefix}${i}`).join('\n');
    assert.equal(lines(text('a'), text('b')).length, 200);
  });
});

describe('other bodies', () => {
  test('bytes, then by what they are, whatever charset is claimed', () => {
    const png = Buffer.from([0x89, 0x50, 0xff, 0x00]);
    assert.deepEqual(found(['image/png', png], ['image/png; charset=latin1', png]), []);
    assert.deepEqual(found(['image/png', png], ['image/png', Buffer.from([1])]), ['changed $ at ']);
  });

  test('JSON and something else, then another type', () => {
    assert.deepEqual(found(['application/json', '{}'], ['text/html', '{}x']), ['type $ at ']);
  });
});

describe('charsets', () => {
  const german = { utf8: Buffer.from('{"name":"Größe"}'), latin1: Buffer.from('{"name":"Größe"}', 'latin1') };

  test('the same text in two charsets, then the same; in the wrong one, then not', () => {
    const latin: Content = ['application/json; charset=ISO-8859-1', german.latin1];
    assert.deepEqual(found(latin, ['application/json', german.utf8]), []);
    assert.deepEqual(found(['text/plain; charset="iso-8859-1"', german.latin1], ['text/plain', german.utf8]), []);
    assert.deepEqual(found(['application/json', german.latin1], ['application/json', german.utf8]), ['type $ at ']);
  });

  test('the same bytes in two charsets that read them differently, then not the same', () => {
    assert.deepEqual(found(['text/plain; charset=iso-8859-1', german.utf8], ['text/plain', german.utf8]), [
      'changed body:line[*] at 1',
    ]);
  });

  test('a charset that nobody knows, then the bytes', () => {
    assert.deepEqual(found(['text/plain; charset=x-none', 'a'], ['text/plain; charset=x-none', 'b']), [
      'changed $ at ',
    ]);
  });
});

describe('equal in', () => {
  test('any document in any type and spelling, then nothing out', () => {
    const types = [
      'application/json',
      'application/problem+json',
      'application/x-ndjson',
      'text/plain',
      'image/png',
      '',
    ];
    fc.assert(
      fc.property(documents, fc.constantFrom(...types), fc.integer(), (document, type, seed) => {
        const text = writeAnyhow(document, seed).replaceAll(/[\r\n]/g, ' ');
        assert.deepEqual(both(type, text, text), []);
        if (/json/.test(type))
          assert.deepEqual(both(type, text, writeAnyhow(document, seed + 1).replaceAll(/[\r\n]/g, ' ')), []);
      }),
      { numRuns: 500 },
    );
  });
});

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { runInNewContext } from 'node:vm';
import fc from 'fast-check';
import { type Json, JsonNumber, parseJson } from '../../../gateway/mirror/json.ts';
import { documents, numberTexts, write, writeAnyhow } from '../../helpers/json-documents.ts';

/** What JSON.parse would have made of it: numbers as doubles, objects without a prototype's meaning. */
function toPlain(value: Json): unknown {
  if (value instanceof JsonNumber) return Number(value.text);
  if (Array.isArray(value)) return value.map(toPlain);
  if (value instanceof Map) return new Map([...value].map(([name, item]) => [name, toPlain(item)]));
  return value;
}

/**
 * What JSON.parse answers, objects as maps so that `__proto__` is compared too; 'refused' where it throws. Each text
 * with escapes is read in a context of its own: V8 14.6 (Node 26.10) misreads an escaped member name once an object with
 * a name that begins with a backslash has been parsed (`{"id":1,"\\\\":2}`, then `{"id":1,"\\u0061":2}`).
 */
function standard(text: string): unknown {
  const parse = text.includes('\\') ? (runInNewContext('JSON.parse') as typeof JSON.parse) : JSON.parse;
  const convert = (value: unknown): unknown => {
    if (Array.isArray(value)) return Array.from(value, convert);
    if (typeof value !== 'object' || value === null) return value;
    return new Map(Object.entries(value).map(([name, item]) => [name, convert(item)]));
  };
  try {
    return { value: convert(parse(text)) };
  } catch {
    return 'refused';
  }
}

function ours(text: string): unknown {
  try {
    const value = parseJson(text);
    fc.pre(!hasBackslashName(value)); // Even one context misreads what follows within the same text.
    return { value: toPlain(value) };
  } catch (error) {
    if (error instanceof SyntaxError) return 'refused';
    throw error;
  }
}

function hasBackslashName(value: Json): boolean {
  if (Array.isArray(value)) return value.some(hasBackslashName);
  if (!(value instanceof Map)) return false;
  return [...value].some(([name, item]) => name.startsWith('\\') || hasBackslashName(item));
}

describe('numbers', () => {
  test('64-bit ids, 30 digits, long fractions, exponents, then exactly as written', () => {
    for (const text of [
      '9007199254740993',
      '18446744073709551615',
      '123456789012345678901234567890',
      '-0.100000000000000000000000000001',
      '1.0',
      '-0',
      '1e400',
      '1E-400',
      '0.10',
    ]) {
      assert.deepEqual(parseJson(text), new JsonNumber(text));
      assert.deepEqual(parseJson(` [ ${text} ] `), [new JsonNumber(text)]);
    }
  });

  test('any number, then its text survives', () => {
    fc.assert(fc.property(numberTexts, (text) => assert.deepEqual(parseJson(text), new JsonNumber(text))));
  });

  for (const text of ['01', '+1', '.5', '1.', '-', '1e', '1e+', '0x1', '1_0', 'NaN', 'Infinity', '--1', '1 2']) {
    test(`${text} is none`, () => {
      assert.throws(() => parseJson(text), SyntaxError);
    });
  }
});

describe('documents', () => {
  test('any value that JSON.stringify writes, then JSON.parse and we read the same', () => {
    fc.assert(
      fc.property(fc.json({ maxDepth: 5, noUnicodeString: false }), (text) => {
        assert.deepEqual(ours(text), standard(text));
      }),
      { numRuns: 500 },
    );
  });

  test('any document in any spelling, then the same value; written plainly, the same text', () => {
    fc.assert(
      fc.property(documents, fc.integer(), (document, seed) => {
        assert.deepEqual(parseJson(write(document)), document);
        assert.equal(write(parseJson(write(document))), write(document));
        assert.deepEqual(sorted(parseJson(writeAnyhow(document, seed))), sorted(document));
      }),
      { numRuns: 500 },
    );
  });

  test('text damaged anywhere, then refused exactly where JSON.parse refuses, and read alike otherwise', () => {
    const damage = fc.oneof(
      fc.constantFrom(...'{}[]",:\\ \t\n\r\u0000\u001f\u007f\u00a0\u2028\ufeff0123456789-+.eEtrufalsn/u'),
      fc.constantFrom('\\u12', '\\x', '\\u00zz', 'nul', 'tru', '\\ud800', "'"),
    );
    const position = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true });
    fc.assert(
      fc.property(
        documents,
        fc.integer(),
        fc.array(fc.tuple(position, fc.nat(2), damage), { maxLength: 3 }),
        (document, seed, hits) => {
          let text = writeAnyhow(document, seed);
          for (const [where, removed, added] of hits) {
            const at = Math.floor(where * text.length);
            text = text.slice(0, at) + added + text.slice(at + removed);
          }
          assert.deepEqual(ours(text), standard(text));
        },
      ),
      { numRuns: 1_500 },
    );
  });

  test('text of random JSON characters, then refused exactly where JSON.parse refuses', () => {
    const characters = fc.constantFrom(
      '{',
      '}',
      '[',
      ']',
      '"',
      ',',
      ':',
      '\\',
      ' ',
      '\n',
      '0',
      '1',
      '-',
      '.',
      'e',
      'null',
      'true',
      'a',
    );
    fc.assert(
      fc.property(fc.array(characters, { maxLength: 10 }), (parts) => {
        const text = parts.join('');
        assert.deepEqual(ours(text), standard(text));
      }),
      { numRuns: 3_000 },
    );
  });

  for (const text of [
    '',
    ' ',
    '\ufeff1',
    '{"a":1,}',
    '[1,]',
    '[,1]',
    '{,}',
    '{"a"}',
    '{a:1}',
    "{'a':1}",
    '"\t"',
    '"\\',
    '"a',
    '[',
    '{',
    '// x\n1',
    '1//',
    '\u00a01',
    '\v1',
    'nulll',
    'True',
  ]) {
    test(`${JSON.stringify(text)} is refused, with the place`, () => {
      assert.throws(() => parseJson(text), SyntaxError);
      assert.throws(() => JSON.parse(text), SyntaxError);
    });
  }

  test('the error names what was expected and where', () => {
    assert.throws(() => parseJson('{"a" 1}'), { message: 'expected ":" at character 5' });
    assert.throws(() => parseJson('[1 2]'), { message: 'expected "," or "]" at character 3' });
    assert.throws(() => parseJson('1 2'), { message: 'expected the end at character 2' });
  });
});

describe('members', () => {
  test('__proto__ and its like, then ordinary members', () => {
    const parsed = parseJson('{"__proto__":{"polluted":true},"constructor":1}');
    assert.ok(parsed instanceof Map);
    assert.deepEqual([...parsed.keys()], ['__proto__', 'constructor']);
    assert.equal(({} as { polluted?: boolean }).polluted, undefined);
  });

  test('a name that begins with a backslash came before, then escaped names are still read as they are', () => {
    const first = parseJson('{"id":1,"\\\\":2}');
    assert.deepEqual(first instanceof Map && [...first.keys()], ['id', '\\']);
    const second = parseJson('{"id":1,"\\u0061":2}');
    assert.deepEqual(second instanceof Map && [...second.keys()], ['id', 'a']);
  });

  test('a name twice, then the last value counts, however its name is spelled', () => {
    assert.deepEqual(
      parseJson('{"a":1,"b":2,"\\u0061":3}'),
      new Map([
        ['a', new JsonNumber('3')],
        ['b', new JsonNumber('2')],
      ]),
    );
  });
});

describe('depth', () => {
  const nested = (depth: number) => '['.repeat(depth) + ']'.repeat(depth);
  test('two hundred levels, then read', () => {
    assert.ok(Array.isArray(parseJson(nested(200))));
  });
  test('deeper, then refused before the stack is', () => {
    assert.throws(() => parseJson(nested(202)), { name: 'SyntaxError', message: 'nested deeper than 200' });
    assert.throws(() => parseJson('{"a":'.repeat(100_000)), SyntaxError);
    assert.throws(() => parseJson('['.repeat(1_000_000)), SyntaxError);
  });
});

/** Members by name at every level: spelling a document anyhow puts them in any order. */
function sorted(value: Json): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (!(value instanceof Map)) return value;
  const members = [...value].map(([name, item]) => [name, sorted(item)] as const);
  return members.sort(([a], [b]) => (a < b ? -1 : 1));
}

// Targets of comparing: the parser of JSON, the comparer that reads bytes, and the one that reads documents.
import assert from 'node:assert/strict';
import { compareBodies } from '../../gateway/mirror/compare-body.ts';
import { compareJson } from '../../gateway/mirror/compare-json.ts';
import { DEPTH_MAX, type Json, parseJson, writeJson } from '../../gateway/mirror/json.ts';
import { compileRules } from '../../gateway/mirror/rules.ts';
import { aCompareConfig, REVIEWED } from '../helpers/gateway-config.ts';
import type { FuzzTarget } from './fuzz.ts';

const TOKENS = [
  'null',
  'true',
  '[]',
  '{}',
  '"',
  '\\u0000',
  '\\ud800',
  '-0',
  '1e400',
  '1.0',
  '"1.00"',
  '__proto__',
  ',',
  ':',
  '[[[[',
];
const DOCUMENTS = [
  '{"id":"7","price":"1.50","fills":[{"fee":0.1,"at":"2026-01-05T10:00:00Z"},{"fee":2}],"open":true,"note":null}',
  '[1,-0.5e+10,"\\u00e9\\n",{"a":{"a":[]}},12345678901234567890]',
  ' { "a" : 1 , "a" : 2 } ',
];

function parsedOr<T>(parse: () => T): T | undefined {
  try {
    return parse();
  } catch (error) {
    assert.ok(error instanceof SyntaxError, String(error));
    return undefined;
  }
}

const json: FuzzTarget = {
  name: 'json',
  seeds: DOCUMENTS,
  tokens: TOKENS,
  run(input) {
    const text = input.toString('utf8');
    const ours = parsedOr(() => parseJson(text));
    const theirs: unknown = parsedOr(() => JSON.parse(text) as unknown);
    const depth = text.split(/[[{]/).length;
    if (depth <= DEPTH_MAX)
      assert.equal(ours === undefined, theirs === undefined, 'the two parsers take the same texts');
    if (ours !== undefined) assert.deepEqual(JSON.parse(writeJson(ours)), theirs);
  },
};

const RULES = [
  aCompareConfig(),
  aCompareConfig({
    ignore: [{ path: '$..at', ...REVIEWED }],
    arrays: [{ path: '$.fills', unordered: true, ...REVIEWED }],
  }),
].map((config) => compileRules(config, { today: '2026-01-05', statusClass: 2 }));

const bodyOf = (bytes: Uint8Array, contentType: string) => ({ bytes, contentType });

const compare: FuzzTarget = {
  name: 'compare',
  seeds: DOCUMENTS.flatMap((text) => [`${text}\u0000${text}`, `${text}\u0000${DOCUMENTS[0]}`]),
  tokens: [...TOKENS, '\u0000', '\n'],
  run(input, random) {
    const cut = input.indexOf(0);
    const [a, b] = cut < 0 ? [input, input] : [input.subarray(0, cut), input.subarray(cut + 1)];
    const types = ['application/json', 'application/x-ndjson', 'application/x-www-form-urlencoded', 'text/plain'];
    const type = random() < 0.7 ? 'application/json' : (types[Math.floor(random() * types.length)] ?? '');
    for (const rules of RULES) {
      // Equal to a copy of itself, and to itself with blanks around it, which has to be read.
      assert.deepEqual(compareBodies(bodyOf(a, type), bodyOf(Buffer.from(a), type), rules), []);
      const there = compareBodies(bodyOf(a, type), bodyOf(b, type), rules);
      const back = compareBodies(bodyOf(b, type), bodyOf(a, type), rules);
      assert.equal(there.length === 0, back.length === 0, 'whichever side answered which');
      if (type === 'application/json') assertAsParsed(a, b, { rules, isSame: there.length === 0 });
    }
  },
};

/** The comparer of bytes and that of documents say the same of texts that are JSON. */
function assertAsParsed(
  a: Buffer,
  b: Buffer,
  { rules, isSame }: { rules: (typeof RULES)[number]; isSame: boolean },
): void {
  const utf8 = new TextDecoder('utf-8', { fatal: true });
  const read = (bytes: Buffer): Json | undefined => {
    try {
      return parseJson(utf8.decode(bytes));
    } catch {
      return undefined;
    }
  };
  const [left, right] = [read(a), read(b)];
  if (left === undefined || right === undefined) return;
  assert.equal(isSame, compareJson(left, right, rules.root).length === 0, 'bytes and documents compare alike');
}

export const COMPARE_TARGETS: readonly FuzzTarget[] = [json, compare];

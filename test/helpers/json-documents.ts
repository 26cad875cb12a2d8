// Arbitrary JSON documents for property tests, and the many ways in which one document can be spelled.
import fc from 'fast-check';
import { type Json, JsonNumber } from '../../gateway/mirror/json.ts';

const wholeNumbers = fc.bigInt(-(10n ** 30n), 10n ** 30n).map((value) => `${value}`);
const fractions = fc
  .tuple(wholeNumbers, fc.stringMatching(/^[0-9]{1,20}$/), fc.option(fc.integer({ min: -400, max: 400 })))
  .map(([whole, fraction, exponent]) => `${whole}.${fraction}${exponent === null ? '' : `e${exponent}`}`);
/** Texts of JSON numbers, most of them beyond what a double can hold. */
export const numberTexts = fc.oneof(fc.integer().map(String), wholeNumbers, fractions, fc.constant('-0'));

const texts = fc.oneof(fc.string({ maxLength: 8 }), fc.string({ unit: 'binary', maxLength: 4 }));
/** Member names: the plain, the awkward and the dangerous. */
export const names = fc.oneof(
  { weight: 4, arbitrary: fc.constantFrom('id', 'price', 'orders', 'a', 'b', 'c_1') },
  { weight: 1, arbitrary: fc.constantFrom('__proto__', 'constructor', '', "it's", 'x.y', '[*]', '*', '\\', '$', '0') },
  { weight: 1, arbitrary: fc.string({ maxLength: 5 }) },
);

const leaves: fc.Arbitrary<Json> = fc.oneof(
  fc.constant(null),
  fc.boolean(),
  texts,
  numberTexts.map((text) => new JsonNumber(text)),
);

/** Any document, not deep and not long. */
export const documents: fc.Arbitrary<Json> = fc.letrec<{ node: Json }>((tie) => ({
  node: fc.oneof(
    { maxDepth: 4, depthSize: 'small' },
    leaves,
    fc.array(tie('node'), { maxLength: 5 }),
    fc
      .uniqueArray(fc.tuple(names, tie('node')), { maxLength: 5, selector: ([name]) => name })
      .map((members) => new Map(members)),
  ),
})).node;

/** A document as JSON.stringify would write it, numbers exact. */
export function write(value: Json): string {
  return spell(value, plainly);
}

/** A document in some spelling: members in any order, any blanks, any escapes. The same seed, the same spelling. */
export function writeAnyhow(value: Json, seed: number): string {
  return spell(value, anyhow(seed));
}

interface Spelling {
  blank(): string;
  shuffle<T>(items: readonly T[]): readonly T[];
  text(text: string): string;
}

const plainly: Spelling = { blank: () => '', shuffle: (items) => items, text: (text) => JSON.stringify(text) };

function anyhow(seed: number): Spelling {
  const random = createRandom(seed);
  const pick = <T>(items: readonly T[]): T => items[Math.floor(random() * items.length)] as T;
  return {
    blank: () => pick(['', '', ' ', '\n', '\t', '\r\n  ']),
    shuffle: (items) =>
      items
        .map((item) => ({ item, at: random() }))
        .sort((a, b) => a.at - b.at)
        .map(({ item }) => item),
    text(text) {
      return `"${[...text].map((character) => pick(spellingsOf(character))).join('')}"`;
    },
  };
}

const SHORT_ESCAPES: Readonly<Record<string, string>> = {
  '"': '\\"',
  '\\': '\\\\',
  '/': '\\/',
  '\b': '\\b',
  '\f': '\\f',
  '\n': '\\n',
  '\r': '\\r',
  '\t': '\\t',
};

/** Every way in which JSON lets a character be written; half a surrogate pair only escaped, since UTF-8 has none. */
function spellingsOf(character: string): string[] {
  const short = SHORT_ESCAPES[character];
  const isPlain = character >= ' ' && character !== '"' && character !== '\\' && character.isWellFormed();
  const units = Array.from({ length: character.length }, (_, index) =>
    character.charCodeAt(index).toString(16).padStart(4, '0'),
  );
  return [
    ...(isPlain ? [character, character] : []),
    ...(short === undefined ? [] : [short]),
    units.map((hex) => `\\u${hex}`).join(''),
    units.map((hex) => `\\u${hex.toUpperCase()}`).join(''),
  ];
}

function spell(value: Json, spelling: Spelling): string {
  const { blank } = spelling;
  const around = (text: string) => `${blank()}${text}${blank()}`;
  if (value instanceof JsonNumber) return around(value.text);
  if (typeof value === 'string') return around(spelling.text(value));
  if (Array.isArray(value)) return around(`[${value.map((item: Json) => spell(item, spelling)).join() || blank()}]`);
  if (value instanceof Map) {
    const members = spelling.shuffle([...value]);
    const written = members.map(([name, item]) => `${around(spelling.text(name))}:${spell(item, spelling)}`);
    return around(`{${written.join() || blank()}}`);
  }
  return around(String(value));
}

/** A small seeded generator (mulberry32), uniform in [0, 1). */
export function createRandom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

// JSON as comparing needs it: numbers keep the text they were written with (64-bit ids and 30-digit amounts survive),
// members keep any name (`__proto__` too), and nothing is guessed: what is not JSON (RFC 8259) is refused.

/** A number, exactly as it was written. */
export class JsonNumber {
  readonly text: string;

  constructor(text: string) {
    this.text = text;
  }
}

export type JsonObject = ReadonlyMap<string, Json>;
export type Json = null | boolean | string | JsonNumber | readonly Json[] | JsonObject;

/** Deeper documents are refused: no API answers them, and a hostile one must not exhaust the stack. */
export const DEPTH_MAX = 200;

const NUMBER = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/y;
const BLANK = /[ \t\n\r]*/y;
/** The part of a string without escapes; a control character ends it too, and is an error there. */
const PLAIN = /[ !#-[\]-\uffff]*/y;

/**
 * Parses a JSON text, which stands in `depth` lists and objects. Of members with the same name the last counts, as for every
 * reader in JavaScript. @throws {SyntaxError}
 */
export function parseJson(text: string, depth = 0): Json {
  return new Parser(text).document(depth);
}

/** The document as text again, numbers letter for letter. */
export function writeJson(value: Json): string {
  if (value instanceof JsonNumber) return value.text;
  if (typeof value === 'string') return JSON.stringify(value);
  if (Array.isArray(value)) return `[${value.map(writeJson).join()}]`;
  if (!(value instanceof Map)) return JSON.stringify(value);
  return `{${[...value].map(([name, item]) => `${JSON.stringify(name)}:${writeJson(item)}`).join()}}`;
}

class Parser {
  readonly #text: string;
  #at = 0;

  constructor(text: string) {
    this.#text = text;
  }

  document(depth: number): Json {
    const value = this.#value(depth);
    this.#blank();
    if (this.#at < this.#text.length) throw this.#error('the end');
    return value;
  }

  #value(depth: number): Json {
    if (depth > DEPTH_MAX) throw new SyntaxError(`nested deeper than ${DEPTH_MAX}`);
    this.#blank();
    switch (this.#text.charCodeAt(this.#at)) {
      case 0x7b: // {
        return this.#object(depth);
      case 0x5b: // [
        return this.#array(depth);
      case 0x22: // "
        return this.#string();
      case 0x74: // t
        return this.#word('true', true);
      case 0x66: // f
        return this.#word('false', false);
      case 0x6e: // n
        return this.#word('null', null);
      default:
        return this.#number();
    }
  }

  #object(depth: number): JsonObject {
    const members = new Map<string, Json>();
    this.#at++;
    this.#blank();
    if (this.#take('}')) return members;
    for (;;) {
      this.#blank();
      if (this.#text[this.#at] !== '"') throw this.#error('a member name');
      const name = this.#string();
      this.#blank();
      if (!this.#take(':')) throw this.#error('":"');
      members.set(name, this.#value(depth + 1));
      this.#blank();
      if (this.#take('}')) return members;
      if (!this.#take(',')) throw this.#error('"," or "}"');
    }
  }

  #array(depth: number): Json[] {
    const items: Json[] = [];
    this.#at++;
    this.#blank();
    if (this.#take(']')) return items;
    for (;;) {
      items.push(this.#value(depth + 1));
      this.#blank();
      if (this.#take(']')) return items;
      if (!this.#take(',')) throw this.#error('"," or "]"');
    }
  }

  #string(): string {
    const start = this.#at;
    let end = this.#match(PLAIN, start + 1);
    if (this.#text[end] === '"') {
      this.#at = end + 1;
      return this.#text.slice(start + 1, end);
    }
    while (this.#text[end] === '\\') end = this.#match(PLAIN, end + 2);
    if (this.#text[end] !== '"') throw this.#error('the end of a string');
    this.#at = end + 1;
    return JSON.parse(this.#text.slice(start, end + 1)) as string; // Knows the escapes; refuses wrong ones.
  }

  #number(): JsonNumber {
    NUMBER.lastIndex = this.#at;
    const found = NUMBER.exec(this.#text);
    if (!found) throw this.#error('a value');
    this.#at = NUMBER.lastIndex;
    return new JsonNumber(found[0]);
  }

  #word<T extends Json>(word: string, value: T): T {
    if (!this.#text.startsWith(word, this.#at)) throw this.#error('a value');
    this.#at += word.length;
    return value;
  }

  #blank(): void {
    if (this.#text.charCodeAt(this.#at) <= 0x20) this.#at = this.#match(BLANK, this.#at);
  }

  #take(character: string): boolean {
    if (this.#text[this.#at] !== character) return false;
    this.#at++;
    return true;
  }

  /** Where the longest match of a sticky pattern that begins at `from` ends. */
  #match(pattern: RegExp, from: number): number {
    pattern.lastIndex = from;
    pattern.test(this.#text);
    return Math.max(pattern.lastIndex, from);
  }

  #error(expected: string): SyntaxError {
    return new SyntaxError(`expected ${expected} at character ${this.#at}`);
  }
}

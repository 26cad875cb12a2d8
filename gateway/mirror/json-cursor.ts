// A JSON text read byte by byte, without building what it says. Whatever is not plainly as RFC 8259 wants it, and all that
// would take more than a pass, gives up: a parser has the last word.
import { type Json, JsonNumber } from './json.ts';

/** Thrown from anywhere below; not an error, so that it costs nothing to make. */
export const GIVE_UP = Symbol('the documents have to be parsed');

export const QUOTE = 0x22;
const BACKSLASH = 0x5c;
export const COMMA = 0x2c;
export const COLON = 0x3a;
const MINUS = 0x2d;
const POINT = 0x2e;
const ZERO = 0x30;
const NINE = 0x39;
export const OPEN_ARRAY = 0x5b;
export const CLOSE_ARRAY = 0x5d;
export const OPEN_OBJECT = 0x7b;
export const CLOSE_OBJECT = 0x7d;
const WORDS: Readonly<Record<string, Json>> = { true: true, false: false, null: null };

/** One text, and how far it has been read. */
export class Cursor {
  readonly bytes: Buffer;
  at: number;

  constructor(bytes: Uint8Array) {
    this.bytes = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.at = bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf ? 3 : 0; // A byte order mark.
  }

  /** Skips blanks; answers the byte that comes next, 0 at the end. */
  peek(): number {
    const { bytes } = this;
    let byte = bytes[this.at] ?? 0;
    while (byte === 0x20 || byte === 0x0a || byte === 0x0d || byte === 0x09) byte = bytes[++this.at] ?? 0;
    return byte;
  }

  expect(byte: number): void {
    if (this.peek() !== byte) throw GIVE_UP;
    this.at++;
  }

  take(byte: number): boolean {
    if (this.peek() !== byte) return false;
    this.at++;
    return true;
  }

  /** Passes over a text in quotes; answers whether it has escapes. */
  skipText(): boolean {
    const { bytes } = this;
    let escaped = false;
    this.expect(QUOTE);
    for (let at = this.at; at < bytes.length; at++) {
      const byte = bytes[at] as number;
      if (byte === QUOTE) {
        this.at = at + 1;
        return escaped;
      }
      if (byte < 0x20) throw GIVE_UP;
      if (byte === BACKSLASH) {
        escaped = true;
        at++;
      }
    }
    throw GIVE_UP;
  }

  skipNumber(): void {
    if (this.bytes[this.at] === MINUS) this.at++;
    if (this.bytes[this.at] === 0x30) this.at++;
    else this.#skipDigits();
    if (this.bytes[this.at] === POINT) {
      this.at++;
      this.#skipDigits();
    }
    const byte = this.bytes[this.at];
    if (byte !== 0x65 && byte !== 0x45) return; // e, E
    this.at++;
    const sign = this.bytes[this.at];
    if (sign === MINUS || sign === 0x2b) this.at++;
    this.#skipDigits();
  }

  #skipDigits(): void {
    const { bytes } = this;
    const from = this.at;
    while ((bytes[this.at] ?? 0) >= 0x30 && (bytes[this.at] ?? 0) <= 0x39) this.at++;
    if (this.at === from) throw GIVE_UP;
  }

  skipWord(): void {
    const { bytes } = this;
    const from = this.at;
    while ((bytes[this.at] ?? 0) >= 0x61 && (bytes[this.at] ?? 0) <= 0x7a) this.at++;
    if (this.at === from) throw GIVE_UP;
  }

  /** Passes over a value roughly: what is skipped is walked afterwards, or gives up. */
  skipValue(): void {
    let depth = 0;
    do {
      const byte = this.peek();
      if (byte === QUOTE) this.skipText();
      else if (byte === OPEN_OBJECT || byte === OPEN_ARRAY) {
        depth++;
        this.at++;
      } else if (byte === CLOSE_OBJECT || byte === CLOSE_ARRAY) {
        depth--;
        this.at++;
      } else if (byte === COMMA || byte === COLON) this.at++;
      else skipLeaf(this, byte);
    } while (depth > 0);
  }

  /** Where an object that is written there has the value of this name, the last one of those there are. */
  memberOf(object: Written, name: string): Written | undefined {
    let found: Written | undefined;
    const { at } = this;
    this.at = object.from + 1;
    if (this.peek() !== CLOSE_OBJECT) {
      do {
        this.peek();
        const from = this.at;
        this.skipText();
        const isMeant = this.text(from, this.at) === name;
        this.expect(COLON);
        this.peek();
        const value = this.at;
        this.skipValue();
        if (isMeant) found = { from: value, to: this.at };
      } while (this.take(COMMA));
    }
    this.at = at;
    return found;
  }

  /** The text that is written in quotes from here to there. */
  text(from: number, to: number): string {
    const written = this.bytes.toString('utf8', from, to);
    if (!written.includes('\\')) return written.slice(1, -1);
    try {
      return JSON.parse(written) as string; // Knows the escapes; refuses wrong ones.
    } catch {
      throw GIVE_UP;
    }
  }

  isNull({ from, to }: Written): boolean {
    return to - from === 4 && this.bytes.toString('latin1', from, to) === 'null';
  }

  /** The single value that is written from here to there. */
  leaf(from: number, to: number): Json {
    const byte = this.bytes[from];
    if (byte === QUOTE) return this.text(from, to);
    if (byte !== undefined && isDigit(byte)) return new JsonNumber(this.bytes.toString('latin1', from, to));
    const written = this.bytes.toString('latin1', from, to);
    if (Object.hasOwn(WORDS, written)) return WORDS[written] ?? null;
    throw GIVE_UP;
  }
}

export function isOpening(byte: number): boolean {
  return byte === OPEN_OBJECT || byte === OPEN_ARRAY;
}

export function isDigit(byte: number): boolean {
  return byte === MINUS || (byte >= 0x30 && byte <= 0x39);
}

/** Passes over a text, a number or a word. */
export function skipLeaf(cursor: Cursor, first: number): void {
  if (first === QUOTE) cursor.skipText();
  else if (isDigit(first)) cursor.skipNumber();
  else cursor.skipWord();
}

/** Passes over a text without escapes, if both sides have the same one; else over nothing. */
export function isSamePlainText(left: Cursor, right: Cursor): boolean {
  const [a, b] = [left.bytes, right.bytes];
  let [i, j] = [left.at, right.at];
  if (a[i] !== QUOTE || b[j] !== QUOTE) return false;
  for (;;) {
    const byte = a[++i];
    if (byte === undefined || byte !== b[++j] || byte === BACKSLASH || byte < 0x20) return false;
    if (byte === QUOTE) break;
  }
  left.at = i + 1;
  right.at = j + 1;
  return true;
}

/** Whether a name is written twice in the object whose members begin at `start`. */
export function hasTwice(cursor: Cursor, start: number, name: string): boolean {
  const end = cursor.at;
  let count = 0;
  cursor.at = start;
  do {
    cursor.peek();
    const from = cursor.at;
    cursor.skipText();
    if (cursor.text(from, cursor.at) === name) count++;
    cursor.expect(COLON);
    cursor.skipValue();
  } while (cursor.take(COMMA));
  cursor.at = end;
  return count > 1;
}

/** Where something is written. */
export interface Written {
  readonly from: number;
  readonly to: number;
}

/** Whether what is written there stands here too, from `from` on. */
export function isSameWritten(there: Uint8Array, written: Written, here: Uint8Array, from: number): boolean {
  for (let i = written.from, j = from; i < written.to; i++, j++) if (there[i] !== here[j]) return false;
  return true;
}

export function isSameSpelling(left: Cursor, a: Written, right: Cursor, b: Written): boolean {
  return a.to - a.from === b.to - b.from && isSameWritten(left.bytes, a, right.bytes, b.from);
}

/**
 * Whether two numbers, in quotes or not, have the same digits but for zeros behind the point; false says nothing. What
 * `isSameDecimal` does for texts, without making any.
 */
export function isSameButForZeros(left: Cursor, a: Written, right: Cursor, b: Written): boolean {
  let [i, j] = [a.from, b.from];
  if (left.bytes[i] === QUOTE) i++;
  if (right.bytes[j] === QUOTE) j++;
  if (left.bytes[i] === MINUS && right.bytes[j] === MINUS) {
    i++;
    j++;
  }
  let digits = 0;
  let points = 0;
  for (let byte = left.bytes[i]; byte === right.bytes[j]; byte = left.bytes[i]) {
    if (byte === POINT) points++;
    else if (byte !== undefined && byte >= ZERO && byte <= NINE) digits++;
    else break;
    i++;
    j++;
  }
  return digits > 0 && points < 2 && isZeroTail(left, i, a.to, points) && isZeroTail(right, j, b.to, points);
}

/** Whether nothing follows but zeros behind a point, and a quote where one began. */
function isZeroTail({ bytes }: Cursor, from: number, to: number, points: number): boolean {
  let at = from;
  const end = bytes[to - 1] === QUOTE ? to - 1 : to;
  if (points === 0 && at < end && bytes[at++] !== POINT) return false;
  while (at < end) if (bytes[at++] !== ZERO) return false;
  return true;
}

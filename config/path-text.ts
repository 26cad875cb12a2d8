// The text of a path as it is read, from one character to the next, and what is wrong with it.

/** A path that cannot be used; the message says what to write instead. */
export class PathProblem extends Error {}

const NUMBER = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/y;
const QUOTED = /'(?:[^'\\]|\\[\s\S])*'|"(?:[^"\\]|\\[\s\S])*"/y;
const NAME = /[A-Za-z_\u0080-\uffff][\w\u0080-\uffff-]*/y;
const BLANK = /[ \t\n\r]*/y;
const ESCAPE = /\\(?:u([0-9A-Fa-f]{4})|([\s\S]))/g;
const ESCAPED: Readonly<Record<string, string>> = { b: '\b', f: '\f', n: '\n', r: '\r', t: '\t' };

export class PathText {
  readonly #text: string;
  #at: number;

  constructor(text: string, at: number) {
    this.#text = text;
    this.#at = at;
  }

  get isAtEnd(): boolean {
    return this.#at >= this.#text.length;
  }

  /** Takes what is written next, if it is this. */
  take(wanted: string): boolean {
    if (!this.#text.startsWith(wanted, this.#at)) return false;
    this.#at += wanted.length;
    return true;
  }

  expect(wanted: string): void {
    if (!this.take(wanted)) throw this.problem(`expected "${wanted}"`);
  }

  /** What a sticky pattern finds next; undefined without taking anything when it finds nothing. */
  match(pattern: RegExp): string | undefined {
    pattern.lastIndex = this.#at;
    const found = pattern.exec(this.#text)?.[0];
    if (found !== undefined) this.#at += found.length;
    return found;
  }

  blank(): void {
    this.match(BLANK);
  }

  /** A member name in its short form: RFC 9535 section 2.5.1, and `-`, which many names have. */
  name(): string | undefined {
    return this.match(NAME);
  }

  number(): string | undefined {
    return this.match(NUMBER);
  }

  /** A text in single or double quotes, its escapes undone (RFC 9535 section 2.3.1). */
  quoted(): string | undefined {
    return this.match(QUOTED)
      ?.slice(1, -1)
      .replace(ESCAPE, (_, hex: string | undefined, letter = '') =>
        hex === undefined ? (ESCAPED[letter] ?? letter) : String.fromCharCode(Number.parseInt(hex, 16)),
      );
  }

  problem(message: string): PathProblem {
    return new PathProblem(`${message} at character ${this.#at + 1}`);
  }
}

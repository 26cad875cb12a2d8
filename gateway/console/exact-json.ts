// Reads JSON without losing anything that it says: numbers stay as they were written, and names that stand twice stay
// twice. Only to show it: nothing is computed from it.

export type ExactNode =
  | { readonly kind: 'object'; readonly members: readonly (readonly [name: string, value: ExactNode])[] }
  | { readonly kind: 'array'; readonly members: readonly ExactNode[] }
  /** A number, string, literal: as it was written. */
  | { readonly kind: 'scalar'; readonly text: string };

/** Deeper documents are shown as the text that they are. */
const DEPTH_MAX = 200;

const SPACE = /[ \t\r\n]*/y;
/** A scalar whose end was cut off. */
const BEGUN = /"(?:[^"\\]|\\.)*\\?$|[a-z]+$|-$/y;
const SCALAR = /"(?:[^"\\]|\\.)*"|-?\d[\d.eE+-]*|true|false|null/y;

/** What a text ends with whose rest was not kept (mirror/redact.ts). */
const CUT = '…';

/** The document, or undefined when the text is none. One that was cut is read as far as it goes. */
export function readExact(given: string): ExactNode | undefined {
  const isCut = given.endsWith(CUT);
  const text = isCut ? given.slice(0, -CUT.length) : given;
  let at = 0;
  /** Here the kept part ends, and with it all that is open. */
  const isCutHere = (): boolean => {
    take(SPACE);
    return isCut && at === text.length;
  };
  const take = (pattern: RegExp): string | undefined => {
    pattern.lastIndex = at;
    const found = pattern.exec(text)?.[0];
    if (found !== undefined) at += found.length;
    return found;
  };
  const scalar = () => take(SCALAR) ?? (isCut ? take(BEGUN) : undefined);
  const skip = (mark: string): boolean => {
    take(SPACE);
    if (text[at] !== mark) return false;
    at++;
    return true;
  };

  /** Members up to the closing mark, or undefined when they are not well formed. */
  function members<Member>(closing: string, one: () => Member | undefined): Member[] | undefined {
    const found: Member[] = [];
    if (skip(closing)) return found;
    do {
      const member = one();
      if (member === undefined) return isCutHere() ? found : undefined;
      found.push(member);
    } while (skip(','));
    return skip(closing) || isCutHere() ? found : undefined;
  }

  function node(depth: number): ExactNode | undefined {
    if (depth > DEPTH_MAX) return undefined;
    if (skip('{')) {
      const found = members('}', () => {
        take(SPACE);
        const name = scalar();
        if (!name?.startsWith('"') || !skip(':')) return undefined;
        const value = node(depth + 1);
        return value && ([nameOf(name), value] as const);
      });
      return found && { kind: 'object', members: found };
    }
    if (skip('[')) {
      const found = members(']', () => node(depth + 1));
      return found && { kind: 'array', members: found };
    }
    if (isCutHere()) return { kind: 'scalar', text: CUT };
    const text = scalar();
    if (text === undefined) return undefined;
    return { kind: 'scalar', text: isCutHere() ? text + CUT : text };
  }

  const root = node(0);
  take(SPACE);
  return at === text.length ? root : undefined;
}

function nameOf(quoted: string): string {
  try {
    return String(JSON.parse(quoted));
  } catch {
    return quoted.slice(1, -1);
  }
}

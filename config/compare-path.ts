// The paths that rules and differences speak of: `status`, `header:NAME`, or a JSONPath (RFC 9535) of the kind that
// names places rather than computes: child names, indices, wildcards, descendants, and `[?key]` for a keyed array.

/** One step of a path: a name, any member, a keyed member, or (with `deep`) the same at any depth below. */
export interface PathStep {
  /** The member's name, or `*` with `any`. */
  readonly name: string;
  readonly any: boolean;
  readonly deep: boolean;
}

export type ComparePath =
  | { readonly part: 'status' }
  | { readonly part: 'header'; readonly name: string }
  | { readonly part: 'body'; readonly steps: readonly PathStep[] };

const STEP =
  /(?:(\.\.)|\.)(?:(\*)|([A-Za-z_\u0080-\uffff][\w\u0080-\uffff-]*))|(\.\.)?\[(?:(\*)|\?([\w.-]+)|'((?:[^'\\]|\\.)*)'|"((?:[^"\\]|\\.)*)")\]/y;
const HEADER = /^header:([!#$%&'*+.^_`|~0-9A-Za-z-]+)$/;

/** Parses a path, or answers undefined when the text is none. */
export function parseComparePath(text: string): ComparePath | undefined {
  if (text === 'status') return { part: 'status' };
  const header = HEADER.exec(text)?.[1];
  if (header) return { part: 'header', name: header.toLowerCase() };
  if (text[0] !== '$') return undefined;
  const steps: PathStep[] = [];
  STEP.lastIndex = 1;
  while (STEP.lastIndex < text.length) {
    const found = STEP.exec(text);
    if (!found) return undefined;
    const [, dotsDot, starDot, name, dotsBracket, star, key, single, double] = found;
    const any = Boolean(starDot ?? star ?? key);
    const quoted = single ?? double;
    steps.push({
      // A key selects members of an array; differences are counted per array, not per member.
      name: any ? '*' : (name ?? quoted?.replace(/\\(.)/g, '$1') ?? ''),
      any,
      deep: Boolean(dotsDot ?? dotsBracket),
    });
  }
  return { part: 'body', steps };
}

export function isComparePath(text: string): boolean {
  return parseComparePath(text) !== undefined;
}

const PLAIN_NAME = /^[A-Za-z_][A-Za-z0-9_]*$/;

/** The path of a member called `name` below `path`, as differences print it: `$.a`, or `$['odd name']`. */
export function childPath(path: string, name: string): string {
  return PLAIN_NAME.test(name) ? `${path}.${name}` : `${path}['${name.replace(/['\\]/g, '\\$&')}']`;
}

// The paths that rules and differences speak of: `status`, `header:NAME`, `body:line[*]` for bodies that are compared by
// lines, or a JSONPath (RFC 9535) of the kind that names places: names, unions of names, wildcards, descendants, filters,
// and `[?key]` for the members of a keyed array.
import { type Filter, readFilter } from './compare-filter.ts';
import { PathProblem, PathText } from './path-text.ts';

/** What one step selects: a member by its name, any member, or those that a filter lets through. */
export type Selector =
  | { readonly kind: 'name'; readonly name: string }
  | { readonly kind: 'any' }
  | { readonly kind: 'filter'; readonly filter: Filter };

/** One step of a path; with `deep` it may be any number of levels further down. */
export interface PathStep {
  readonly selectors: readonly Selector[];
  readonly deep: boolean;
}

export type ComparePath =
  | { readonly part: 'status' }
  | { readonly part: 'header'; readonly name: string }
  | { readonly part: 'line' }
  | { readonly part: 'body'; readonly steps: readonly PathStep[] };

/** The path of any line of a body that is compared by lines. */
export const LINE_PATH = 'body:line[*]';
const HEADER = /^header:([!#$%&'*+.^_`|~0-9A-Za-z-]+)$/;
/** The notation of differences for members that are paired by a field; RFC 9535 would write `[?@.order_id]`. */
const KEY = /\?[\w.-]+(?=\s*\])/y;
const POSITION = /-?\d+|:/y;
const SHAPES =
  'expected "status", "header:NAME", "body:line[*]" or a path such as $.fills[*].fee, $..price or $.orders[?order_id].status';

/** @throws {PathProblem} whose message says what to write instead. */
export function parseComparePath(text: string): ComparePath {
  if (text === 'status') return { part: 'status' };
  if (text === LINE_PATH) return { part: 'line' };
  const header = HEADER.exec(text)?.[1];
  if (header) return { part: 'header', name: header.toLowerCase() };
  if (text[0] !== '$') throw new PathProblem(SHAPES);
  const rest = new PathText(text, 1);
  const steps: PathStep[] = [];
  while (!rest.isAtEnd) steps.push(readStep(rest));
  return { part: 'body', steps };
}

/** What is wrong with a path, and what to write instead; undefined when it is one. */
export function comparePathProblem(text: string): string | undefined {
  try {
    parseComparePath(text);
    return undefined;
  } catch (error) {
    if (error instanceof PathProblem) return error.message;
    throw error;
  }
}

function readStep(text: PathText): PathStep {
  const deep = text.take('..');
  if (text.take('[')) return { selectors: readBrackets(text), deep };
  if (!deep && !text.take('.')) throw text.problem("expected . or [ (other names are written ['like this'])");
  if (text.take('*')) return { selectors: [{ kind: 'any' }], deep };
  const name = text.name();
  if (name === undefined) throw text.problem("expected a name, * or [ (other names are written ['like this'])");
  return { selectors: [{ kind: 'name', name }], deep };
}

/** What stands in brackets: one selector, or several with commas between (RFC 9535 section 2.3). */
function readBrackets(text: PathText): readonly Selector[] {
  const selectors: Selector[] = [];
  do {
    text.blank();
    selectors.push(readSelector(text));
    text.blank();
  } while (text.take(','));
  text.expect(']');
  return selectors;
}

function readSelector(text: PathText): Selector {
  // A key tells members apart, but differences are counted per array and not per member.
  if (text.take('*') || text.match(KEY) !== undefined) return { kind: 'any' };
  if (text.take('?')) return { kind: 'filter', filter: readFilter(text) };
  const name = text.quoted();
  if (name !== undefined) return { kind: 'name', name };
  if (text.match(POSITION) !== undefined)
    throw text.problem("members are not told apart by position: write [*] for all, or [?@.side == 'BUY'] for some,");
  throw text.problem("expected *, a name in quotes or a filter such as ?@.side == 'BUY'");
}

const PLAIN_NAME = /^[A-Za-z_][A-Za-z0-9_]*$/;

/** The path of a member called `name` below `path`, as differences print it: `$.a`, or `$['odd name']`. */
export function childPath(path: string, name: string): string {
  return PLAIN_NAME.test(name) ? `${path}.${name}` : `${path}['${name.replace(/['\\]/g, '\\$&')}']`;
}

/** Whether a path names one place in a body, by names only. */
export function isPlace(text: string): boolean {
  if (comparePathProblem(text) !== undefined) return false;
  const path = parseComparePath(text);
  return (
    path.part === 'body' &&
    path.steps.length > 0 &&
    path.steps.every(({ selectors, deep }) => !deep && selectors.length === 1 && selectors[0]?.kind === 'name')
  );
}

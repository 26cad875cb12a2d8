// Filters in paths, `[?@.side == 'BUY']`: the part of RFC 9535 section 2.3.5 that can be decided on the member alone.
import type { PathText } from './path-text.ts';

export type Filter =
  | { readonly op: 'or' | 'and'; readonly of: readonly Filter[] }
  | { readonly op: 'not'; readonly of: Filter }
  | { readonly op: 'exists'; readonly query: Query }
  | { readonly op: Comparison; readonly sides: readonly [Operand, Operand] };

export type Comparison = '==' | '!=' | '<=' | '>=' | '<' | '>';
/** The way from the member to a value in it. */
export type Query = readonly (string | number)[];
export type Operand =
  | { readonly query: Query }
  | { readonly literal: string | boolean | null }
  /** As it was written: no number passes through a floating-point one. */
  | { readonly number: string };

const COMPARISON = /==|!=|<=|>=|<|>/y;
const INDEX = /-?\d{1,9}/y;
const WORDS = { true: true, false: false, null: null } as const;
/** Parentheses and negations within each other; more is no filter that anybody reviews. */
const DEPTH_MAX = 20;

/** Reads what stands behind `[?`, up to its end. @throws {PathProblem} */
export function readFilter(text: PathText, depth = 0): Filter {
  return readList(text, '||', 'or', () => readList(text, '&&', 'and', () => readTerm(text, depth)));
}

function readList(text: PathText, sign: string, op: 'or' | 'and', readOne: () => Filter): Filter {
  const of = [readOne()];
  for (text.blank(); text.take(sign); text.blank()) of.push(readOne());
  const [first, second] = of;
  return first && !second ? first : { op, of };
}

function readTerm(text: PathText, depth: number): Filter {
  if (depth > DEPTH_MAX) throw text.problem('the filter is nested too deeply');
  text.blank();
  if (text.take('!')) return { op: 'not', of: readTerm(text, depth + 1) };
  if (text.take('(')) {
    const inner = readFilter(text, depth + 1);
    text.blank();
    text.expect(')');
    return inner;
  }
  const left = readOperand(text);
  text.blank();
  const op = text.match(COMPARISON) as Comparison | undefined;
  if (op) return { op, sides: [left, readOperand(text)] };
  if ('query' in left) return { op: 'exists', query: left.query };
  throw text.problem('expected ==, !=, <, <=, > or >=');
}

function readOperand(text: PathText): Operand {
  text.blank();
  if (text.take('@')) return { query: readQuery(text) };
  if (text.take('$')) throw text.problem('a filter sees the member only: begin with @ instead of $,');
  const literal = text.quoted();
  if (literal !== undefined) return { literal };
  const number = text.number();
  if (number !== undefined) return { number };
  const word = text.name();
  if (word !== undefined && Object.hasOwn(WORDS, word)) return { literal: WORDS[word as keyof typeof WORDS] };
  if (word !== undefined && text.take('('))
    throw text.problem(`${word}() is not known here: compare with ==, !=, <, <=, > or >= instead,`);
  throw text.problem("expected @, a text in quotes, a number, true, false or null, as in [?@.side == 'BUY'],");
}

/** A singular query (RFC 9535 section 2.3.5.1): it finds one value or none. */
function readQuery(text: PathText): Query {
  const query: (string | number)[] = [];
  for (;;) {
    if (text.take('..') || text.take('.*') || text.take('[*'))
      throw text.problem('a filter compares single values: write every name on the way, as in @.fee.asset,');
    if (text.take('.')) {
      const name = text.name();
      if (name === undefined) throw text.problem('expected a name');
      query.push(name);
    } else if (text.take('[')) {
      text.blank();
      const name = text.quoted();
      const index = name === undefined ? text.match(INDEX) : undefined;
      if (name === undefined && index === undefined) throw text.problem('expected a name in quotes or an index');
      query.push(name ?? Number(index));
      text.blank();
      text.expect(']');
    } else return query;
  }
}

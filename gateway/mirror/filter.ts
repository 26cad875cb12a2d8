// Whether a member of a document passes a rule's filter (RFC 9535 section 2.3.5.2.2), numbers compared exactly.
import type { Comparison, Filter, Operand, Query } from '../../config/compare-filter.ts';
import { compareDecimals, parseDecimal } from './decimal.ts';
import { type Json, JsonNumber, writeJson } from './json.ts';

export function passes(filter: Filter, member: Json): boolean {
  switch (filter.op) {
    case 'or':
      return filter.of.some((each) => passes(each, member));
    case 'and':
      return filter.of.every((each) => passes(each, member));
    case 'not':
      return !passes(filter.of, member);
    case 'exists':
      return find(filter.query, member) !== undefined;
    default:
      return holds(filter.op, operandValue(filter.sides[0], member), operandValue(filter.sides[1], member));
  }
}

function operandValue(operand: Operand, member: Json): Json | undefined {
  if ('query' in operand) return find(operand.query, member);
  return 'number' in operand ? new JsonNumber(operand.number) : operand.literal;
}

function find(query: Query, member: Json): Json | undefined {
  let at: Json | undefined = member;
  for (const token of query) {
    if (typeof token === 'number') at = Array.isArray(at) ? at.at(token) : undefined;
    else at = at instanceof Map ? at.get(token) : undefined;
  }
  return at;
}

function holds(op: Comparison, left: Json | undefined, right: Json | undefined): boolean {
  switch (op) {
    case '==':
      return isSame(left, right);
    case '!=':
      return !isSame(left, right);
    case '<':
      return isLess(left, right);
    case '>':
      return isLess(right, left);
    case '<=':
      return isLess(left, right) || isSame(left, right);
    case '>=':
      return isLess(right, left) || isSame(left, right);
  }
}

/** What is not there equals only what is not there either. */
function isSame(left: Json | undefined, right: Json | undefined): boolean {
  if (left === undefined || right === undefined) return left === right;
  return sameness(left) === sameness(right);
}

/** A text that equal values share. */
function sameness(value: Json): string {
  if (Array.isArray(value)) return `[${value.map(sameness).join()}]`;
  if (value instanceof Map) {
    const members = [...value].map(([name, item]: [string, Json]) => `${JSON.stringify(name)}:${sameness(item)}`);
    return `{${members.sort().join()}}`;
  }
  if (!(value instanceof JsonNumber)) return writeJson(value);
  const number = parseDecimal(value.text);
  return number ? `${number.units}e${number.exponent}` : value.text;
}

/** Numbers and texts have an order, each among themselves. */
function isLess(left: Json | undefined, right: Json | undefined): boolean {
  if (typeof left === 'string' && typeof right === 'string') return left < right;
  if (!(left instanceof JsonNumber && right instanceof JsonNumber)) return false;
  const [a, b] = [parseDecimal(left.text), parseDecimal(right.text)];
  return a !== undefined && b !== undefined && (compareDecimals(a, b) ?? 0) < 0;
}

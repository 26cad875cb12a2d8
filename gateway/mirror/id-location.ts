// Ids that the sides name in Location and Content-Location (RFC 9110 sections 10.2.2 and 8.7): what a create has made. Pure.
import type { IdPair } from './id-map.ts';

/** A URI reference (RFC 3986 appendix B): what comes before its path, the path, what follows. */
const REFERENCE = /^((?:[^:/?#]+:)?(?:\/\/[^/?#]*)?)([^?#]*)(.*)$/s;

export interface LocationRule {
  readonly name: string;
  /** Whether two ids become a pair. */
  readonly learn: boolean;
  /** A path with one parameter, the id; `*` is any one segment. */
  readonly location: string;
}

/** Two references, and whether two ids stand for one thing. */
export interface Locations {
  readonly legacy: string;
  readonly new: string;
  isPair(pair: IdPair & Pick<LocationRule, 'learn'>): boolean;
}

/**
 * The names of the things that two references call differently, where they differ in nothing else; undefined otherwise.
 * Every pair of ids in them is asked about, also where there is more that differs.
 */
export function mappedLocation(rules: readonly LocationRule[], locations: Locations): string | undefined {
  const [left, right] = [split(locations.legacy), split(locations.new)];
  const names: string[] = [];
  for (const { location, ...rule } of rules) {
    const [index, other] = [indexIn(left.segments, location), indexIn(right.segments, location)];
    if (index < 0 || other < 0 || left.segments[index] === right.segments[index]) continue;
    const pair = { ...rule, legacy: idOf(left.segments[index]), new: idOf(right.segments[index]) };
    if (!locations.isPair(pair)) continue;
    names.push(rule.name);
    right.segments[index] = left.segments[index] ?? '';
  }
  return names.length > 0 && join(left) === join(right) ? names.join(', ') : undefined;
}

interface Reference {
  readonly before: string;
  readonly segments: string[];
  readonly after: string;
}

function split(reference: string): Reference {
  const [, before = '', path = '', after = ''] = REFERENCE.exec(reference) ?? [];
  return { before, segments: path.split('/'), after };
}

function join({ before, segments, after }: Reference): string {
  return before + segments.join('/') + after;
}

/** Which segment is the id; -1 where the path is another. */
function indexIn(segments: readonly string[], pattern: string): number {
  const parts = pattern.split('/');
  const isMatch = parts.every((part, i) => part === '*' || part.startsWith(':') || part === segments[i]);
  return isMatch && parts.length === segments.length ? parts.findIndex((part) => part.startsWith(':')) : -1;
}

/** In JSON, as ids are known. */
function idOf(segment = ''): string {
  try {
    return JSON.stringify(decodeURIComponent(segment));
  } catch {
    return JSON.stringify(segment);
  }
}

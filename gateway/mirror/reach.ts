// Which places paths lead to, whatever the values there: every member may be one that a filter lets through.
import { isDeepStrictEqual } from 'node:util';
import { type ComparePath, comparePathProblem, type PathStep, parseComparePath } from '../../config/compare-path.ts';
import { Spot } from './spot.ts';

/** Unions of names in several steps of one path would multiply. */
const PLACES_MAX = 1_000;
const TOP: ComparePath = { part: 'body', steps: [] };

/** Answers whether the place that a path names is at or below one that `paths` lead to. @throws {PathProblem} */
export function createReach(paths: readonly string[]): (place: string) => boolean {
  const parsed = paths.map(parseComparePath);
  const inBody = parsed.flatMap((path) => (path.part === 'body' ? [withoutFilters(path.steps)] : []));
  const root = Spot.root(inBody.map((steps) => ({ steps, effect: { kind: 'ignore', name: 'reached' } })));
  return (text) => {
    const place = comparePathProblem(text) === undefined ? parseComparePath(text) : TOP;
    if (place.part === 'body') return placesOf(root, place.steps).some(isReached);
    // A body that is compared by lines is a body.
    if (place.part === 'line' && isReached(root)) return true;
    return parsed.some((path) => isDeepStrictEqual(path, place));
  };
}

/** Whether what a path leads to depends on the values there. */
export function hasFilters(path: string): boolean {
  const parsed = parseComparePath(path);
  return (
    parsed.part === 'body' && parsed.steps.some(({ selectors }) => selectors.some(({ kind }) => kind === 'filter'))
  );
}

function isReached({ rules }: Spot): boolean {
  return rules.ignored !== undefined;
}

function withoutFilters(steps: readonly PathStep[]): readonly PathStep[] {
  return steps.map(({ selectors, deep }) => ({
    selectors: selectors.map((selector) => (selector.kind === 'filter' ? ({ kind: 'any' } as const) : selector)),
    deep,
  }));
}

/** The places that a path names: one, or with unions of names several. */
function placesOf(root: Spot, steps: readonly PathStep[]): readonly Spot[] {
  let places: readonly Spot[] = [root];
  for (const { selectors } of steps) {
    const below = places.flatMap((place) =>
      selectors.map((selector) => (selector.kind === 'name' ? place.child(selector.name, null) : place.member(null))),
    );
    places = below.slice(0, PLACES_MAX);
  }
  return places;
}

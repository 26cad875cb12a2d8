// Noise: where legacy does not agree with itself, no difference from new says anything. Legacy is asked twice, before and
// after new; a difference counts only where its two answers agree. Judged request by request and place by place, never
// by rates: a rate that is subtracted hides as much real error as there is noise (Diffy does so). Pure.
import type { Verdict } from './compare.ts';
import { DIFFERENCES_MAX, type Difference, type DifferenceKind, isHeldAgainstNew } from './difference.ts';
import { AGREEING, type Outcome } from './observation.ts';

/** Outcomes of two answers that have been compared. */
const COMPARED: readonly Outcome[] = [...AGREEING, 'mismatch'];

/**
 * The verdict on the first legacy answer and new's, by what `again` says of the two legacy answers. Differences that are
 * noise are marked and kept, and so is noise where new happens to agree with the first answer: all of it is counted and
 * shown. A request that differs by noise alone is `ignored`, not `match`: its answers are not equal, they only cannot be
 * held against new. Where `again` cannot tell, the verdict stays as it is.
 */
export function withoutNoise(verdict: Verdict, again: Verdict): Verdict {
  if (!COMPARED.includes(verdict.outcome) || !COMPARED.includes(again.outcome)) return verdict;
  if (again.differences.length >= DIFFERENCES_MAX) return verdict; // With a full list nobody knows what else differs.
  const unstable = unstableIn(again.differences);
  const judged = verdict.differences.map((difference) =>
    difference.rule === undefined && isNoise(difference, unstable)
      ? ({ ...difference, noise: true } as const)
      : difference,
  );
  const seen = new Set(judged.map(placeOf));
  const silent = again.differences.filter(
    (difference) => difference.rule === undefined && !seen.has(placeOf(difference)),
  );
  const counts = judged.some(isHeldAgainstNew);
  return {
    ...verdict,
    outcome: counts ? 'mismatch' : judged.length > 0 ? 'ignored' : 'match',
    differences: [...judged, ...silent.map((difference) => ({ ...difference, noise: true }) as const)],
    bracketed: true,
  };
}

function placeOf({ at, kind }: Difference): string {
  return `${kind} ${at}`;
}

/** Where two legacy answers differ. */
interface Unstable {
  /** By place in the first of them. */
  readonly places: ReadonlyMap<string, Difference>;
  /** What only the second has, see `extraPlace`. */
  readonly extras: ReadonlySet<string>;
}

function unstableIn(differences: readonly Difference[]): Unstable {
  const extras = differences.filter(({ kind }) => kind === 'extra');
  const others = differences.filter(({ kind }) => kind !== 'extra');
  return {
    places: new Map(others.map((difference) => [difference.at, difference])),
    extras: new Set(extras.map(extraPlace)),
  };
}

/**
 * Where something is that the first legacy answer lacks. Of a member of an array, or a line, that is anywhere in it: where it
 * would be in an answer that lacks it nobody can say.
 */
function extraPlace({ path, at }: Difference): string {
  return MEMBER.test(path) ? `${placeAbove(at)} ${path}` : at;
}

const MEMBER = /\[(?:\*|\?[^\]]*)\]$/;

/** Whether legacy's two answers leave open what new should have answered. */
function isNoise(difference: Difference, { places, extras }: Unstable): boolean {
  const { at, kind } = difference;
  const here = places.get(at);
  if (kind === 'extra' ? extras.has(extraPlace(difference)) : here && leavesOpen(here.kind, kind)) return true;
  if (!isInBody(at)) return false;
  const status = places.get('status');
  if (status && isOtherClass(status)) return true; // Two documents of which nobody compared the bodies.
  for (let place = at; place !== ''; ) {
    place = placeAbove(place);
    const above = places.get(place);
    // In an array whose order alone changes, both answers have the same members: new must have them too.
    if (above && above.kind !== 'order') return true;
  }
  return false;
}

/** Whether legacy, differing from itself in this way, may also be said to differ from new in that way by chance. */
function leavesOpen(legacy: DifferenceKind, fresh: DifferenceKind): boolean {
  switch (legacy) {
    case 'missing':
    case 'extra':
      return true;
    case 'type':
      return fresh !== 'missing'; // Both answers have something here.
    case 'changed':
    case 'length':
      return fresh !== 'missing' && fresh !== 'type'; // Both have it, and of one type.
    case 'order':
      return fresh === 'order';
    default:
      return legacy satisfies never;
  }
}

function isInBody(at: string): boolean {
  return at !== 'status' && !at.startsWith('header:');
}

/** Of a JSON pointer the one to what it is in; of a line the whole body. */
function placeAbove(at: string): string {
  return at.slice(0, Math.max(0, at.lastIndexOf('/')));
}

function isOtherClass(status: Difference): boolean {
  return status.legacy?.[0] !== status.new?.[0];
}

// What was counted of a route's comparisons in some stretch of time. Counts add up, whoever counted them and when.
import type { Verdict } from './compare.ts';
import type { DifferenceKind } from './difference.ts';
import { AGREEING, COMPARABLE, OUTCOMES, type Outcome } from './observation.ts';

/**
 * One place and kind of difference, apart where a rule covers it and where none does, where it is critical and where not:
 * both may depend on the values, on the answer's status, and on the day.
 */
export interface CountedDifference {
  readonly path: string;
  readonly kind: DifferenceKind;
  readonly critical: boolean;
  readonly rule: string | undefined;
  /** Requests in which it was found. */
  count: number;
  /** Of those, how many were noise: legacy differed from itself there. Only bracketed requests can tell. */
  noise: number;
  /** Of those, how many count for certain: they were bracketed, and both legacy answers agreed. */
  confirmed: number;
}

/** Kinds of difference that are listed; a body with endless member names must not fill memory. */
export const DIFFERENCES_MAX = 1_000;

export interface Counts {
  /** Kinds of difference that may be listed here. */
  readonly differencesMax: number;
  readonly outcomes: Record<Outcome, number>;
  /** Why copies were dropped. */
  readonly dropped: Map<string, number>;
  /** Requests of which noise is known, see noise.ts: how many were comparable, how many of those agreed. */
  readonly bracketed: { comparable: number; agreeing: number };
  /** Requests of which both sides' times are known, and those in which new was later by more than is borne; see timed.ts. */
  readonly timed: { pairs: number; slower: number };
  readonly differences: Map<string, CountedDifference>;
  /** Differences that are not listed because there are too many kinds of them. */
  differencesDropped: number;
}

const NO_OUTCOMES = Object.fromEntries(OUTCOMES.map((outcome) => [outcome, 0])) as Record<Outcome, number>;

export function newCounts(differencesMax = DIFFERENCES_MAX): Counts {
  return {
    ...{ differencesMax, outcomes: { ...NO_OUTCOMES }, dropped: new Map(), bracketed: { comparable: 0, agreeing: 0 } },
    ...{ timed: { pairs: 0, slower: 0 }, differences: new Map(), differencesDropped: 0 },
  };
}

/**
 * What one comparison counts for: each place and kind once, however many members of an array it was found in. One in
 * which some members are noise and others count is no noise.
 */
export function countsOf(verdict: Verdict): Counts {
  const counts = newCounts();
  countOutcome(counts, verdict);
  for (const difference of verdict.differences) {
    const key = differenceKey(difference);
    const known = counts.differences.get(key);
    if (known && (known.noise === 0 || difference.noise)) continue;
    const { path, kind, critical, rule, noise } = difference;
    const found = { count: 1, noise: noise ? 1 : 0, confirmed: verdict.bracketed && !noise ? 1 : 0 };
    counts.differences.set(key, { path, kind, critical, rule, ...found });
  }
  return counts;
}

/** Counts how a comparison ended, without what it found. */
export function countOutcome(counts: Counts, { outcome, bracketed, slower }: Verdict): void {
  counts.outcomes[outcome]++;
  if (slower !== undefined) counts.timed.pairs++;
  if (slower) counts.timed.slower++;
  if (bracketed && COMPARABLE.includes(outcome)) counts.bracketed.comparable++;
  if (bracketed && AGREEING.includes(outcome)) counts.bracketed.agreeing++;
}

/** Counts copies that were not sent. */
export function countDropped(counts: Counts, reason: string, copies: number): void {
  counts.outcomes.dropped += copies;
  counts.dropped.set(reason, (counts.dropped.get(reason) ?? 0) + copies);
}

export function differenceKey({
  kind,
  path,
  critical,
  rule,
}: Pick<CountedDifference, 'kind' | 'path' | 'critical' | 'rule'>): string {
  return `${kind} ${critical ? 'critical ' : ''}${path} ${rule ?? ''}`;
}

/** With `listed`, only kinds of difference that are listed there are listed here; others are counted without their place. */
export function addCounts(counts: Counts, more: Counts, listed?: Counts): void {
  for (const outcome of OUTCOMES) counts.outcomes[outcome] += more.outcomes[outcome];
  for (const [reason, copies] of more.dropped) counts.dropped.set(reason, (counts.dropped.get(reason) ?? 0) + copies);
  counts.bracketed.comparable += more.bracketed.comparable;
  counts.bracketed.agreeing += more.bracketed.agreeing;
  counts.timed.pairs += more.timed.pairs;
  counts.timed.slower += more.timed.slower;
  counts.differencesDropped += more.differencesDropped;
  for (const [key, difference] of more.differences) {
    const known = counts.differences.get(key);
    if (known) {
      known.count += difference.count;
      known.noise += difference.noise;
      known.confirmed += difference.confirmed;
    } else if (counts.differences.size < counts.differencesMax && (!listed || listed.differences.has(key)))
      counts.differences.set(key, { ...difference });
    else counts.differencesDropped += difference.count;
  }
}

/** How many of the counted requests ended in one of these outcomes. */
export function sumOf(counts: Pick<Counts, 'outcomes'>, outcomes: readonly Outcome[]): number {
  return outcomes.reduce((total, outcome) => total + counts.outcomes[outcome], 0);
}

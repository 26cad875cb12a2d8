// What comparing has found, per route: outcomes, differences by place and kind, and a few redacted samples. All of it
// bounded; what does not fit is counted.
import type { ObservedPair, Verdict } from './compare.ts';
import type { Difference, DifferenceKind } from './compare-json.ts';
import { lowerBound95 } from './confidence.ts';
import { AGREEING, COMPARABLE, type Observation, OUTCOMES, type Outcome } from './observation.ts';
import { redactBody, redactDifference, redactHeaders, redactTarget } from './redact.ts';

/** Kinds of difference kept per route; a body with endless member names must not fill memory. */
const DIFFERENCES_MAX = 1_000;
const SAMPLES_MAX = 20;
/** Once there are that many, another is kept when it shows something new, or this long after the last. */
const SAMPLE_INTERVAL_MS = 1_000;
const SAMPLE_DIFFERENCES_MAX = 50;

/** The request behind two observations. */
export interface ComparedRequest {
  readonly requestId: string;
  readonly method: string;
  readonly target: string;
}

export interface DifferenceCount {
  readonly path: string;
  readonly kind: DifferenceKind;
  /** Requests in which it was found. */
  readonly count: number;
  /** Of those, how many were noise: legacy differed from itself there. Only bracketed requests can tell. */
  readonly noise: number;
  /** Of those, how many count for certain: they were bracketed, and both legacy answers agreed. */
  readonly confirmed: number;
  /**
   * The share of requests in which new is wrong here: count / comparable; where noise is known, confirmed / those bracketed
   * requests in which legacy agreed with itself, since what cannot be judged is neither right nor wrong.
   */
  readonly share: number;
  readonly critical: boolean;
  /** The ignore rule that covers it. */
  readonly rule?: string;
}

export interface RouteEvidence {
  readonly since: string;
  /** Requests that were chosen to be copied; each ends in exactly one outcome, or is pending. */
  readonly eligible: number;
  readonly pending: number;
  readonly outcomes: Readonly<Record<Outcome, number>>;
  /** Why copies were dropped. */
  readonly dropped: Readonly<Record<string, number>>;
  /** Requests of which noise is known, see noise.ts: how many were comparable, how many of those agreed. */
  readonly bracketed: { readonly comparable: number; readonly agreeing: number };
  /** comparable / eligible; null before anything was eligible. */
  readonly coverage: number | null;
  /**
   * (match + ignored) / comparable; null before anything was comparable. Where noise is known, over bracketed requests
   * alone, less what must be expected to hide behind the noise.
   */
  readonly parity: number | null;
  readonly parityLowerBound: number | null;
  readonly differences: readonly DifferenceCount[];
  /** Differences that were not listed because there are too many kinds of them. */
  readonly differencesDropped: number;
}

export interface SampleSide {
  readonly status: number | undefined;
  readonly failure: string | undefined;
  readonly durationMs: number;
  readonly headers: readonly (readonly string[])[];
  readonly body: string;
}

export interface Sample extends ComparedRequest {
  readonly n: number;
  readonly at: string;
  readonly outcome: Outcome;
  readonly detail: string | undefined;
  readonly differences: Verdict['differences'];
  readonly legacy: SampleSide;
  readonly new: SampleSide;
}

export interface Evidence {
  /** A request was chosen to be copied. */
  begin(route: string): void;
  /** A copy was never sent. */
  drop(route: string, reason: string): void;
  record(route: string, request: ComparedRequest, pair: ObservedPair, verdict: Verdict): void;
  of(route: string): RouteEvidence;
  /** The latest samples of requests that did not agree, newest first. */
  samples(route: string): readonly Sample[];
}

interface Counted {
  readonly path: string;
  readonly kind: DifferenceKind;
  readonly critical: boolean;
  readonly rule: string | undefined;
  count: number;
  noise: number;
  confirmed: number;
}

interface RouteCounts {
  readonly since: string;
  readonly outcomes: Record<Outcome, number>;
  readonly dropped: Map<string, number>;
  readonly bracketed: { comparable: number; agreeing: number };
  readonly differences: Map<string, Counted>;
  readonly samples: Sample[];
  eligible: number;
  sampleNumber: number;
  sampledMs: number;
  differencesDropped: number;
}

export function createEvidence(now: () => Date): Evidence {
  const routes = new Map<string, RouteCounts>(); // One per configured route, so bounded by the configuration.

  const counts = (route: string): RouteCounts => {
    const known = routes.get(route);
    if (known) return known;
    const fresh: RouteCounts = {
      since: now().toISOString(),
      outcomes: Object.fromEntries(OUTCOMES.map((outcome) => [outcome, 0])) as Record<Outcome, number>,
      dropped: new Map(),
      bracketed: { comparable: 0, agreeing: 0 },
      differences: new Map(),
      samples: [],
      eligible: 0,
      sampleNumber: 0,
      sampledMs: 0,
      differencesDropped: 0,
    };
    routes.set(route, fresh);
    return fresh;
  };

  return {
    begin(route) {
      counts(route).eligible++;
    },
    drop(route, reason) {
      const { outcomes, dropped } = counts(route);
      outcomes.dropped++;
      dropped.set(reason, (dropped.get(reason) ?? 0) + 1);
    },
    record(route, request, pair, verdict) {
      const at = counts(route);
      at.outcomes[verdict.outcome]++;
      if (verdict.bracketed && COMPARABLE.includes(verdict.outcome)) at.bracketed.comparable++;
      if (verdict.bracketed && AGREEING.includes(verdict.outcome)) at.bracketed.agreeing++;
      const isNew = countDifferences(at, verdict);
      if (AGREEING.includes(verdict.outcome)) return;
      const taken = now();
      // Redacting costs more than comparing: a side that fails every request must not have it done for each.
      const isDue = taken.getTime() - at.sampledMs >= SAMPLE_INTERVAL_MS;
      if (at.samples.length >= SAMPLES_MAX && !isNew && !isDue) return;
      at.sampledMs = taken.getTime();
      at.samples.push(sampleOf(++at.sampleNumber, taken.toISOString(), request, { ...pair, verdict }));
      if (at.samples.length > SAMPLES_MAX) at.samples.shift();
    },
    of(route) {
      const { dropped, differences, ...at } = counts(route);
      return conclude({ ...at, dropped: Object.fromEntries(dropped), differences: differences.values() });
    },
    samples: (route) => [...counts(route).samples].reverse(),
  };
}

/**
 * Counts each place and kind once a request, however many members of an array it was found in; apart where a rule covers
 * it and where none does: a rule may hold for some answers only, or expire. A request in which some members are noise and
 * others count is no noise. Answers whether a difference that counts was seen for the first time.
 */
function countDifferences(at: RouteCounts, { differences, bracketed }: Verdict): boolean {
  const inRequest = new Map<string, Difference>();
  for (const difference of differences) {
    const key = `${difference.kind} ${difference.path} ${difference.rule ?? ''}`;
    if (!inRequest.has(key) || !difference.noise) inRequest.set(key, difference);
  }
  let isNew = false;
  for (const [key, { path, kind, critical, rule, noise }] of inRequest) {
    const known = at.differences.get(key);
    const counted = known ?? { path, kind, critical, rule, count: 0, noise: 0, confirmed: 0 };
    if (!known && at.differences.size >= DIFFERENCES_MAX) {
      at.differencesDropped++;
      continue;
    }
    at.differences.set(key, counted);
    isNew ||= rule === undefined && !noise && counted.count === counted.noise;
    counted.count++;
    if (noise) counted.noise++;
    else if (bracketed) counted.confirmed++;
  }
  return isNew;
}

/** What was counted of a route, before anything is concluded from it. */
export interface EvidenceCounts
  extends Pick<RouteEvidence, 'since' | 'eligible' | 'outcomes' | 'dropped' | 'bracketed' | 'differencesDropped'> {
  readonly differences: Iterable<Omit<DifferenceCount, 'share' | 'rule'> & { readonly rule?: string | undefined }>;
}

/** The rates that follow from the counts. Pure. */
export function conclude(at: EvidenceCounts): RouteEvidence {
  const sum = (outcomes: readonly Outcome[]) => outcomes.reduce((total, outcome) => total + at.outcomes[outcome], 0);
  const comparable = sum(COMPARABLE);
  const differences = [...at.differences];
  const noisy = differences.filter(({ noise, rule }) => noise > 0 && rule === undefined);
  const judged = noisy.length > 0 ? at.bracketed : { comparable, agreeing: sum(AGREEING) };
  const hidden = noisy.reduce((total, difference) => total + hiddenBy(difference, judged.comparable), 0);
  const agreeing = Math.max(0, judged.agreeing - hidden);
  const shareOf = ({ count, noise, confirmed }: Pick<DifferenceCount, 'count' | 'noise' | 'confirmed'>) =>
    noise > 0 ? ratio(confirmed, at.bracketed.comparable - noise) : ratio(count, comparable);
  return {
    since: at.since,
    eligible: at.eligible,
    pending: at.eligible - sum(OUTCOMES),
    outcomes: { ...at.outcomes },
    dropped: at.dropped,
    bracketed: { ...at.bracketed },
    coverage: at.eligible > 0 ? comparable / at.eligible : null,
    parity: judged.comparable > 0 ? agreeing / judged.comparable : null,
    parityLowerBound: lowerBound95(agreeing, judged.comparable) ?? null,
    differences: differences
      .sort((a, b) => b.count - a.count || (a.path < b.path ? -1 : 1))
      .map(({ rule, ...difference }) => ({
        ...difference,
        share: shareOf(difference),
        ...(rule === undefined ? {} : { rule }),
      })),
    differencesDropped: at.differencesDropped,
  };
}

/**
 * Requests in which new is wrong at a place where legacy did not agree with itself, so that nobody saw it: as often as it
 * is wrong where legacy did agree, since noise does not know what new answers.
 */
function hiddenBy({ noise, confirmed }: Pick<DifferenceCount, 'noise' | 'confirmed'>, bracketed: number): number {
  return ratio(confirmed * noise, bracketed - noise);
}

/** In how many requests a difference counts: where noise is known, only those where legacy agreed with itself. */
export function counting({ count, noise, confirmed }: Pick<DifferenceCount, 'count' | 'noise' | 'confirmed'>): number {
  return noise > 0 ? confirmed : count;
}

function ratio(part: number, whole: number): number {
  return whole > 0 ? part / whole : 0;
}

function sampleOf(
  n: number,
  at: string,
  request: ComparedRequest,
  found: ObservedPair & { readonly verdict: Verdict },
): Sample {
  const { outcome, detail, differences } = found.verdict;
  return {
    n,
    at,
    requestId: request.requestId,
    method: request.method,
    target: redactTarget(request.target),
    outcome,
    detail,
    differences: differences.toSorted(byWeight).slice(0, SAMPLE_DIFFERENCES_MAX).map(redactDifference),
    legacy: sampleSide(found.legacy),
    new: sampleSide(found.new),
  };
}

/** What counts comes before what is ignored, and what is critical before all. */
function byWeight(a: Difference, b: Difference): number {
  const weight = ({ rule, noise, critical }: Difference) => (rule !== undefined || noise ? 2 : critical ? 0 : 1);
  return weight(a) - weight(b);
}

function sampleSide({ status, failure, durationMs, headers, body }: Observation): SampleSide {
  return {
    status,
    failure,
    durationMs: Math.round(durationMs * 1000) / 1000,
    headers: redactHeaders(headers),
    body: redactBody(body, headers),
  };
}

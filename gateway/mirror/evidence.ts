// What comparing has found, per route: outcomes, differences by place and kind, and a few redacted samples. All of it
// bounded; what does not fit is counted.
import type { ObservedPair, Verdict } from './compare.ts';
import { lowerBound95 } from './confidence.ts';
import type { Difference, DifferenceKind } from './difference.ts';
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
  /** Of those, how many were noise: legacy differed from itself there too. */
  readonly noise: number;
  /** count / comparable. */
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
  /** comparable / eligible; null before anything was eligible. */
  readonly coverage: number | null;
  /** (match + ignored) / comparable; null before anything was comparable. */
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
}

interface RouteCounts {
  readonly since: string;
  readonly outcomes: Record<Outcome, number>;
  readonly dropped: Map<string, number>;
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
 * it and where none does: a rule may hold for some answers only, or expire. Answers whether one that no rule covers was
 * seen for the first time.
 */
function countDifferences(at: RouteCounts, { differences }: Verdict): boolean {
  const inRequest = new Set<string>();
  let isNew = false;
  for (const { path, kind, critical, rule } of differences) {
    const key = `${kind} ${path} ${rule ?? ''}`;
    if (inRequest.has(key)) continue;
    inRequest.add(key);
    const known = at.differences.get(key);
    if (known) known.count++;
    else if (at.differences.size < DIFFERENCES_MAX) {
      at.differences.set(key, { path, kind, critical, rule, count: 1, noise: 0 });
      isNew ||= rule === undefined;
    } else at.differencesDropped++;
  }
  return isNew;
}

/** What was counted of a route, before anything is concluded from it. */
export interface EvidenceCounts
  extends Pick<RouteEvidence, 'since' | 'eligible' | 'outcomes' | 'dropped' | 'differencesDropped'> {
  readonly differences: Iterable<Omit<DifferenceCount, 'share' | 'rule'> & { readonly rule?: string | undefined }>;
}

/** The rates that follow from the counts. Pure. */
export function conclude(at: EvidenceCounts): RouteEvidence {
  const sum = (outcomes: readonly Outcome[]) => outcomes.reduce((total, outcome) => total + at.outcomes[outcome], 0);
  const comparable = sum(COMPARABLE);
  const agreeing = sum(AGREEING);
  return {
    since: at.since,
    eligible: at.eligible,
    pending: at.eligible - sum(OUTCOMES),
    outcomes: { ...at.outcomes },
    dropped: at.dropped,
    coverage: at.eligible > 0 ? comparable / at.eligible : null,
    parity: comparable > 0 ? agreeing / comparable : null,
    parityLowerBound: lowerBound95(agreeing, comparable) ?? null,
    differences: [...at.differences]
      .sort((a, b) => b.count - a.count || (a.path < b.path ? -1 : 1))
      .map(({ rule, ...difference }) => ({
        ...difference,
        share: comparable > 0 ? difference.count / comparable : 0,
        ...(rule === undefined ? {} : { rule }),
      })),
    differencesDropped: at.differencesDropped,
  };
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
  const weight = ({ rule, critical }: Difference) => (rule !== undefined ? 2 : critical ? 0 : 1);
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

// What comparing has found, per route: outcomes, differences by place and kind, and a few redacted samples. All of it
// bounded; what does not fit is counted.
import type { ObservedPair, Verdict } from './compare.ts';
import { lowerBound95, type Share } from './confidence.ts';
import { type Counts, sumOf } from './counts.ts';
import type { DifferenceKind } from './difference.ts';
import { AGREEING, COMPARABLE, OUTCOMES, type Outcome } from './observation.ts';
import { compileRedaction, type Redaction } from './redact.ts';
import { type Findings, type KeptFindings, RouteRecord } from './route-record.ts';
import type { ComparedRequest, Sample } from './sample.ts';
import { newStreamCounted, type StreamFinding } from './stream-counts.ts';
import { concludeStreams, type StreamEvidence } from './stream-evidence.ts';
import type { StreamShown } from './stream-sample.ts';
import type { Window } from './windows.ts';

export type { ComparedRequest, Sample, SampleSide } from './sample.ts';

const DAY_MS = 24 * 3600 * 1000;

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
  readonly window: Window;
  readonly since: string;
  /** Requests that were chosen to be copied; each ends in exactly one outcome, or is pending. */
  readonly eligible: number;
  readonly pending: number;
  readonly outcomes: Readonly<Record<Outcome, number>>;
  /** Why copies were dropped. */
  readonly dropped: Readonly<Record<string, number>>;
  /** Requests of which noise is known, see noise.ts: how many were comparable, how many of those agreed. */
  readonly bracketed: Readonly<Counts['bracketed']>;
  /** Requests of which both sides' times are known, and in how many of them new was later by more than the guard bears. */
  readonly timed: Readonly<Counts['timed']>;
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
  /** What comparing streams has found; absent before any was to be compared since the stage began. */
  readonly streams?: StreamEvidence;
}

/** What requests leave behind. */
export interface EvidenceSink {
  /** A request was chosen to be copied. */
  begin(route: string): void;
  /** A request that was chosen turned out to be none that can be copied. */
  withdraw(route: string): void;
  /** Copies were never sent. */
  drop(route: string, reason: string, copies?: number): void;
  record(route: string, request: ComparedRequest, pair: ObservedPair, verdict: Verdict): void;
  /** Something was found in comparing a stream; `shown` is what a sample would show. */
  streamed(route: string, finding: StreamFinding, shown: StreamShown | undefined): void;
}

/** What operators, gates and stores read of it. */
export interface EvidenceBook {
  /** A route's evidence in a window, since its stage began unless said otherwise. */
  of(route: string, window?: Window): RouteEvidence;
  /** Samples of requests that did not agree, newest first. */
  samples(route: string): readonly Sample[];
  /** The route is in this stage. A change of it starts its windows anew. */
  enter(route: string, stage: string): void;
  /** What was found since this was last asked, of routes where anything was. */
  take(): Findings[];
  /** Puts what was kept in the place of what is known of its routes; what nobody has taken yet is added to it. */
  restore(kept: readonly KeptFindings[]): void;
  /** Samples made from now on have numbers above this. */
  numberSamplesFrom(n: number): void;
  /** Forgets all other routes. */
  retain(routes: ReadonlySet<string>): void;
}

export interface Evidence extends EvidenceSink, EvidenceBook {
  /** Adds what another process has found. */
  absorb(findings: Findings): void;
}

export interface EvidenceOptions {
  readonly sampleDays?: number;
  readonly redactionOf?: (route: string) => Redaction;
}

export function createEvidence(now: () => Date, options: EvidenceOptions = {}): Evidence {
  const unconfigured = compileRedaction();
  const { sampleDays = 7, redactionOf = () => unconfigured } = options;
  const routes = new Map<string, RouteRecord>(); // One per configured route, so bounded by the configuration.
  let numbersFrom = 0;
  const nowMs = () => now().getTime();

  const recordOf = (route: string): RouteRecord => {
    const known = routes.get(route);
    if (known) return known;
    const fresh = new RouteRecord(route, nowMs(), numbersFrom);
    routes.set(route, fresh);
    return fresh;
  };
  const samplesFrom = () => new Date(nowMs() - sampleDays * DAY_MS).toISOString();

  return {
    begin: (route) => recordOf(route).begin(1),
    withdraw: (route) => recordOf(route).begin(-1),
    drop: (route, reason, copies = 1) => recordOf(route).drop(reason, copies, nowMs()),
    record(route, request, pair, verdict) {
      const agrees = AGREEING.includes(verdict.outcome);
      recordOf(route).record({ request, pair, verdict }, agrees, nowMs(), redactionOf(route));
    },
    streamed: (route, finding, shown) =>
      recordOf(route).streamed(finding, shown, { nowMs: nowMs(), redaction: redactionOf(route) }),
    of(route, window = 'stage') {
      const record = recordOf(route);
      const { sinceMs, counts } = record.of(window, nowMs());
      const isAnyStream = counts.streams ?? record.of('stage', nowMs()).counts.streams;
      return {
        ...conclude({ window, sinceMs, counts: counts.requests, pending: record.pending }),
        ...(isAnyStream
          ? { streams: concludeStreams(counts.streams ?? newStreamCounted(), record.streamSamples) }
          : {}),
      };
    },
    samples(route) {
      const record = recordOf(route);
      record.expire(samplesFrom());
      return record.samples.toReversed();
    },
    enter: (route, stage) => recordOf(route).enter(stage, nowMs()),
    absorb({ route, begun, slices, ...samples }) {
      const record = recordOf(route);
      record.begin(begun);
      for (const [startMs, counts] of slices) record.add(startMs, counts);
      record.addSamples(samples);
    },
    take() {
      const from = samplesFrom();
      return [...routes.values()].flatMap((record) => {
        record.expire(from);
        return record.take() ?? [];
      });
    },
    restore(kept) {
      for (const each of kept) recordOf(each.route).restore(each);
    },
    numberSamplesFrom(n) {
      numbersFrom = n;
    },
    retain(configured) {
      for (const route of routes.keys()) if (!configured.has(route)) routes.delete(route);
    },
  };
}

/** The rates that follow from the counts. Pure. */
export function conclude({
  window,
  sinceMs,
  counts,
  pending,
}: Pick<RouteEvidence, 'window' | 'pending'> & { readonly sinceMs: number; readonly counts: Counts }): RouteEvidence {
  const comparable = sumOf(counts, COMPARABLE);
  const differences = [...counts.differences.values()];
  const { hits, trials } = agreeingShare({ ...counts, differences });
  const shareOf = ({ count, noise, confirmed }: Judgeable) =>
    noise > 0 ? ratio(confirmed, counts.bracketed.comparable - noise) : ratio(count, comparable);
  const eligible = sumOf(counts, OUTCOMES) + pending;
  return {
    window,
    since: new Date(sinceMs).toISOString(),
    eligible,
    pending,
    outcomes: { ...counts.outcomes },
    dropped: Object.fromEntries(counts.dropped),
    bracketed: { ...counts.bracketed },
    timed: { ...counts.timed },
    coverage: eligible > 0 ? comparable / eligible : null,
    parity: trials > 0 ? hits / trials : null,
    parityLowerBound: lowerBound95(hits, trials) ?? null,
    differences: differences
      .sort((a, b) => b.count - a.count || (a.path < b.path ? -1 : 1))
      .map(({ rule, ...difference }) => ({
        ...difference,
        share: shareOf(difference),
        ...(rule === undefined ? {} : { rule }),
      })),
    differencesDropped: counts.differencesDropped,
  };
}

type Judgeable = Pick<DifferenceCount, 'count' | 'noise' | 'confirmed'>;

/** What parity is the share of: how many of the requests that can be judged agree. Not whole where noise hides some. */
export function agreeingShare({
  outcomes,
  bracketed,
  differences,
}: Pick<RouteEvidence, 'outcomes' | 'bracketed'> & {
  readonly differences: readonly (Judgeable & { readonly rule?: string | undefined })[];
}): Share {
  const noisy = differences.filter(({ noise, rule }) => noise > 0 && rule === undefined);
  if (noisy.length === 0) return { hits: sumOf({ outcomes }, AGREEING), trials: sumOf({ outcomes }, COMPARABLE) };
  const { comparable: trials, agreeing } = bracketed;
  const hidden = noisy.reduce((total, difference) => total + hiddenBy(difference, trials), 0);
  return { hits: Math.max(0, agreeing - hidden), trials };
}

/**
 * Requests in which new is wrong at a place where legacy did not agree with itself, so that nobody saw it: as often as it
 * is wrong where legacy did agree, since noise does not know what new answers.
 */
function hiddenBy({ noise, confirmed }: Omit<Judgeable, 'count'>, bracketed: number): number {
  return ratio(confirmed * noise, bracketed - noise);
}

/** In how many requests a difference counts: where noise is known, only those where legacy agreed with itself. */
export function counting({ count, noise, confirmed }: Judgeable): number {
  return noise > 0 ? confirmed : count;
}

function ratio(part: number, whole: number): number {
  return whole > 0 ? part / whole : 0;
}

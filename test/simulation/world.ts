// Two backends and their users, drawn by chance: what a gateway would have measured of them.
import { guard as guardSchema } from '../../config/plan-schema.ts';
import { Durations } from '../../gateway/rollout/durations.ts';
import { type BothServed, type ComparedFacts, comparableOf } from '../../gateway/rollout/facts.ts';
import type { Stage } from '../../gateway/rollout/stage.ts';
import type { Side } from '../../gateway/routing/side.ts';
import type { Random } from './random.ts';

/** What is wrong with the new side; all shares are of requests. */
export interface Fault {
  /** Fails so often more than legacy does, served or copied. */
  readonly errors?: number;
  /** Takes so many times as long. */
  readonly slowness?: number;
  /** Answers wrong so often at a critical place. */
  readonly critical?: number;
  /** Fails every request of the users in these per cents of the cohort, when it serves them; copies do not show it. */
  readonly cohort?: readonly [from: number, to: number];
}

export interface World {
  readonly requestsPerSecond: number;
  /** Share of requests that either side fails. */
  readonly errors: number;
  /** Share of answers that differ where it does not matter much. */
  readonly mismatches: number;
  /** Of the logarithm of durations. */
  readonly spread: number;
  readonly fault: Fault;
  /** The fault shows once the new side serves so many per cent of the users; 0: from the beginning. */
  readonly faultFromPercent: number;
}

const MEDIAN_MS = 20;
/** Of the guard's defaults. */
const GUARD_RATIO = guardSchema.parse({}).latencyRatioMax;

type Counts = Pick<ComparedFacts, 'eligible' | 'agreeing' | 'mismatches' | 'newErrors' | 'legacyErrors'> & {
  readonly critical: number;
  readonly timed: number;
  readonly slower: number;
};
const NOTHING: Counts = {
  eligible: 0,
  agreeing: 0,
  mismatches: 0,
  newErrors: 0,
  legacyErrors: 0,
  critical: 0,
  timed: 0,
  slower: 0,
};

/** One route's traffic in time. */
export class Traffic {
  readonly #world: World;
  readonly #random: Random;
  readonly #served = { legacy: newServed(), new: newServed() };
  /** Counts since the stage began, as they were, to subtract for windows. */
  #marks: { readonly atMs: number; readonly counts: Counts }[] = [{ atMs: 0, counts: NOTHING }];
  #counts = NOTHING;
  #faultSinceMs: number | undefined;

  constructor(world: World, random: Random) {
    this.#world = world;
    this.#random = random;
  }

  /** When the fault first showed. */
  get faultSinceMs(): number | undefined {
    return this.#faultSinceMs;
  }

  enterStage(nowMs: number): void {
    this.#counts = NOTHING;
    this.#marks = [{ atMs: nowMs, counts: NOTHING }];
  }

  /** What happens in the time up to `nowMs`. */
  pass(seconds: number, nowMs: number, stage: Stage, percent: number): void {
    const { requestsPerSecond, errors, faultFromPercent, fault } = this.#world;
    const requests = this.#random.poisson(requestsPerSecond * seconds);
    const isFaulty = percent >= faultFromPercent;
    if (isFaulty) this.#faultSinceMs ??= nowMs;
    const now = isFaulty ? fault : {};
    const toNew = this.#random.binomial(requests, percent / 100);
    const cohort = stage === 'shadow' || percent === 0 ? 0 : cohortShare(now, percent);
    // In shadow nothing of it is looked at.
    if (stage !== 'shadow') {
      this.#serve('legacy', requests - toNew, errors, 1);
      this.#serve('new', toNew, Math.min(1, errors + (now.errors ?? 0) + cohort), now.slowness ?? 1);
    }
    this.#compare(requests, now, nowMs, stage);
  }

  #serve(side: Side, requests: number, errors: number, slowness: number): void {
    const served = this.#served[side];
    served.requests += requests;
    served.errors += this.#random.binomial(requests, errors);
    for (let i = 0; i < requests; i++) {
      served.durations.add(MEDIAN_MS * slowness * Math.exp(this.#world.spread * this.#random.normal()));
    }
  }

  #compare(requests: number, now: Fault, nowMs: number, stage: Stage): void {
    const { errors, mismatches } = this.#world;
    const legacyErrors = this.#random.binomial(requests, errors);
    const newErrors = this.#random.binomial(requests - legacyErrors, Math.min(1, errors + (now.errors ?? 0)));
    const answered = requests - legacyErrors - newErrors;
    const critical = this.#random.binomial(answered, now.critical ?? 0);
    const differing = critical + this.#random.binomial(answered - critical, mismatches);
    const timed = stage === 'shadow' ? 0 : answered;
    const before = this.#counts;
    this.#counts = {
      eligible: before.eligible + requests,
      agreeing: before.agreeing + answered - differing,
      mismatches: before.mismatches + differing,
      newErrors: before.newErrors + newErrors,
      legacyErrors: before.legacyErrors + legacyErrors,
      critical: before.critical + critical,
      timed: before.timed + timed,
      slower: before.slower + this.#random.binomial(timed, laterShare(now.slowness ?? 1, this.#world.spread)),
    };
    const from = this.#marks.findLastIndex(({ atMs }) => atMs <= nowMs - 600_000);
    this.#marks = [...this.#marks.slice(Math.max(0, from)), { atMs: nowMs, counts: this.#counts }];
  }

  totals(): BothServed {
    const { legacy, new: fresh } = this.#served;
    return {
      legacy: { ...legacy, durations: legacy.durations.copy() },
      new: { ...fresh, durations: fresh.durations.copy() },
    };
  }

  /** Since the stage began, or in the last `windowMs`. */
  compared(nowMs: number, windowMs = Number.POSITIVE_INFINITY): ComparedFacts {
    const from = this.#marks.findLast(({ atMs }) => atMs <= nowMs - windowMs)?.counts;
    const before = Number.isFinite(windowMs) ? (from ?? this.#marks[0]?.counts ?? NOTHING) : NOTHING;
    const since = (name: keyof Counts) => this.#counts[name] - before[name];
    const critical = since('critical');
    const facts = {
      eligible: since('eligible'),
      agreeing: since('agreeing'),
      mismatches: since('mismatches'),
      newErrors: since('newErrors'),
      legacyErrors: since('legacyErrors'),
      timeouts: 0,
      timed: { hits: since('slower'), trials: since('timed') },
      critical: critical > 0 ? [{ path: '$.price', count: critical }] : [],
      worst: undefined,
    };
    return { ...facts, judged: { hits: facts.agreeing, trials: comparableOf(facts) } };
  }
}

/** The share of those whom the new side serves that are in the cohort. */
function cohortShare({ cohort }: Fault, percent: number): number {
  if (!cohort) return 0;
  const [from, to] = cohort;
  return Math.max(0, Math.min(to, percent) - from) / percent;
}

/** How often new takes more than GUARD_RATIO times as long as legacy, when it takes so many times as long and both spread. */
function laterShare(slowness: number, spread: number): number {
  return normalShare(Math.log(slowness / GUARD_RATIO) / (spread * Math.SQRT2));
}

/** The share of a normal distribution below `z` (Abramowitz and Stegun 26.2.17, to seven digits). */
function normalShare(z: number): number {
  const t = 1 / (1 + 0.2316419 * Math.abs(z));
  const factors = [0.31938153, -0.356563782, 1.781477937, -1.821255978, 1.330274429];
  const sum = factors.reduceRight((total, factor) => (total + factor) * t, 0);
  const tail = (Math.exp((-z * z) / 2) / Math.sqrt(2 * Math.PI)) * sum;
  return z > 0 ? 1 - tail : tail;
}

function newServed() {
  return { requests: 0, errors: 0, durations: new Durations() };
}

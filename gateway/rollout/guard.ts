// The guard: whether a route that the new side serves has to go back, by what happened in the last minute and the last
// ten. Pure.
import type { GuardConfig } from '../../config/plan-schema.ts';
import { exactLow, increaseBetween, increaseBounds, type Share, shareBounds } from '../mirror/confidence.ts';
import type { Side } from '../routing/side.ts';
import { comparedErrors, type ErrorShares, servedErrors } from './error-shares.ts';
import type { BothServed, ComparedFacts } from './facts.ts';
import { count, percent } from './gates/verdict.ts';
import { slownessOf } from './slowness.ts';
import type { Stage } from './stage.ts';

/**
 * One-sided confidence of a single look: 1 in 31,574. The guard looks every second for days, and a route must not go
 * back because one look in many was unlucky; `npm run simulate` shows what comes of it.
 */
export const GUARD_Z = 4;
/** What lies above GUARD_Z. */
const GUARD_CHANCE = 3.167e-5;
/** Errors of new that are too many where nothing is known of legacy's. */
const UNKNOWN_LEGACY_ERRORS_MAX = 0.2;
/** New is later than is borne in so many of the requests when it is typically as late as is borne. */
const TYPICAL = 0.5;
/** A side that fails this share of its requests, beyond doubt, is no place to go back to. */
const LEGACY_ERRORS_MAX = 0.5;

export interface GuardWindow {
  readonly compared: ComparedFacts;
  readonly served: BothServed;
}

export interface GuardFacts {
  readonly stage: Stage;
  readonly windows: readonly GuardWindow[];
  /** What the health checks say; undefined where nobody knows. */
  readonly healthy: Readonly<Record<Side, boolean | undefined>>;
}

export type GuardCause = 'upstream' | 'errors' | 'critical' | 'latency';

export type GuardDecision =
  /** There is nothing to go back for. */
  | { readonly kind: 'watch' }
  | { readonly kind: 'roll_back'; readonly cause: GuardCause; readonly sentence: string }
  /** The new side is bad and legacy is too: nothing moves, and a person has to look. */
  | { readonly kind: 'hold'; readonly cause: GuardCause; readonly sentence: string };

const WATCH: GuardDecision = { kind: 'watch' };

/** @returns what to do with a route in canary or live; in other stages the new side serves nobody, or nobody looks. */
export function guardDecision(facts: GuardFacts, settings: GuardConfig): GuardDecision {
  if (!settings.enabled || (facts.stage !== 'canary' && facts.stage !== 'live')) return WATCH;
  const found = badness(facts, settings);
  if (!found) return WATCH;
  const legacyProblem = problemOfLegacy(facts);
  if (legacyProblem === undefined) return { kind: 'roll_back', ...found };
  return { kind: 'hold', cause: found.cause, sentence: `${found.sentence}; not rolled back, since ${legacyProblem}` };
}

export interface Badness {
  readonly cause: GuardCause;
  readonly sentence: string;
}

function badness({ stage, windows, healthy }: GuardFacts, settings: GuardConfig): Badness | undefined {
  if (healthy.new === false) return { cause: 'upstream', sentence: 'the new side does not answer its health check' };
  for (const { compared, served } of windows) {
    const critical = tooCritical(compared, settings);
    const errors = tooManyErrors(servedErrors(served), comparedErrors(compared, stage), settings);
    const found = critical ?? errors ?? tooSlow(served, settings) ?? tooLate(compared, settings);
    if (found) return found;
  }
  return undefined;
}

function tooCritical({ critical, streams }: ComparedFacts, { criticalMax }: GuardConfig): Badness | undefined {
  const inMessages = streams?.critical ?? [];
  const total = [...critical, ...inMessages].reduce((sum, each) => sum + each.count, 0);
  if (total <= criticalMax) return undefined;
  const [place = inMessages[0]] = critical;
  if (!place) return undefined;
  const what = critical.length > 0 ? 'requests' : 'messages';
  return { cause: 'critical', sentence: `critical: ${place.path} differs in ${count(place.count)} ${what}` };
}

/** What `new` and `legacy` are called in sentences. */
type Names = Readonly<Record<Side, string>>;
const SIDES_THEMSELVES: Names = { legacy: 'legacy', new: 'new' };

/** The limits for what was served, which hold for versions of the new side as they do for sides. */
export type ServedLimits = Pick<
  GuardConfig,
  'samplesMin' | 'errorsIncreaseMax' | 'latencySamplesMin' | 'latencyRatioMax'
>;

/** What speaks beyond doubt against the one that stands for `new`, by what both served; undefined where nothing does. */
export function servedBadness(served: BothServed, limits: ServedLimits, names: Names): Badness | undefined {
  return tooManyErrors(servedErrors(served), [], limits, names) ?? tooSlow(served, limits, names);
}

function tooManyErrors(
  served: ErrorShares,
  compared: readonly ErrorShares[],
  settings: ServedLimits,
  names = SIDES_THEMSELVES,
): Badness | undefined {
  const { samplesMin, errorsIncreaseMax } = settings;
  const isEnough = ({ trials }: Share) => trials >= samplesMin;
  // In live legacy serves nobody: what it made of the copies stands in.
  const legacy = [served, ...compared].map((shares) => shares.legacy).find(isEnough);
  const populations = [
    { ...served, legacy: legacy ?? { hits: 0, trials: served.new.trials } },
    ...compared.filter((shares) => isEnough(shares.legacy)),
  ];
  for (const shares of populations.filter((each) => isEnough(each.new))) {
    const isKnown = shares.of !== 'served requests' || legacy !== undefined;
    const borne = isKnown ? errorsIncreaseMax : Math.max(errorsIncreaseMax, UNKNOWN_LEGACY_ERRORS_MAX);
    const increase = atLeast(shares, borne);
    if (increase === undefined) continue;
    const { hits, trials } = shares.new;
    const more = `${percent(increase)} more than ${names.legacy} beyond doubt, ${percent(borne)} is borne`;
    return {
      cause: 'errors',
      sentence: `${names.new} failed ${count(hits)} of ${count(trials)} ${shares.of}: ${more}`,
    };
  }
  return undefined;
}

/**
 * By how much new fails more often beyond doubt; undefined where that is borne. Only what seems to be more is looked at exactly,
 * since the guard looks at every route every second.
 */
function atLeast({ legacy, new: fresh }: ErrorShares, borne: number): number | undefined {
  if (increaseBounds(legacy, fresh, GUARD_Z).low <= borne) return undefined;
  const exact = { low: exactLow(fresh, GUARD_CHANCE), high: 1 };
  const { low } = increaseBetween([legacy, shareBounds(legacy, GUARD_Z)], [fresh, exact]);
  return low > borne ? low : undefined;
}

function tooSlow(
  { legacy, new: fresh }: BothServed,
  settings: ServedLimits,
  names = SIDES_THEMSELVES,
): Badness | undefined {
  const { latencyRatioMax, latencySamplesMin } = settings;
  if (Math.min(legacy.durations.total, fresh.durations.total) < latencySamplesMin) return undefined;
  const slowness = slownessOf(legacy.durations, fresh.durations, latencyRatioMax, GUARD_Z);
  if (!slowness?.isBeyondDoubt) return undefined;
  const { newP95Ms, legacyP95Ms, ratio } = slowness;
  const found = `${names.new} p95 ${newP95Ms.toFixed(1)} ms is ${ratio.toFixed(2)} x ${names.legacy}'s ${legacyP95Ms.toFixed(1)} ms`;
  return { cause: 'latency', sentence: `${found}, ${latencyRatioMax} x is borne` };
}

/**
 * Request by request, whichever side served and got the copy: thin canaries have many more of these, and in live, where
 * legacy serves nobody, there is nothing else. Were new within the limit, it would be later than that in no more than half
 * of them, whatever the spread (the sign test, Conover 1999, section 3.4).
 */
function tooLate({ timed }: ComparedFacts, { latencyRatioMax, latencySamplesMin }: GuardConfig): Badness | undefined {
  const { hits, trials } = timed;
  if (trials < latencySamplesMin || shareBounds(timed, GUARD_Z).low <= TYPICAL) return undefined;
  const found = `new took more than ${latencyRatioMax} x as long as legacy in ${count(hits)} of ${count(trials)}`;
  return { cause: 'latency', sentence: `${found} requests that both were asked` };
}

/** Why going back would help nobody, or undefined. Only what is recent counts, so the first window. */
function problemOfLegacy({ stage, windows, healthy }: GuardFacts): string | undefined {
  if (healthy.legacy === false) return 'legacy does not answer its health check either';
  const [recent] = windows;
  if (!recent) return undefined;
  for (const { legacy, of } of [servedErrors(recent.served), ...comparedErrors(recent.compared, stage)]) {
    if (shareBounds(legacy, GUARD_Z).low <= LEGACY_ERRORS_MAX) continue;
    return `legacy failed ${count(legacy.hits)} of ${count(legacy.trials)} ${of} too`;
  }
  return undefined;
}

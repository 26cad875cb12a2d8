// What the signs of a listing are worth: published patterns, scored from 0 to 100, every score with its parts. Pure. The scheme
// is that of public tools for this exchange (docs/sniper.md has it as a table); what they know and this does not (activities
// of the exchange, a language model's opinion) counts nothing, so that scores are never higher than theirs.

const HOUR_MS = 3_600_000;

export type Listing = {
  readonly vcoinId: string;
  readonly symbol: string;
  readonly projectName: string;
  readonly opensAtMs: number;
  /** Undefined while the table of symbols does not have it. */
  readonly signs: ListingSigns | undefined;
};
export type ListingSigns = {
  readonly sts: number;
  readonly st: number;
  readonly tt: number;
  readonly coinId: string | null;
  readonly contract: string | null;
  readonly priceScale: number | null;
  readonly quantityScale: number | null;
};

export const PATTERN_KINDS = ['ready_state', 'pre_ready', 'launch_sequence'] as const;
export type PatternKind = (typeof PATTERN_KINDS)[number];

export type Pattern = {
  readonly kind: PatternKind;
  /** 0 to 100: the sum of its parts, cut off. */
  readonly score: number;
  readonly parts: Readonly<Record<string, number>>;
  /** Whether the score is enough to tell of it. */
  readonly isSignal: boolean;
  readonly risk: 'low' | 'medium' | 'high';
  readonly recommendation: 'immediate_action' | 'prepare_entry' | 'monitor_closely' | 'wait';
  /** Until trading begins, as this pattern tells, hours. */
  readonly opensInHours: number;
};

/** What a pattern needs to be told of. */
const SIGNAL_AT: Readonly<Record<PatternKind, number>> = { ready_state: 85, pre_ready: 60, launch_sequence: 70 };

const READY = { sts: 2, st: 2, tt: 4 } as const;
/** A tenth of the share of successes, which nobody has counted here: the published default of 75. */
const HISTORY_POINTS = 7.5;
/** On the way to ready: the score, and the hours that it usually still takes. */
const PRE_READY: readonly {
  readonly sts: number;
  readonly st: number;
  readonly score: number;
  readonly hours: number;
}[] = [
  { sts: 1, st: 1, score: 60, hours: 6 },
  { sts: 2, st: 1, score: 75, hours: 2 },
  { sts: 2, st: 2, score: 85, hours: 0.5 },
];

/** Notice below this is no launch sequence, hours. */
const NOTICE_LEAST_HOURS = 3.5;
const NOTICE_POINTS: readonly { readonly hours: number; readonly points: number }[] = [
  { hours: 12, points: 20 },
  { hours: 6, points: 15 },
  { hours: NOTICE_LEAST_HOURS, points: 10 },
];
/** What is thought of projects of a kind, of which a third counts; by words of the name. */
const PROJECTS: readonly { readonly words: RegExp; readonly worth: number }[] = [
  { words: /\b(ai|gpt|agent|neural)\b/i, worth: 90 },
  { words: /\b(defi|swap|lend|yield|finance)\b/i, worth: 85 },
  { words: /\b(game|gamefi|play|metaverse)\b/i, worth: 80 },
  { words: /\b(chain|layer|network|protocol|infra)\b/i, worth: 75 },
  { words: /\b(meme|doge|inu|pepe|cat)\b/i, worth: 70 },
];
const WORTH_USUAL = 60;

type Scored = Omit<Pattern, 'score' | 'isSignal' | 'opensInHours'>;

function patternOf(scored: Scored, opensInHours: number): Pattern {
  const sum = Object.values(scored.parts).reduce((total, points) => total + points, 0);
  const score = Math.min(100, Math.max(0, Math.round(sum * 10) / 10));
  return {
    ...scored,
    score,
    isSignal: score >= SIGNAL_AT[scored.kind],
    opensInHours: Math.round(opensInHours * 1000) / 1000,
  };
}

function readyState(signs: ListingSigns, opensInHours: number): Pattern {
  const { coinId, contract, priceScale, quantityScale } = signs;
  const completeness =
    (coinId === null ? 0 : 10) +
    (contract === null ? 0 : 5) +
    (priceScale === null ? 0 : 5) +
    (quantityScale === null ? 0 : 5);
  const risk = completeness === 25 ? 'low' : 'medium';
  const parts = { base: 50, exact_match: 30, completeness, history: HISTORY_POINTS };
  return patternOf({ kind: 'ready_state', parts, risk, recommendation: 'immediate_action' }, opensInHours);
}

function preReady({ sts, st }: ListingSigns): Pattern | undefined {
  const step = PRE_READY.find((each) => each.sts === sts && each.st === st);
  if (!step) return undefined;
  const recommendation = step.hours <= 0.5 ? 'prepare_entry' : 'monitor_closely';
  return patternOf({ kind: 'pre_ready', parts: { step: step.score }, risk: 'medium', recommendation }, step.hours);
}

function launchRecommendation(score: number, hours: number): Pattern['recommendation'] {
  if (score >= 80 && hours <= 12) return 'prepare_entry';
  return score >= SIGNAL_AT.launch_sequence ? 'monitor_closely' : 'wait';
}

function launchSequence({ projectName, opensAtMs, signs }: Listing, opensInHours: number): Pattern | undefined {
  const notice = NOTICE_POINTS.find(({ hours }) => opensInHours >= hours);
  if (!notice) return undefined;
  const opensAt = new Date(opensAtMs);
  const isWeekday = opensAt.getUTCDay() >= 1 && opensAt.getUTCDay() <= 5;
  const isDaytime = opensAt.getUTCHours() >= 8 && opensAt.getUTCHours() < 16;
  const worth = PROJECTS.find(({ words }) => words.test(projectName))?.worth ?? WORTH_USUAL;
  const parts = {
    base: 40,
    notice: notice.points,
    project: 0.3 * worth,
    completeness: (projectName === '' ? 0 : 5) + (signs ? 10 : 0),
    weekday: isWeekday ? 5 : 0,
    daytime: isDaytime ? 5 : 0,
  };
  const risk = opensInHours > 168 ? 'high' : opensInHours <= 48 ? 'low' : 'medium';
  const pattern = patternOf({ kind: 'launch_sequence', parts, risk, recommendation: 'wait' }, opensInHours);
  return { ...pattern, recommendation: launchRecommendation(pattern.score, opensInHours) };
}

export const isReady = ({ sts, st, tt }: Pick<ListingSigns, 'sts' | 'st' | 'tt'>): boolean =>
  sts === READY.sts && st === READY.st && tt === READY.tt;

/** Every pattern that the listing shows at `nowMs`: ready, or on its way there, and announced well ahead. */
export function patternsOf(listing: Listing, nowMs: number): readonly Pattern[] {
  const { signs, opensAtMs } = listing;
  const hours = (opensAtMs - nowMs) / HOUR_MS;
  const ofSigns = signs && (isReady(signs) ? readyState(signs, Math.max(0, hours)) : preReady(signs));
  return [ofSigns, launchSequence(listing, hours)].filter((pattern) => pattern !== undefined);
}

/** The score of the ready state; 0 while it is not shown. */
export function readyScore(listing: Listing, nowMs: number): number {
  return patternsOf(listing, nowMs).find(({ kind }) => kind === 'ready_state')?.score ?? 0;
}

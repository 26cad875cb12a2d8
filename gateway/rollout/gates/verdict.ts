// What a gate answers.
import type { GateName } from '../../../config/plan-schema.ts';

/** `inconclusive`: the numbers say neither, or there are none; it holds as a failure does. */
export type GateStatus = 'pass' | 'fail' | 'inconclusive';

export interface Verdict {
  readonly gate: GateName;
  readonly status: GateStatus;
  /** What a person needs to know. */
  readonly sentence: string;
  /** What it is based on. */
  readonly numbers: Readonly<Record<string, number>>;
}

/** Of what several kinds of evidence say, the worst. */
export function worstOf(verdicts: readonly Verdict[]): Verdict | undefined {
  return (['fail', 'inconclusive', 'pass'] as const).flatMap((status) =>
    verdicts.filter((verdict) => verdict.status === status),
  )[0];
}
/** One for all: making it takes a thousand times as long as using it. */
const WHOLE = new Intl.NumberFormat('en-US', { maximumFractionDigits: 0 });

export function count(value: number): string {
  return WHOLE.format(Math.round(value));
}

/** Of what must not look larger than it is: 0.99896 is not 99.90 %. */
export function percentAtLeast(share: number): string {
  return percent(Math.floor(share * 10_000) / 10_000);
}

export function percent(share: number, digits = 2): string {
  return `${(share * 100).toFixed(digits)} %`;
}

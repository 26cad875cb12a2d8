// Stages, and the two flags that say which stage a route is in. Pure.

export const STAGES = ['legacy', 'shadow', 'canary', 'live', 'complete'] as const;
export type Stage = (typeof STAGES)[number];

/** How far a route's two flags are rolled out, in whole per cent; 0 is off. */
export interface FlagPercents {
  /** Share of identities that the new side serves. */
  readonly percent: number;
  /** Share of identities whose requests may be copied to the side that does not serve. */
  readonly mirrorPercent: number;
}

/** What an operator asks for. */
export interface StageRequest {
  readonly stage: Stage;
  readonly percent?: number | undefined;
  readonly mirrorPercent?: number | undefined;
}

/** The stage that the flags amount to. The flags are the truth: an operator may move them in Unleash's own UI. */
export function stageOf({ percent, mirrorPercent }: FlagPercents): Stage {
  if (percent <= 0) return mirrorPercent > 0 ? 'shadow' : 'legacy';
  if (percent < 100) return 'canary';
  return mirrorPercent > 0 ? 'live' : 'complete';
}

const COPIES: Readonly<Record<Stage, boolean>> = {
  legacy: false,
  shadow: true,
  canary: true,
  live: true,
  complete: false,
};

/** The flags of a requested stage, or why it cannot be. Which of the users are sampled the mirror decides, see mirror/sampler.ts. */
export function flagsFor(
  request: StageRequest,
): { readonly ok: true; readonly flags: FlagPercents } | { readonly ok: false; readonly problem: string } {
  const { stage, percent, mirrorPercent } = request;
  const refuse = (problem: string) => ({ ok: false, problem }) as const;
  if (stage === 'canary' && percent === undefined)
    return refuse('canary needs "percent": how many per cent of users the new side serves');
  if (stage !== 'canary' && percent !== undefined)
    return refuse(`"percent" belongs to canary; ${stage} has its own share`);
  if (percent !== undefined && !isWhole(percent, 1, 99))
    return refuse('"percent" of a canary is a whole number from 1 to 99');
  if (mirrorPercent !== undefined && !COPIES[stage])
    return refuse(`"mirrorPercent" has no meaning in ${stage}: nothing is copied`);
  if (mirrorPercent !== undefined && !isWhole(mirrorPercent, 1, 100)) {
    return refuse('"mirrorPercent" is a whole number from 1 to 100');
  }
  const mirror = COPIES[stage] ? (mirrorPercent ?? 100) : 0;
  const served = { legacy: 0, shadow: 0, canary: percent ?? 0, live: 100, complete: 100 }[stage];
  return { ok: true, flags: { percent: served, mirrorPercent: mirror } };
}

function isWhole(value: number, min: number, max: number): boolean {
  return Number.isInteger(value) && value >= min && value <= max;
}

// How often each side fails, in two populations that know nothing of each other: requests that a side served, and
// requests that both sides were asked because of a copy. Pure.
import type { Share } from '../mirror/confidence.ts';
import { type BothServed, type ComparedFacts, comparableOf } from './facts.ts';
import type { Stage } from './stage.ts';

export interface ErrorShares {
  /** What it is called in sentences. */
  readonly of: 'served' | 'copied';
  readonly legacy: Share;
  readonly new: Share;
}

export function servedErrors({ legacy, new: fresh }: BothServed): ErrorShares {
  return {
    of: 'served',
    legacy: { hits: legacy.errors, trials: legacy.requests },
    new: { hits: fresh.errors, trials: fresh.requests },
  };
}

/** A copy that is not answered in time speaks against the side that gets the copies; in a canary both do. */
export function copiedErrors(compared: ComparedFacts, stage: Stage): ErrorShares {
  const { newErrors, legacyErrors, timeouts } = compared;
  const [late, legacyLate] = [stage === 'shadow' ? timeouts : 0, stage === 'live' ? timeouts : 0];
  const trials = comparableOf(compared) + legacyErrors + late + legacyLate;
  return {
    of: 'copied',
    legacy: { hits: legacyErrors + legacyLate, trials },
    new: { hits: newErrors + late, trials },
  };
}

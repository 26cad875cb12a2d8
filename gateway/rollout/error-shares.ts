// How often each side fails, in populations that know nothing of each other: requests that a side served, requests that
// both sides were asked because of a copy, and streams that both were asked to open because of comparing. Pure.
import type { Share } from '../mirror/confidence.ts';
import { type BothServed, type ComparedFacts, type ComparedStreams, comparableOf } from './facts.ts';
import type { Stage } from './stage.ts';

export interface ErrorShares {
  /** What it is called in sentences. */
  readonly of: 'served requests' | 'copied requests' | 'compared streams';
  readonly legacy: Share;
  readonly new: Share;
}

export function servedErrors({ legacy, new: fresh }: BothServed): ErrorShares {
  return {
    of: 'served requests',
    legacy: { hits: legacy.errors, trials: legacy.requests },
    new: { hits: fresh.errors, trials: fresh.requests },
  };
}

/** What both sides were asked, whoever served it. */
export function comparedErrors(compared: ComparedFacts, stage: Stage): readonly ErrorShares[] {
  return [copiedErrors(compared, stage), ...(compared.streams ? [streamErrors(compared.streams)] : [])];
}

/** A copy that is not answered in time speaks against the side that gets the copies; in a canary both do. */
export function copiedErrors(compared: ComparedFacts, stage: Stage): ErrorShares {
  const { newErrors, legacyErrors, timeouts } = compared;
  const [late, legacyLate] = [stage === 'shadow' ? timeouts : 0, stage === 'live' ? timeouts : 0];
  const trials = comparableOf(compared) + legacyErrors + late + legacyLate;
  return {
    of: 'copied requests',
    legacy: { hits: legacyErrors + legacyLate, trials },
    new: { hits: newErrors + late, trials },
  };
}

/** Every compared stream was opened by the side that serves it. */
function streamErrors({ begun, failed }: ComparedStreams): ErrorShares {
  return {
    of: 'compared streams',
    legacy: { hits: failed.legacy, trials: begun },
    new: { hits: failed.new, trials: begun },
  };
}

// Which copies are bracketed: a share of each route's, and of a route with noise more while few have been, since there
// only bracketed requests are judged and thin traffic would take days.
import type { RouteModel } from '../routing/route.ts';
import { type Chooser, createChooser } from './chooser.ts';

/** As many as a gate needs to conclude, and some; more than the configured share only up to so many in such a time. */
const WANTED = 400;
const WANTED_MS = 600_000;
/** How long noise is expected to be met again. */
const NOISY_MS = 3_600_000;

interface Standing {
  readonly chooser: Chooser;
  noisyUntilMs: number;
  /** How many are still wanted. */
  wanted: number;
  atMs: number;
}

export interface Bracketing {
  /** Whether the route's next copy is to be bracketed. */
  choose(route: RouteModel): boolean;
  /** Legacy has differed from itself. */
  sawNoise(route: string): void;
}

/** `hasSpare`: whether neither side suffers from copies; else no more than the configured share is bracketed. */
export function createBracketing(nowMs: () => number, hasSpare: () => boolean): Bracketing {
  const standings = new Map<string, Standing>(); // One per configured route.
  const standing = (route: string) => {
    const now = nowMs();
    const known = standings.get(route) ?? { chooser: createChooser(), noisyUntilMs: 0, wanted: WANTED, atMs: now };
    standings.set(route, known);
    known.wanted = Math.min(WANTED, known.wanted + ((now - known.atMs) / WANTED_MS) * WANTED);
    known.atMs = now;
    return known;
  };

  return {
    choose({ id, config }) {
      const { bracketPercent } = config.mirror;
      const at = standing(id);
      const isWanted = bracketPercent > 0 && at.atMs < at.noisyUntilMs && at.wanted >= 1 && hasSpare();
      if (!at.chooser(isWanted ? 1 : bracketPercent / 100)) return false;
      at.wanted = Math.max(0, at.wanted - 1);
      return true;
    },
    sawNoise(route) {
      standing(route).noisyUntilMs = nowMs() + NOISY_MS;
    },
  };
}

// A rate that may not be passed for longer than a moment: tokens that refill, a second's worth at most.

export interface Allowance {
  /** Whether anything is left. */
  readonly isLeft: boolean;
  /** Takes what was used; more than is left is owed. */
  spend(amount: number): void;
}

/** Undefined for no limit. */
export function createAllowance(perSecond: number | undefined, nowMs: () => number): Allowance {
  if (perSecond === undefined) return { isLeft: true, spend() {} };
  let left = perSecond;
  let atMs = nowMs();
  return {
    get isLeft() {
      const now = nowMs();
      left = Math.min(perSecond, left + ((now - atMs) / 1_000) * perSecond);
      atMs = now;
      return left > 0;
    },
    spend(amount) {
      left -= amount;
    },
  };
}

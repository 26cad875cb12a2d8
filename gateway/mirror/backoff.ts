// How much of the copies a side gets: all while it is well, less and less while they make it slow or fail, and more again
// by itself. Additive increase, multiplicative decrease, as TCP does it (RFC 5681). A side is measured by its own past,
// route by route: that one has always been slow, or always fails, is no reason to spare it.

/** How often it is looked at, and how many copies it takes to say something. */
const INTERVAL_MS = 1_000;
const COPIES_MIN = 10;
/** With fewer copies than that it is looked at after this long. */
const INTERVAL_MS_MAX = 10_000;
/** Slow is so many times as long as usual; so much is no matter whatever the usual is. */
const SLOW_FACTOR = 3;
const SLACK_MS = 10;
/** A single copy counts as so many times its usual duration at most. */
const RATIO_MAX = 10;
/** Failing is so large a share of failures beyond the usual. */
const FAILED_SHARE = 0.1;
const DECREASE = 0.5;
const INCREASE = 0.05;
/** Some are always sent: they tell when the side is well again. */
const SHARE_MIN = 0.01;
/** What is usual is known after so many looks; until then nothing is slow. */
const LOOKS_MIN = 5;
/** How fast the usual follows what is seen: slowly while that is unusual. */
const LEARNING = 0.2;
const LEARNING_UNWELL = 0.005;

export interface Backoff {
  /** The share of copies that may be sent now, from 0.01 to 1. */
  readonly share: number;
  /** A copy was answered, or failed. */
  report(route: string, durationMs: number, failed: boolean): void;
}

interface Usual {
  looks: number;
  durationMs: number;
  failedShare: number;
}

interface Seen {
  copies: number;
  failed: number;
  answeredMs: number;
}

export function createBackoff(nowMs: () => number): Backoff {
  const usual = new Map<string, Usual>(); // One per configured route.
  const seen = new Map<string, Seen>(); // Likewise, since the last look.
  let copies = 0;
  let lookedAtMs = nowMs();
  let share = 1;

  /** How the copies since the last look compare with what is usual. */
  function isUnwell(): boolean {
    let ratios = 0;
    let answered = 0;
    let failures = 0;
    for (const [route, at] of seen) {
      const past = usual.get(route);
      failures += Math.max(0, at.failed - at.copies * (past?.failedShare ?? 0));
      const count = at.copies - at.failed;
      answered += count;
      const ratio =
        past && past.looks >= LOOKS_MIN && count > 0
          ? (at.answeredMs / count + SLACK_MS) / (past.durationMs + SLACK_MS)
          : 1;
      ratios += count * Math.min(RATIO_MAX, ratio);
    }
    return failures > copies * FAILED_SHARE || ratios > answered * SLOW_FACTOR;
  }

  function learn(rate: number): void {
    for (const [route, { copies: count, failed, answeredMs }] of seen) {
      const durationMs = count > failed ? answeredMs / (count - failed) : undefined;
      const past = usual.get(route) ?? { looks: 0, durationMs: durationMs ?? 0, failedShare: 0 };
      if (durationMs !== undefined) past.durationMs += (durationMs - past.durationMs) * rate;
      past.looks++;
      past.failedShare += (failed / count - past.failedShare) * rate;
      usual.set(route, past);
    }
  }

  function look(): void {
    const sinceMs = nowMs() - lookedAtMs;
    if (sinceMs < (copies >= COPIES_MIN ? INTERVAL_MS : INTERVAL_MS_MAX)) return;
    // So few copies cannot be what a side suffers from, unless it has been spared already.
    const unwell = (copies >= COPIES_MIN || share < 1) && isUnwell();
    learn(unwell ? LEARNING_UNWELL : LEARNING);
    share = unwell ? Math.max(SHARE_MIN, share * DECREASE) : Math.min(1, share + INCREASE);
    seen.clear();
    copies = 0;
    lookedAtMs = nowMs();
  }

  return {
    get share() {
      look();
      return share;
    },
    report(route, durationMs, failed) {
      const at = seen.get(route) ?? { copies: 0, failed: 0, answeredMs: 0 };
      seen.set(route, at);
      copies++;
      at.copies++;
      if (failed) at.failed++;
      else at.answeredMs += durationMs;
      look();
    },
  };
}

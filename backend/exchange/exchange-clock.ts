// The exchange's clock, as far as ours knows it: an offset measured against the exchange, kept fresh, measured anew on demand.
import type { Clock } from '../domain/ids.ts';

/** A clock drifts by a few ms in a quarter of an hour; the exchange forgives a second. */
const FRESH_MS = 15 * 60_000;

export type ExchangeClock = {
  /** The exchange's time as best known, ms since 1970; ours until it was measured. */
  readonly now: () => number;
  /** Measures now; callers that come meanwhile share it. False when the exchange did not tell its time. */
  readonly measure: () => Promise<boolean>;
  /** Measures in the background when the last measurement is old or there was none. */
  readonly keepFresh: () => void;
};

/** What the exchange said its time is, and when, by our clock, the question left. Waiting for leave to ask is no journey. */
export type TimeAnswer = { readonly theirsMs: number; readonly sentAtMs: number };

/** `askTime` answers undefined when the exchange did not tell; it never rejects. */
export function createExchangeClock(now: Clock, askTime: () => Promise<TimeAnswer | undefined>): ExchangeClock {
  let offsetMs = 0;
  let triedAtMs = Number.NEGATIVE_INFINITY;
  let measuring: Promise<boolean> | undefined;

  async function measureOnce(): Promise<boolean> {
    triedAtMs = now();
    const answer = await askTime();
    if (answer === undefined) return false;
    // Half the round trip is the best guess of when the exchange looked at its clock.
    offsetMs = answer.theirsMs - Math.round((answer.sentAtMs + now()) / 2);
    return true;
  }

  function measure(): Promise<boolean> {
    measuring ??= measureOnce().finally(() => {
      measuring = undefined;
    });
    return measuring;
  }

  return {
    now: () => now() + offsetMs,
    measure,
    keepFresh() {
      if (Math.abs(now() - triedAtMs) >= FRESH_MS) void measure(); // Math.abs: our clock may step back.
    },
  };
}

// A circuit breaker: opens when too large a share of what was tried lately has failed, and closes after a pause.
import type { Clock } from '../domain/ids.ts';

export type CircuitSettings = {
  /** How far back is looked, ms. */
  readonly windowMs: number;
  /** Fewer tries than this say nothing. */
  readonly triesMin: number;
  /** Opens from this share of failures on, 0 to 1. */
  readonly failureShare: number;
  /** How long it stays open, ms. */
  readonly pauseMs: number;
};

/** Parts of a window: what is old leaves in steps of one. */
const PARTS = 10;

export type Circuit = {
  readonly record: (failed: boolean) => void;
  readonly isOpen: () => boolean;
};

export function createCircuit(settings: CircuitSettings, now: Clock): Circuit {
  const partMs = settings.windowMs / PARTS;
  let parts: { readonly part: number; tries: number; failures: number }[] = [];
  let openUntilMs = 0;

  return {
    isOpen: () => now() < openUntilMs,
    record(failed) {
      const nowMs = now();
      if (nowMs < openUntilMs) return; // Stragglers of before it opened.
      const part = Math.floor(nowMs / partMs);
      parts = parts.filter((each) => each.part > part - PARTS);
      let last = parts.at(-1);
      if (last?.part !== part) {
        last = { part, tries: 0, failures: 0 };
        parts.push(last);
      }
      last.tries += 1;
      if (failed) last.failures += 1;
      const tries = parts.reduce((sum, each) => sum + each.tries, 0);
      const failures = parts.reduce((sum, each) => sum + each.failures, 0);
      if (tries < settings.triesMin || failures < tries * settings.failureShare) return;
      openUntilMs = nowMs + settings.pauseMs;
      parts = [];
    },
  };
}

// A side that takes no connection is not dialled for every copy: after some failures in a row only one copy in a while
// is sent, until one gets through. Copies that are not sent are dropped and counted.

/** Connection failures in a row after which a side counts as down for copies. */
const FAILURES_IN_A_ROW = 10;
/** How often a side that is down is tried. */
const PROBE_MS = 1_000;

export interface Outage {
  /** Whether a copy may be sent now. */
  allows(): boolean;
  /** A copy was sent; whether its connection failed. */
  report(connectionFailed: boolean): void;
}

export function createOutage(nowMs: () => number): Outage {
  let failures = 0;
  let probedMs = 0;
  return {
    allows() {
      if (failures < FAILURES_IN_A_ROW) return true;
      const now = nowMs();
      if (now - probedMs < PROBE_MS) return false;
      probedMs = now;
      return true;
    },
    report(connectionFailed) {
      failures = connectionFailed ? failures + 1 : 0;
      if (failures === FAILURES_IN_A_ROW) probedMs = nowMs();
    },
  };
}

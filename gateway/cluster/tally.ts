// The requests that a worker has answered since it last told the primary, bounded.
import type { Side } from '../routing/side.ts';
import type { Traffic } from '../traffic.ts';
import type { Report } from './messages.ts';

/** Requests between two reports whose durations are kept; a worker answers a tenth of that. */
const REQUESTS_MAX = 20_000;

export interface Tally extends Pick<Traffic, 'count'> {
  /** Requests answered from the beginning. */
  readonly answered: number;
  /** What has been counted since this was last asked. */
  take(): Pick<Report, 'requests' | 'unreported'>;
}

interface Batch {
  readonly route: string;
  readonly side: Side;
  readonly isError: boolean;
  readonly durationsMs: number[];
}

export function createTally(): Tally {
  const batches = new Map<string, Batch>(); // Four per configured route at most.
  let answered = 0;
  let kept = 0;
  let unreported = 0;
  return {
    get answered() {
      return answered;
    },
    count(route, side, durationMs, isError) {
      answered++;
      if (kept >= REQUESTS_MAX) {
        unreported++;
        return;
      }
      kept++;
      const key = `${side} ${isError} ${route}`;
      const batch = batches.get(key);
      if (batch) batch.durationsMs.push(durationMs);
      else batches.set(key, { route, side, isError, durationsMs: [durationMs] });
    },
    take() {
      const requests = [...batches.values()].map((batch) => ({
        ...batch,
        durationsMs: Float32Array.from(batch.durationsMs),
      }));
      const taken = { requests, unreported };
      batches.clear();
      kept = 0;
      unreported = 0;
      return taken;
    },
  };
}

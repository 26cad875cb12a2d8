// One interface over two load generators: wrk when it is installed, else our own.
import type { Workload } from '../workload.ts';

export interface LoadSpec {
  /** `host:port` of what is measured. */
  readonly target: string;
  readonly workload: Workload;
  readonly seconds: number;
  readonly connections: number;
  /**
   * Requests per second that arrive whether or not earlier ones have been answered (open loop), so that a stall is felt
   * by all who come during it. Without it each connection asks again as soon as it is answered (closed loop).
   */
  readonly ratePerSecond?: number;
}

export interface LoadResult {
  readonly requests: number;
  readonly requestsPerSecond: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly p999Ms: number;
  /** Requests without an answer, answers other than 200 and, where the generator checks them, answers with wrong bytes. */
  readonly errors: number;
}

/** Runs a load to its end. @throws when the generator itself fails. */
export type LoadGenerator = (spec: LoadSpec) => Promise<LoadResult>;

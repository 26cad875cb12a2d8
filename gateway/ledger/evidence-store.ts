// The port to what is kept of the evidence of comparing: counters that add up, and samples. What they are about is not
// known here; kept-evidence.ts gives them their meaning.

/** Counters by name. */
export type Counters = ReadonlyMap<string, number>;

/** What was counted in one slice of time, by its first millisecond. */
export interface StoredSlice {
  readonly startMs: number;
  readonly counters: Counters;
}

export interface StoredStage {
  readonly name: string;
  readonly sinceMs: number;
}

export interface StoredSample {
  /** Unlike that of any other sample of the route. */
  readonly n: number;
  /** ISO 8601, UTC. */
  readonly at: string;
  /** The sample as JSON text. */
  readonly document: string;
}

/** All that is kept of a route. */
export interface StoredRoute {
  readonly route: string;
  readonly stage: StoredStage;
  /** Since the stage began. */
  readonly total: Counters;
  /** In the order of time. */
  readonly slices: readonly StoredSlice[];
  /** In the order of their numbers. */
  readonly samples: readonly StoredSample[];
}

/** What has been found of a route since the batch before. */
export interface RouteBatch {
  readonly route: string;
  /** The stage in which it was counted. */
  readonly stage: StoredStage;
  /** To be added. */
  readonly slices: readonly StoredSlice[];
  readonly added: readonly StoredSample[];
  /** Numbers of samples that are kept no longer. */
  readonly removed: readonly number[];
}

export interface EvidenceBatch {
  /** The process that sends it: a name that no other process has or had. */
  readonly source: string;
  /** Grows with each batch of the source. */
  readonly sequence: number;
  readonly routes: readonly RouteBatch[];
}

export interface StoredEvidence {
  readonly routes: readonly StoredRoute[];
  /** The process that asked may give its samples numbers above this. */
  readonly samplesFrom: number;
}

export interface EvidenceLimits {
  /** All other routes are forgotten. */
  readonly routes: readonly string[];
  /** Slices that began before are forgotten; what they counted stays counted since the stage began. */
  readonly slicesFromMs: number;
  /** Samples from before are forgotten. ISO 8601, UTC. */
  readonly samplesFrom: string;
}

/**
 * Durable evidence, of one gateway or added up over several that share it. Everything rejects when the store cannot be
 * reached in time; whether a batch was added is unknown then, and it is to be sent again as it is.
 */
export interface EvidenceStore {
  /** For a process that begins: everything, and numbers for its samples that nobody else uses. */
  load(): Promise<StoredEvidence>;
  /**
   * Adds all of a batch, or nothing; nothing too when it was added already. What was counted in an earlier stage than
   * that of the store is left out; a later one begins with the counters of the batch, whatever there was before.
   */
  add(batch: EvidenceBatch): Promise<void>;
  /** The routes to which others have added since this, or `load`, was last asked, whole. */
  changed(): Promise<readonly StoredRoute[]>;
  prune(limits: EvidenceLimits): Promise<void>;
}

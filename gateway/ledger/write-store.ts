// The port to what is kept of the writes that legacy lacks: how many there are of a route, and the keys of some.

export interface StoredWriteKey {
  /** The how-manieth write of its route it was, from 1. */
  readonly n: number;
  readonly atMs: number;
  readonly key: string;
}

export interface StoredWrites {
  readonly route: string;
  /** All that were ever counted. */
  readonly written: number;
  /** Of these so many are on legacy too, as somebody has said. */
  readonly acknowledged: number;
  /** Of the others the first WRITE_KEYS_MAX and the latest as many, in their order. */
  readonly keys: readonly StoredWriteKey[];
}

/** Keys that are kept of the first writes that legacy lacks, and of the latest. */
export const WRITE_KEYS_MAX = 50;

/** Writes of a route since the batch before. */
export interface WriteBatchRoute {
  readonly route: string;
  readonly count: number;
  /** The first and the latest of them; `n` counts within the batch. */
  readonly keys: readonly StoredWriteKey[];
}

export interface WriteBatch {
  /** The process that sends it: a name that no other process has or had. */
  readonly source: string;
  /** Grows with each batch of the source. */
  readonly sequence: number;
  readonly routes: readonly WriteBatchRoute[];
}

/**
 * Counts of one gateway, or added up over several that share the ledger. Everything rejects when the store cannot be reached
 * in time; whether a batch was added is unknown then, and it is to be sent again as it is.
 */
export interface WriteStore {
  /** In the order of the routes' ids. */
  load(): Promise<readonly StoredWrites[]>;
  /** Adds all of a batch, or nothing; nothing too when it was added already. */
  add(batch: WriteBatch): Promise<void>;
  /** Legacy has the route's writes up to number `upTo`. Never less than was acknowledged before, nor more than was written. */
  acknowledge(route: string, upTo: number): Promise<void>;
}

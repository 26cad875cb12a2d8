// The port to what is kept of pairs of ids (mirror/id-map.ts).

/** What one thing is called on either side, in JSON. */
export interface StoredIdPair {
  readonly name: string;
  readonly legacy: string;
  readonly new: string;
}

export interface StoredIdChange {
  readonly pair: StoredIdPair;
  readonly kept: boolean;
}

export interface IdStore {
  /** All pairs, the oldest first. */
  load(): Promise<readonly StoredIdPair[]>;
  /** Stores all of the changes, in their order, or none. Of the pairs the newest `pairsMax` are kept. */
  save(changes: readonly StoredIdChange[], pairsMax: number): Promise<void>;
}

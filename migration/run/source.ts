// What a job asks of its source. source-postgres.ts is the real one; the simulator in test/migration has its own.

import type { Key, KeyRange } from '../jobs/key.ts';
import type { Lsn } from '../postgres/lsn.ts';
import type { Row } from '../postgres/values.ts';

/** A committed change of one row; `before` is null for an insert, `after` for a delete. */
export type SourceChange = {
  readonly commitLsn: Lsn;
  /** Of the transaction, 64 bits. */
  readonly xid: bigint;
  /** Counts the changes of one transaction. */
  readonly seq: number;
  readonly before: Row | null;
  readonly after: Row | null;
};

/**
 * Changes in the order of their commits. The first `committed` belong to whole transactions, together with changes of
 * earlier deliveries that were still open; the others' transaction goes on in the next delivery. `endLsn`: every
 * transaction that committed before it has been delivered whole. `stop`: the stream cannot go on, and why.
 */
export type Delivery =
  | { readonly changes: readonly SourceChange[]; readonly committed: number; readonly endLsn: Lsn | undefined }
  | { readonly stop: string };

export type ChangeStream = {
  /** The next changes, once there are any. Rejects when the connection is lost; a new stream then goes on. */
  readonly receive: () => Promise<Delivery>;
  /** All before `lsn` is durable here: the source may forget it. */
  readonly acknowledge: (lsn: Lsn) => void;
  readonly close: () => Promise<void>;
};

export type ChunkRows = { readonly snapshot: string; readonly rows: readonly Row[] };

export type Source = {
  /** Rows of the range in key order, at most `limit`, and the snapshot that they were read in (pg_current_snapshot). */
  readonly readChunk: (range: KeyRange, limit: number) => Promise<ChunkRows>;
  /** One row as it is now. */
  readonly readRow: (key: Key) => Promise<Row | undefined>;
  /** Changes that commit from `from` on. */
  readonly stream: (from: Lsn) => Promise<ChangeStream>;
  /** The end of the log now. */
  readonly position: () => Promise<Lsn>;
};

// The receiver: the slot's changes over the streaming replication protocol (PostgreSQL docs, "Streaming Replication Protocol").
// Its own discipline of acknowledging: the server hears of a position only when the caller says that all before it is durable.
import type { Client } from 'pg';
import type { ChangeStream, Delivery, SourceChange } from '../run/source.ts';
import { formatLsn, type Lsn } from './lsn.ts';
import { createPgoutputDecoder, type Message, type Relation, type Tuple } from './pgoutput.ts';
import { widenXid } from './snapshot.ts';
import type { Row } from './values.ts';

/** Changes kept in memory until they are taken. Beyond it the socket is left alone, and the server waits. */
const PENDING_MAX = 20_000;
/** How often the server is told our position and asked for its own, so that an idle slot moves on too. */
const STATUS_INTERVAL_MS = 1_000;
/** The prefix of the message that a transaction of the way back begins with: its changes came from the target. */
export const WAY_BACK = 'banyan way back';
/** Microseconds from 1970 to 2000, where Postgres's clock begins. */
const EPOCH_2000_US = 946_684_800_000_000n;

export type StreamOptions = {
  readonly client: Client;
  readonly slot: string;
  readonly publication: string;
  /** All before it is durable already. */
  readonly from: Lsn;
  /** A transaction id of about now, with all its 64 bits. */
  readonly xidReference: bigint;
  /** Says why a table's description means that the job cannot go on. */
  readonly problemOf: (relation: Relation) => string | undefined;
};

/** What was received and not yet taken. */
class Inbox {
  readonly #options: StreamOptions;
  #changes: SourceChange[] = [];
  /** How many of `#changes` belong to whole transactions. */
  #committed = 0;
  #endLsn: Lsn | undefined;
  #reached: Lsn;
  #stop: string | undefined;
  #transaction: { readonly commitLsn: Lsn; readonly xid: bigint; readonly isNews: boolean } | undefined;
  #seq = 0;
  #xidReference: bigint;

  constructor(options: StreamOptions) {
    this.#options = options;
    this.#xidReference = options.xidReference;
    this.#reached = options.from;
  }

  get size(): number {
    return this.#changes.length;
  }

  take(): Delivery | undefined {
    if (this.#changes.length === 0 && this.#endLsn === undefined) {
      return this.#stop === undefined ? undefined : { stop: this.#stop };
    }
    const delivery = { changes: this.#changes, committed: this.#committed, endLsn: this.#endLsn };
    this.#changes = [];
    this.#committed = 0;
    this.#endLsn = undefined;
    return delivery;
  }

  /** The server has nothing before `walEnd` that it has not sent. */
  idleAt(walEnd: Lsn): void {
    const isIdle = this.#transaction === undefined && this.#changes.length === 0 && this.#stop === undefined;
    if (isIdle && walEnd > this.#reached) this.#endLsn = this.#reached = walEnd; // At first it may name an older place.
  }

  add(message: Message): void {
    if (this.#stop !== undefined) return; // The transaction that stopped us is not taken, and so comes again.
    switch (message.kind) {
      case 'begin': {
        const xid = widenXid(message.xid, this.#xidReference);
        if (xid > this.#xidReference) this.#xidReference = xid;
        this.#transaction = { commitLsn: message.commitLsn, xid, isNews: message.commitLsn >= this.#options.from };
        this.#seq = 0;
        return;
      }
      case 'commit':
        this.#transaction = undefined;
        this.#committed = this.#changes.length;
        this.#endLsn = this.#reached = message.endLsn;
        return;
      case 'relation':
        this.#stop = this.#options.problemOf(message.relation);
        return;
      case 'truncate':
        this.#stop = 'the table was truncated: check the target, then plan the job anew';
        return;
      case 'insert':
        this.#change(null, whole(message.after, undefined));
        return;
      case 'update':
        this.#change(message.before?.row ?? null, whole(message.after, message.before));
        return;
      case 'delete':
        this.#change(message.before.row, null);
        return;
      case 'message': // Comes before the transaction's first change.
        if (message.prefix === WAY_BACK && this.#transaction)
          this.#transaction = { ...this.#transaction, isNews: false };
        return;
      case 'other':
    }
  }

  #change(before: Row | null, after: Row | null): void {
    if (!this.#transaction) throw new Error('the stream holds a change outside of any transaction');
    const { commitLsn, xid, isNews } = this.#transaction;
    if (isNews) this.#changes.push({ commitLsn, xid, seq: this.#seq++, before, after });
  }
}

/** Large values that the change left alone come from the old row, which REPLICA IDENTITY FULL puts into the log whole. */
function whole(after: Tuple, before: Tuple | undefined): Row {
  if (after.unchanged.length === 0) return after.row;
  const row = { ...after.row };
  for (const column of after.unchanged) {
    const cell = before?.row[column];
    if (cell === undefined) throw new Error(`the log lacks the unchanged ${column}: is REPLICA IDENTITY still FULL?`);
    row[column] = cell;
  }
  return row;
}

const STATUS_BYTES = 34;

/**
 * CopyData with a status update: what is written, flushed and applied here, our clock, and whether the server shall answer
 * with its position.
 */
function statusUpdate(lsn: Lsn, ask: boolean): Buffer {
  const message = Buffer.alloc(1 + 4 + STATUS_BYTES);
  message.write('d', 0, 'latin1');
  message.writeUInt32BE(4 + STATUS_BYTES, 1);
  message.write('r', 5, 'latin1');
  for (const at of [6, 14, 22]) message.writeBigUInt64BE(lsn, at);
  message.writeBigInt64BE(BigInt(Date.now()) * 1000n - EPOCH_2000_US, 30);
  message.writeUInt8(ask ? 1 : 0, 38);
  return message;
}

const WAL_HEADER_BYTES = 25;

/** Starts streaming; the stream owns `client` and ends it. Problems reject the `receive` under way or the next one. */
export function startStream(options: StreamOptions): ChangeStream & { readonly started: Promise<void> } {
  const { client, slot, publication, from } = options;
  const { connection } = client;
  const inbox = new Inbox(options);
  const decode = createPgoutputDecoder();
  let failure: Error | undefined;
  let closed = false;
  let acknowledged = from;
  let wake = () => {};

  const fail = (error: Error) => {
    failure ??= error;
    wake();
  };
  connection.on('copyData', ({ chunk }: { chunk: Buffer }) => {
    try {
      const kind = String.fromCharCode(chunk.readUInt8(0));
      if (kind === 'w') inbox.add(decode(chunk.subarray(WAL_HEADER_BYTES)));
      if (kind === 'k') inbox.idleAt(chunk.readBigUInt64BE(1));
    } catch (error) {
      fail(error instanceof Error ? error : new Error(String(error)));
    }
    if (inbox.size > PENDING_MAX) connection.stream.pause();
    wake();
  });
  client.on('error', fail);
  client.on('end', () => fail(new Error('the replication connection ended')));
  const start = `START_REPLICATION SLOT "${slot}" LOGICAL ${formatLsn(from)} (proto_version '1', publication_names '"${publication}"', messages 'true')`;
  const started = new Promise<void>((resolve, reject) => {
    connection.once('replicationStart', () => resolve());
    client.query(start).then(
      () => fail(new Error('the server ended the stream')),
      (error) => {
        fail(error);
        reject(error);
      },
    );
  });
  const report = (ask: boolean) => connection.stream.write(statusUpdate(acknowledged, ask));
  const reporting = setInterval(() => report(true), STATUS_INTERVAL_MS);

  return {
    started,
    async receive() {
      for (;;) {
        const delivery = inbox.take();
        if (delivery) {
          connection.stream.resume();
          return delivery;
        }
        if (closed) return { stop: 'closed' };
        if (failure) throw failure;
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
      }
    },
    acknowledge(lsn) {
      if (lsn > acknowledged) acknowledged = lsn;
      report(false);
    },
    async close() {
      closed = true;
      clearInterval(reporting);
      connection.stream.destroy(); // The server needs no farewell: what it was not told, it sends again.
      wake();
    },
  };
}

// Writing to WebSockets: whole messages, those of one turn of the event loop in one system call, and never more than a bounded
// amount waiting. They go past the library, as bytes made once for all; it writes whole frames too, uncompressed, so the two never
// cut into each other.
import type { Duplex } from 'node:stream';
import { type WebSocket, WebSocket as WebSocketState } from 'ws';
import { textMessage } from './frame.ts';

/** More than this waiting for the client means that it reads too slowly. */
const UNSENT_BYTES_MAX = 256 * 1024;
/** So much is handed over at once: a client is slow when the system does not take it, not when much is told in one turn. */
const JOINED_BYTES_MAX = 64 * 1024;

export type SocketWriter = {
  readonly write: (bytes: Buffer) => void;
  readonly text: (text: string) => void;
  readonly isFull: () => boolean;
  /** Hands over what was written, before something else is. */
  readonly flush: () => void;
};

export type SocketWriters = (socket: Duplex, webSocket: WebSocket) => SocketWriter;

/**
 * What was written in one turn, up to `part`. Whoever hears the same writes the same: writers share one batch for it, so that a
 * client costs no memory of its own and the bytes are put together once.
 */
type Batch = {
  readonly before: Batch | undefined;
  readonly part: Buffer;
  /** Of all parts. */
  readonly bytes: number;
  /** What the last writer that was here wrote next. */
  next: Batch | undefined;
  joined: Buffer | undefined;
};

const batchOf = (before: Batch | undefined, part: Buffer): Batch => ({
  before,
  part,
  bytes: (before?.bytes ?? 0) + part.length,
  next: undefined,
  joined: undefined,
});
const NOTHING = Buffer.alloc(0);

function follow(batch: Batch, part: Buffer): Batch {
  if (batch.next?.part !== part) batch.next = batchOf(batch, part);
  return batch.next;
}

function joinedOf(batch: Batch): Buffer {
  if (batch.before?.before === undefined) return batch.part; // The only one after the empty beginning.
  if (batch.joined) return batch.joined;
  const parts: Buffer[] = [];
  for (let each: Batch | undefined = batch; each; each = each.before) parts.push(each.part);
  batch.joined = Buffer.concat(parts.reverse(), batch.bytes);
  return batch.joined;
}

/** Writers that are handed over together, at the end of the turn. */
export function createSocketWriters(): SocketWriters {
  let written: SocketWriter[] = [];
  let beginning = batchOf(undefined, NOTHING);
  function flushAll(): void {
    const writers = written;
    written = [];
    for (const { flush } of writers) flush();
    beginning = batchOf(undefined, NOTHING); // What was joined is not kept alive until the next turn.
  }

  return function createSocketWriter(socket, webSocket) {
    let batch: Batch | undefined;
    const writer: SocketWriter = {
      write(bytes) {
        if (!batch && written.push(writer) === 1) setImmediate(flushAll);
        batch = follow(batch ?? beginning, bytes);
        if (batch.bytes > JOINED_BYTES_MAX) writer.flush();
      },
      text: (text) => writer.write(textMessage(text)),
      isFull: () => socket.writableLength + (batch?.bytes ?? 0) > UNSENT_BYTES_MAX,
      flush() {
        if (!batch) return;
        const bytes = joinedOf(batch);
        batch = undefined;
        // After a Close nothing may follow (RFC 6455 section 5.5.1).
        if (webSocket.readyState === WebSocketState.OPEN) socket.write(bytes);
      },
    };
    return writer;
  };
}

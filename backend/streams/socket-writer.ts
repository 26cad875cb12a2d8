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

/** Whoever hears the same in one turn is sent the same bytes: they are put together once. */
function createJoin(): (parts: readonly Buffer[]) => Buffer | undefined {
  let before: readonly Buffer[] = [];
  let joined: Buffer | undefined;
  return (parts) => {
    if (parts.length === 1) return parts[0];
    const isSame = parts.length === before.length && parts.every((part, i) => part === before[i]);
    if (!isSame) {
      before = parts;
      joined = Buffer.concat(parts);
    }
    return joined;
  };
}

/** Writers that are handed over together, at the end of the turn. */
export function createSocketWriters(): SocketWriters {
  let written: SocketWriter[] = [];
  let join = createJoin();
  function flushAll(): void {
    const writers = written;
    written = [];
    for (const { flush } of writers) flush();
    join = createJoin(); // What was joined is not kept alive until the next turn.
  }

  return function createSocketWriter(socket, webSocket) {
    let parts: Buffer[] = [];
    let partsBytes = 0;
    const writer: SocketWriter = {
      write(bytes) {
        if (parts.length === 0 && written.push(writer) === 1) setImmediate(flushAll);
        parts.push(bytes);
        partsBytes += bytes.length;
        if (partsBytes > JOINED_BYTES_MAX) writer.flush();
      },
      text: (text) => writer.write(textMessage(text)),
      isFull: () => socket.writableLength + partsBytes > UNSENT_BYTES_MAX,
      flush() {
        const bytes = parts.length > 0 ? join(parts) : undefined;
        parts = [];
        partsBytes = 0;
        // After a Close nothing may follow (RFC 6455 section 5.5.1).
        if (bytes && webSocket.readyState === WebSocketState.OPEN) socket.write(bytes);
      },
    };
    return writer;
  };
}

// Writing to one WebSocket: whole messages, those of one turn of the event loop in one system call, and never more than a
// bounded amount waiting. News go past the library, as bytes made once for all; it writes whole frames too, uncompressed, so
// the two never cut into each other.
import type { Duplex } from 'node:stream';
import { type WebSocket, WebSocket as WebSocketState } from 'ws';
import { textMessage } from './frame.ts';

/** More than this waiting for the client means that it reads too slowly. */
export const UNSENT_BYTES_MAX = 256 * 1024;

export type SocketWriter = {
  readonly write: (bytes: Buffer) => void;
  readonly text: (text: string) => void;
  readonly isFull: () => boolean;
};

export function createSocketWriter(socket: Duplex, webSocket: WebSocket): SocketWriter {
  let isCorked = false;
  const uncork = () => {
    isCorked = false;
    socket.uncork();
  };
  function write(bytes: Buffer): void {
    if (webSocket.readyState !== WebSocketState.OPEN) return; // After a Close nothing may follow (RFC 6455 section 5.5.1).
    if (!isCorked) {
      isCorked = true;
      socket.cork();
      process.nextTick(uncork);
    }
    socket.write(bytes);
  }
  return { write, text: (text) => write(textMessage(text)), isFull: () => socket.writableLength > UNSENT_BYTES_MAX };
}

// What a client sends after its upgrade request and before the answer to it. It is read, and not left in the kernel,
// because only a socket that is read tells that its peer has left.
import type { Duplex } from 'node:stream';

/** Clients have nothing to send before the 101; what is beyond this waits unread. */
const EARLY_BYTES_MAX = 65_536;

export interface EarlyBytes {
  /** Stops reading and answers what came. */
  take(): Buffer;
}

/** Reads until taken; calls `onLeft` when the client closes, or half-closes, in the meantime. */
export function readEarly(socket: Duplex, head: Buffer, onLeft: () => void): EarlyBytes {
  const chunks: Buffer[] = head.length > 0 ? [head] : [];
  let bytes = head.length;
  const onData = (chunk: Buffer) => {
    chunks.push(chunk);
    bytes += chunk.length;
    if (bytes > EARLY_BYTES_MAX) socket.pause();
  };
  socket.on('data', onData);
  socket.on('end', onLeft);
  socket.on('close', onLeft);
  socket.resume();
  return {
    take() {
      socket.pause();
      socket.removeListener('data', onData);
      socket.removeListener('end', onLeft);
      socket.removeListener('close', onLeft);
      return Buffer.concat(chunks);
    },
  };
}

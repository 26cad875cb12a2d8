import type { Duplex } from 'node:stream';

/** How long a peer may take to read the rest of what was written. */
const FLUSH_MS = 30_000;
/** How long it may then take to close its own half. nginx's lingering_timeout is the same. */
const LINGER_MS = 5_000;

const lingering = new WeakSet<Duplex>();

/**
 * Ends a connection, or a stream of HTTP/2, so that the peer can read all that was written: closing it while something from the peer is unread
 * would reset it and lose the end of what we sent (RFC 9112 section 9.6). What the peer still sends is thrown away.
 */
export function endAndLinger(socket: Duplex): void {
  if (socket.destroyed || lingering.has(socket)) return;
  lingering.add(socket);
  let cut = setTimeout(() => socket.destroy(), FLUSH_MS);
  const flushed = () => {
    clearTimeout(cut);
    cut = setTimeout(() => socket.destroy(), LINGER_MS);
  };
  if (socket.writableFinished) flushed();
  else socket.once('finish', flushed);
  socket.once('close', () => clearTimeout(cut));
  socket.end();
  socket.resume();
}

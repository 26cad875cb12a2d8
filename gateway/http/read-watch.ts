// Clients of HTTP/2 that read nothing of an answer: each stream has a window of its own, so one can stand still for ever on
// a connection that is busy otherwise. Connections of HTTP/1.1 are watched as a whole (connections.ts).
import type { ServerHttp2Stream } from 'node:http2';

/** Calls `stalled` once when nothing of what waits for the client has left in `timeoutMs`, at most twice as late. */
export function watchReader(stream: ServerHttp2Stream, timeoutMs: number, stalled: () => void): void {
  let waited = 0;
  let hasDrained = false;
  const timer = setInterval(() => {
    const waits = stream.writableLength;
    const isStalled = waits > 0 && waits === waited && !hasDrained;
    waited = waits;
    hasDrained = false;
    if (!isStalled) return;
    clearInterval(timer);
    stalled();
  }, timeoutMs).unref();
  // What is written as fast as it is read may happen to be as much at every look.
  stream.on('drain', () => {
    hasDrained = true;
  });
  stream.once('close', () => clearInterval(timer));
}

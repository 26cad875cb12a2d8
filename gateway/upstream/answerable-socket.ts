// A connection to an upstream that may answer and close before it has the whole request (413, 401).
import { Socket } from 'node:net';

type Written = (error?: Error | null) => void;

/** What a write fails with once the other end has closed. */
const GONE: ReadonlySet<string | undefined> = new Set(['EPIPE', 'ECONNRESET']);

/**
 * Node ends a socket at once when a write to it fails, and with it goes what the other end has said before and nobody has
 * read yet. Here such a write is left open, so that reading goes on to its own end, which is near: nothing more can come.
 * (With TLS it is Node that makes the socket, and the answer is lost.)
 */
export class AnswerableSocket extends Socket {
  override _write(chunk: unknown, encoding: BufferEncoding, done: Written): void {
    super._write(chunk, encoding, unlessGone(done));
  }

  override _writev(chunks: { chunk: unknown; encoding: BufferEncoding }[], done: Written): void {
    super._writev?.(chunks, unlessGone(done));
  }
}

function unlessGone(done: Written): Written {
  return (error) => {
    if (!error || !GONE.has((error as NodeJS.ErrnoException).code)) done(error);
  };
}

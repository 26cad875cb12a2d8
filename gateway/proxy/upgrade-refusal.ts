// An upstream's answer to an upgrade that is not a 101: relayed like any answer, and the end of the connection.
import type { IncomingMessage, ServerResponse } from 'node:http';
import { pipeline } from 'node:stream';
import { cutAnswer, writeHead } from './answer.ts';
import type { ForwardFailure } from './failure.ts';
import { responseHeaders } from './headers.ts';

export interface Refusal {
  readonly refusal: IncomingMessage;
  readonly answer: ServerResponse;
  /** Fields added to the answer. */
  readonly added: readonly string[];
  /** How long the upstream may be silent between two parts of it. */
  readonly timeoutMs: number;
}

export type RefusalResult =
  | { readonly kind: 'refused'; readonly status: number; readonly bytes: number }
  /** It broke off: the client has been cut off, so that it cannot take it for complete. */
  | { readonly kind: 'failed'; readonly failure: ForwardFailure; readonly error: unknown };

/** Relays; calls `done` once, when the client has the whole answer or can get none. */
export function relayRefusal(
  { refusal, answer, added, timeoutMs }: Refusal,
  done: (result: RefusalResult) => void,
): void {
  const status = refusal.statusCode ?? 502;
  let bytes = 0;
  let isStalled = false;
  const stall = setTimeout(() => {
    isStalled = true;
    refusal.destroy();
  }, timeoutMs);
  writeHead(answer, status, refusal.statusMessage ?? '', [...responseHeaders(refusal.rawHeaders), ...added]);
  refusal.on('data', (chunk: Buffer) => {
    bytes += chunk.length;
    stall.refresh();
  });
  pipeline(refusal, answer, (error) => {
    clearTimeout(stall);
    refusal.destroy();
    if (!error) {
      done({ kind: 'refused', status, bytes });
      return;
    }
    // Of the two streams only the answer can close without an error of its own.
    cutAnswer(answer);
    const cut = error.code === 'ERR_STREAM_PREMATURE_CLOSE' ? 'client_left' : 'response_cut';
    done({ kind: 'failed', failure: isStalled ? 'response_stalled' : cut, error });
  });
}

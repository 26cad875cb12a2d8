// The client's side of an answer, whichever version of HTTP it speaks: where HTTP/1.1 and HTTP/2 differ in Node.
import type { ServerResponse } from 'node:http';
import { constants, type Http2ServerResponse } from 'node:http2';

function asHttp2(outgoing: ServerResponse): Http2ServerResponse | undefined {
  return 'stream' in outgoing ? (outgoing as unknown as Http2ServerResponse) : undefined;
}

const VISIBLE = /^[\t\x20-\x7e]*$/;

/**
 * Writes the head. The reason phrase, which nobody acts upon, is left out where it has bytes that Node cannot write as
 * they came; HTTP/2 has none (RFC 9113 section 8.3.2).
 */
export function writeHead(outgoing: ServerResponse, status: number, reason: string, fields: string[]): void {
  if (asHttp2(outgoing)) outgoing.writeHead(status, fields);
  else outgoing.writeHead(status, VISIBLE.test(reason) ? reason : '', fields);
}

/** Sends an interim answer (1xx) ahead of the final one. */
export function writeInterim(outgoing: ServerResponse, status: number, fields: string[]): void {
  // Node has this since 26.2; an older one passes no interim answers on. With HTTP/2 it takes no raw pairs.
  outgoing.writeInformation?.(status, asHttp2(outgoing) ? byLowerName(fields) : fields);
}

/** Adds trailer fields, given as raw pairs. */
export function addTrailers(outgoing: ServerResponse, pairs: readonly string[]): void {
  const http2 = asHttp2(outgoing);
  if (http2) {
    http2.addTrailers(byLowerName(pairs));
    return;
  }
  const trailers: [string, string][] = [];
  for (let i = 0; i < pairs.length; i += 2) trailers.push([pairs[i] as string, pairs[i + 1] as string]);
  outgoing.addTrailers(trailers);
}

/** Raw pairs as HTTP/2 has fields: by lower-case names. */
function byLowerName(pairs: readonly string[]): Record<string, string[]> {
  const fields: Record<string, string[]> = Object.create(null); // A field may be called __proto__.
  for (let i = 0; i < pairs.length; i += 2) {
    const name = (pairs[i] as string).toLowerCase();
    fields[name] ??= [];
    fields[name].push(pairs[i + 1] as string);
  }
  return fields;
}

/** Breaks an answer off so that it cannot look complete: the connection is cut, or the stream reset with an error. */
export function cutAnswer(outgoing: ServerResponse): void {
  const http2 = asHttp2(outgoing);
  if (http2) http2.stream.close(constants.NGHTTP2_INTERNAL_ERROR);
  else outgoing.destroy();
}

/** Has the connection end with the answer that is to come, or with HTTP/2 the stream: what the client still sends is not read. */
export function endWithAnswer(outgoing: ServerResponse): void {
  const http2 = asHttp2(outgoing);
  if (http2) http2.stream.once('finish', () => http2.stream.close(constants.NGHTTP2_NO_ERROR));
  else outgoing.shouldKeepAlive = false;
}

/** Whether nobody is there any more to be answered. */
export function isGone(outgoing: ServerResponse): boolean {
  return asHttp2(outgoing)?.stream.destroyed ?? outgoing.destroyed;
}

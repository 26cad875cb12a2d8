// The client's side of an answer, whichever version of HTTP it speaks: where HTTP/1.1 and HTTP/2 differ in Node.
import type { ServerResponse } from 'node:http';
import { constants, type Http2ServerResponse } from 'node:http2';

function asHttp2(outgoing: ServerResponse): Http2ServerResponse | undefined {
  return 'stream' in outgoing ? (outgoing as unknown as Http2ServerResponse) : undefined;
}

/** Writes the head. HTTP/2 has no reason phrase (RFC 9113 section 8.3.2). */
export function writeHead(outgoing: ServerResponse, status: number, reason: string, fields: string[]): void {
  if (asHttp2(outgoing)) outgoing.writeHead(status, fields);
  else outgoing.writeHead(status, reason, fields);
}

/** Adds trailer fields, given as [name, value] pairs. */
export function addTrailers(outgoing: ServerResponse, trailers: readonly [string, string][]): void {
  const http2 = asHttp2(outgoing);
  if (!http2) {
    outgoing.addTrailers(trailers);
    return;
  }
  const byName: Record<string, string[]> = {};
  for (const [name, value] of trailers) byName[name.toLowerCase()] = [...(byName[name.toLowerCase()] ?? []), value];
  http2.addTrailers(byName);
}

/** Breaks an answer off so that it cannot look complete: the connection is cut, or the stream reset with an error. */
export function cutAnswer(outgoing: ServerResponse): void {
  const http2 = asHttp2(outgoing);
  if (http2) http2.stream.close(constants.NGHTTP2_INTERNAL_ERROR);
  else outgoing.destroy();
}

/** Whether nobody is there any more to be answered. */
export function isGone(outgoing: ServerResponse): boolean {
  return asHttp2(outgoing)?.stream.destroyed ?? outgoing.destroyed;
}

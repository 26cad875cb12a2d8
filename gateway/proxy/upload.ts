// The request's body on its way upstream.
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Http2ServerRequest } from 'node:http2';
import { Readable } from 'node:stream';
import type { Capture } from './capture.ts';
import { headerValue } from './headers.ts';

/** Bodies up to this size are collected and sent in one write; measured half as dear again as streaming them. */
const BUFFERED_BYTES_MAX = 16_384;

/** Whether the request has a body at all (RFC 9112 section 6.3). */
export function hasBody(incoming: IncomingMessage): boolean {
  const length = headerValue(incoming.rawHeaders, 'content-length');
  if (length !== undefined) return length !== '0';
  // HTTP/2 says so by ending the stream with its head, or not (RFC 9113 section 8.1).
  if ('stream' in incoming) return !(incoming as unknown as Http2ServerRequest).stream.endAfterHeaders;
  return headerValue(incoming.rawHeaders, 'transfer-encoding') !== undefined;
}

/** The body's length as declared; NaN when it comes in chunks. */
export function contentLength(incoming: IncomingMessage): number {
  return Number(headerValue(incoming.rawHeaders, 'content-length') ?? Number.NaN);
}

export function isSmall(incoming: IncomingMessage): boolean {
  return contentLength(incoming) <= BUFFERED_BYTES_MAX;
}

/** Tells a client that waits for it (RFC 9110 section 10.1.1) to send its body; HTTP/1.0 knows no interim answers. */
export function askForBody(incoming: IncomingMessage, outgoing: ServerResponse): void {
  if (incoming.httpVersion === '1.0' || incoming.complete) return;
  if (headerValue(incoming.rawHeaders, 'expect') !== undefined) outgoing.writeContinue();
}

/** Collects a small body. `done` is called once, and not at all when the client leaves before the end. */
export function collect(incoming: IncomingMessage, done: (body: Buffer) => void): void {
  const chunks: Buffer[] = [];
  incoming.on('data', (chunk: Buffer) => chunks.push(chunk));
  incoming.on('end', () => done(chunks.length === 1 ? (chunks[0] as Buffer) : Buffer.concat(chunks)));
}

/**
 * The body as a stream of its own. undici destroys the body of a request that fails; were that the client's own
 * stream, its socket would go with it and the failure could not be answered.
 */
export function streamBody(
  incoming: IncomingMessage,
  capture: Capture | undefined,
  onProgress: (bytes: number) => void,
): Readable {
  let bytes = 0;
  const body = new Readable({
    read() {
      incoming.resume();
    },
    destroy(error, callback) {
      incoming.removeListener('data', onData);
      incoming.resume(); // What the client still sends is read and thrown away, so that it can read the answer.
      callback(error);
    },
  });
  const onData = (chunk: Buffer) => {
    capture?.push(chunk);
    bytes += chunk.length;
    onProgress(bytes);
    if (!body.destroyed && !body.push(chunk)) incoming.pause();
  };
  incoming.on('data', onData);
  incoming.on('end', () => {
    if (!body.destroyed) body.push(null);
  });
  incoming.on('error', () => body.destroy());
  return body;
}

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
function contentLength(incoming: IncomingMessage): number {
  return Number(headerValue(incoming.rawHeaders, 'content-length') ?? Number.NaN);
}

function isSmall(incoming: IncomingMessage): boolean {
  return contentLength(incoming) <= BUFFERED_BYTES_MAX;
}

/** Tells a client that waits for it (RFC 9110 section 10.1.1) to send its body; HTTP/1.0 knows no interim answers. */
function askForBody(incoming: IncomingMessage, outgoing: ServerResponse): void {
  if (incoming.httpVersion === '1.0' || incoming.complete) return;
  if (headerValue(incoming.rawHeaders, 'expect') !== undefined) outgoing.writeContinue();
}

/** Collects a small body. `done` is called once, and not at all when the client leaves before the end. */
function collect(incoming: IncomingMessage, done: (body: Buffer) => void): void {
  const chunks: Buffer[] = [];
  incoming.on('data', (chunk: Buffer) => chunks.push(chunk));
  incoming.on('end', () => done(chunks.length === 1 ? (chunks[0] as Buffer) : Buffer.concat(chunks)));
}

/**
 * The body as a stream of its own. undici destroys the body of a request that fails; were that the client's own
 * stream, its socket would go with it and the failure could not be answered.
 */
function streamBody(
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

export interface BodyRequest {
  readonly incoming: IncomingMessage;
  readonly outgoing: ServerResponse;
  /** A larger body is refused; undefined for bodies of any size. */
  readonly bodyBytesMax: number | undefined;
  readonly captures: { readonly request: Capture } | undefined;
}

/** What becomes of a body: given whole, or as a stream, or refused. */
export interface BodyReader {
  whole(body: Buffer): void;
  stream(body: Readable): void;
  /** More of a stream has come. */
  progress(): void;
  tooLarge(): void;
}

/** Reads a request's body: a small one whole, any other as a stream. A copy is kept where one is wanted. */
export function readBody(request: BodyRequest, reader: BodyReader): void {
  const { incoming, outgoing, captures, bodyBytesMax = Number.POSITIVE_INFINITY } = request;
  if (contentLength(incoming) > bodyBytesMax) {
    reader.tooLarge();
    return;
  }
  askForBody(incoming, outgoing);
  if (isSmall(incoming)) {
    collect(incoming, (body) => {
      captures?.request.push(body);
      reader.whole(body);
    });
    return;
  }
  const onProgress = (bytes: number) => {
    if (bytes > bodyBytesMax) reader.tooLarge();
    else reader.progress();
  };
  reader.stream(streamBody(incoming, captures?.request, onProgress));
}

// The request's body on its way upstream.
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Http2ServerRequest } from 'node:http2';
import type { Upload, UploadSink } from '../upstream/exchange.ts';
import { isGone } from './answer.ts';
import type { Capture } from './capture.ts';
import { headerValue, passableTrailers } from './headers.ts';
import { type UploadRate, UploadWatch } from './upload-rate.ts';

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

/** Whether the client waits to be asked for its body (RFC 9110 section 10.1.1); HTTP/1.0 knows no interim answers. */
function awaitsContinue(incoming: IncomingMessage): boolean {
  return incoming.httpVersion !== '1.0' && headerValue(incoming.rawHeaders, 'expect') !== undefined;
}

/** Collects a small body. `done` is called once, and not at all when the client leaves before the end, or is too slow. */
function collect({ incoming, uploadRate }: BodyRequest, reader: BodyReader, done: (body: Buffer) => void): void {
  const chunks: Buffer[] = [];
  const watch = new UploadWatch(uploadRate, () => {
    if (!incoming.destroyed) reader.tooSlow();
  });
  incoming.on('data', (chunk: Buffer) => {
    watch.received(chunk.length);
    chunks.push(chunk);
  });
  incoming.on('end', () => {
    watch.stop();
    done(chunks.length === 1 ? (chunks[0] as Buffer) : Buffer.concat(chunks));
  });
}

/** A client's body as it comes. Nothing of it is read before the upstream wants it. */
class ClientUpload implements Upload {
  readonly expectsContinue: boolean;
  readonly #request: BodyRequest;
  readonly #onProgress: (bytes: number) => void;
  readonly #tooSlow: () => void;
  #watch: UploadWatch | undefined;
  #bytes = 0;
  #isUnread = true;
  /** From the start to the stop. */
  #sink: UploadSink | undefined;
  readonly #onData = (chunk: Buffer) => this.#part(chunk);
  readonly #onEnd = () => {
    this.#watch?.stop();
    this.#sink?.end(passableTrailers(this.#request.incoming.rawTrailers));
  };

  constructor(request: BodyRequest, onProgress: (bytes: number) => void, tooSlow: () => void) {
    this.#request = request;
    this.#onProgress = onProgress;
    this.#tooSlow = tooSlow;
    this.expectsContinue = awaitsContinue(request.incoming);
  }

  get isUnread(): boolean {
    return this.#isUnread;
  }

  start(sink: UploadSink): void {
    const { incoming, outgoing, uploadRate } = this.#request;
    this.#sink = sink;
    this.#isUnread = false;
    this.#watch = new UploadWatch(uploadRate, this.#tooSlow);
    if (this.expectsContinue && !incoming.complete && !isGone(outgoing)) outgoing.writeContinue();
    incoming.on('data', this.#onData);
    incoming.on('end', this.#onEnd);
  }

  resume(): void {
    const { incoming } = this.#request;
    this.#watch?.resumed();
    incoming.resume();
    // Its time of silence begins anew: while it was held back it could send nothing. HTTP/2 has one timer for all its streams.
    if (incoming.httpVersionMajor === 1) incoming.socket.setTimeout(incoming.socket.timeout ?? 0);
  }

  stop(): void {
    const { incoming } = this.#request;
    if (this.#isUnread) return;
    this.#sink = undefined;
    this.#watch?.stop();
    incoming.off('data', this.#onData);
    incoming.off('end', this.#onEnd);
    incoming.resume(); // What the client still sends is read and thrown away, so that it can read the answer.
  }

  #part(chunk: Buffer): void {
    const { incoming, captures } = this.#request;
    captures?.request.push(chunk);
    this.#bytes += chunk.length;
    this.#watch?.received(chunk.length);
    this.#onProgress(this.#bytes);
    const takesMore = this.#sink?.write(chunk, captures !== undefined);
    if (takesMore !== false || !this.#sink) return; // Stopped by this very part, it is no longer to be held back.
    this.#watch?.held();
    incoming.pause();
  }
}

export interface BodyRequest {
  readonly incoming: IncomingMessage;
  readonly outgoing: ServerResponse;
  /** A larger body is refused; undefined for bodies of any size. */
  readonly bodyBytesMax: number | undefined;
  readonly captures: { readonly request: Capture } | undefined;
  /** A client that sends it more slowly is given up. */
  readonly uploadRate: UploadRate;
}

/** What becomes of a body: given whole, or as it comes, or refused. */
export interface BodyReader {
  whole(body: Buffer): void;
  stream(body: BodyStream): void;
  /** More of a stream has come. */
  progress(): void;
  tooLarge(): void;
  tooSlow(): void;
}

export interface BodyStream extends Upload {
  /** Whether nothing of it has been taken from the client yet, so that another upstream can still get it whole. */
  readonly isUnread: boolean;
}

/** Reads a request's body: a small one whole, any other as it comes. A copy is kept where one is wanted. */
export function readBody(request: BodyRequest, reader: BodyReader): void {
  const { incoming, captures, bodyBytesMax = Number.POSITIVE_INFINITY } = request;
  const declared = contentLength(incoming);
  if (declared > bodyBytesMax) {
    reader.tooLarge();
    return;
  }
  if (declared <= BUFFERED_BYTES_MAX && !awaitsContinue(incoming)) {
    collect(request, reader, (body) => {
      captures?.request.push(body);
      reader.whole(body);
    });
    return;
  }
  const onProgress = (bytes: number) => {
    if (bytes > bodyBytesMax) reader.tooLarge();
    else reader.progress();
  };
  reader.stream(new ClientUpload(request, onProgress, () => reader.tooSlow()));
}

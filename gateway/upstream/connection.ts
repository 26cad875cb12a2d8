// One connection to an upstream, and the exchange that is on it: never two at a time (no pipelining), so that a slow
// answer holds up no other, and none can be taken for another's.
import type { Socket } from 'node:net';
import type { Exchange, ExchangeFailure, ExchangeHandler, Upload, UpstreamRequest } from './exchange.ts';
import type { RenderedHead } from './request-head.ts';
import { areFieldLines, ResponseError, type ResponseHead } from './response-head.ts';
import { ResponseParser } from './response-parser.ts';
import { writeReleased } from './write-released.ts';

/** Bodies up to this size leave in one write with their head. */
const ONE_WRITE_BYTES_MAX = 16_384;
/**
 * How long an upstream may take to say that it wants a body; then it is sent unasked, since one of HTTP/1.0 never says
 * so (RFC 9110 section 10.1.1). curl waits as long.
 */
const CONTINUE_TIMEOUT_MS = 1_000;
/** How long an idle connection is kept where the upstream does not say: less than the 5 s of many servers. */
const IDLE_MS = 4_000;
const IDLE_MS_MAX = 600_000;
/** An upstream may count from a moment before ours. */
const IDLE_MARGIN_MS = 1_000;

/** An exchange as its connection sees it. */
export interface Carried extends Exchange {
  readonly request: UpstreamRequest;
  readonly handler: ExchangeHandler;
  readonly head: RenderedHead;
  /** It is over: nothing that its owner still does reaches the connection. */
  leave(): void;
}

export interface ConnectionOwner {
  /** It can carry another exchange. */
  free(connection: Connection): void;
  gone(connection: Connection): void;
}

export class Connection {
  readonly #socket: Socket;
  readonly #owner: ConnectionOwner;
  readonly #parser: ResponseParser;
  #carried: Carried | undefined;
  #upload: Upload | undefined;
  /** Bytes of the body still to be sent; undefined: it goes in chunks. */
  #uploadLeft: number | undefined;
  #continueTimer: NodeJS.Timeout | undefined;
  #answering = false;
  #keepAlive = true;
  #idleMs = IDLE_MS;
  /** The answer's trailers, once it is whole. */
  #ended: readonly string[] | undefined;
  #error: Error | undefined;

  /** Takes a socket that is connected. */
  constructor(socket: Socket, owner: ConnectionOwner) {
    this.#socket = socket;
    this.#owner = owner;
    this.#parser = new ResponseParser({
      onInterim: (head) => this.#interim(head),
      onHead: (head) => this.#head(head),
      onData: (part) => this.#carried?.handler.onData(part),
      onEnd: (trailers) => {
        this.#ended = trailers;
      },
    });
    socket.on('data', (received: Buffer) => this.#received(received));
    socket.on('drain', () => this.#upload?.resume());
    socket.on('end', () => this.#finished());
    socket.on('error', (error) => {
      this.#error = error;
    });
    socket.on('close', () => this.#closed());
  }

  /** Whether it can be used again, as far as is known here. */
  get isUsable(): boolean {
    return this.#socket.writable && !this.#socket.readableEnded;
  }

  /** How long it may wait for its next exchange. */
  get idleMs(): number {
    return this.#idleMs;
  }

  /** Sends the request of an exchange, which has the connection until it is over. */
  carry(carried: Carried): void {
    const { request, handler, head } = carried;
    const { body } = request;
    this.#carried = carried;
    this.#answering = false;
    this.#ended = undefined;
    this.#parser.begin(request.method);
    handler.onSent();
    if (body === null) this.#socket.write(head.text, 'latin1');
    else if (!Buffer.isBuffer(body)) this.#offerUpload(body, head);
    else if (body.length <= ONE_WRITE_BYTES_MAX) this.#socket.write(head.text + body.toString('latin1'), 'latin1');
    else {
      this.#socket.cork();
      this.#socket.write(head.text, 'latin1');
      this.#socket.write(body);
      this.#socket.uncork();
    }
  }

  pause(): void {
    this.#socket.pause();
  }

  resume(): void {
    this.#socket.resume();
  }

  /** Ends it at once. Its exchange hears nothing more. */
  destroy(): void {
    this.#letGo();
    this.#socket.destroy();
  }

  /** Ends it at once, and its exchange with a failure. */
  cut(): void {
    this.#fail(this.#answering ? 'response_cut' : 'upstream_reset', new Error('the connection was closed here'));
  }

  #offerUpload(upload: Upload, head: RenderedHead): void {
    this.#upload = upload;
    this.#uploadLeft = head.bodyBytes;
    this.#socket.write(head.text, 'latin1');
    if (upload.expectsContinue) this.#continueTimer = setTimeout(() => this.#startUpload(), CONTINUE_TIMEOUT_MS);
    else this.#startUpload();
  }

  #startUpload(): void {
    clearTimeout(this.#continueTimer);
    this.#continueTimer = undefined;
    const upload = this.#upload;
    upload?.start({
      write: (part, isKept) => this.#upload === upload && this.#sendPart(part, isKept),
      end: (trailers) => {
        if (this.#upload === upload) this.#endUpload(trailers);
      },
    });
  }

  #sendPart(part: Buffer, isKept: boolean): boolean {
    const socket = this.#socket;
    const send = () => (isKept ? socket.write(part) : writeReleased(socket, part));
    if (part.length === 0) return true; // A chunk of no bytes would be the last.
    if (this.#uploadLeft === undefined) {
      socket.cork();
      socket.write(`${part.length.toString(16)}\r\n`, 'latin1');
      send();
      socket.write('\r\n', 'latin1');
      socket.uncork();
    } else {
      this.#uploadLeft -= part.length;
      if (this.#uploadLeft < 0) {
        this.#fail('request_invalid', new Error('the body is longer than it says'));
        return false;
      }
      send();
    }
    // What went out at once asks for a drain all the same; stopping the client for it costs more than passing it on.
    return socket.writableLength < socket.writableHighWaterMark;
  }

  #endUpload(trailers: readonly string[]): void {
    if (this.#uploadLeft === undefined) {
      let lines = '';
      for (let i = 0; i < trailers.length; i += 2) lines += `${trailers[i]}: ${trailers[i + 1]}\r\n`;
      if (!areFieldLines(lines)) {
        this.#fail('request_invalid', new Error('a trailer field is malformed'));
        return;
      }
      this.#socket.write(`0\r\n${lines}\r\n`, 'latin1');
    } else if (this.#uploadLeft > 0) {
      this.#fail('request_invalid', new Error('the body is shorter than it says'));
      return;
    }
    this.#upload = undefined;
  }

  #received(received: Buffer): void {
    if (!this.#carried) {
      this.destroy(); // Nothing was asked, so whatever it is, it is nobody's answer.
      return;
    }
    try {
      const taken = this.#parser.feed(received);
      if (this.#ended) this.#complete(this.#ended, taken < received.length);
      else this.#carried?.handler.onRead?.();
    } catch (error) {
      if (error instanceof ResponseError) this.#fail(this.#answering ? 'response_cut' : 'response_invalid', error);
      else this.#fail('internal_error', error as Error); // The handler's own: it costs this exchange and no other.
    }
  }

  #interim(head: ResponseHead): void {
    if (head.status !== 100) this.#carried?.handler.onInterim(head);
    else if (this.#continueTimer) this.#startUpload();
  }

  #head(head: ResponseHead): void {
    clearTimeout(this.#continueTimer); // It answers without the body: then that is not wanted.
    this.#answering = true;
    this.#keepAlive = head.keepAlive;
    this.#idleMs = Math.min(IDLE_MS_MAX, head.idleMs === undefined ? IDLE_MS : head.idleMs - IDLE_MARGIN_MS);
    this.#carried?.handler.onHead(head);
  }

  /** The answer is whole. What came after it is nobody's, and what was still to be sent nobody wants. */
  #complete(trailers: readonly string[], hasExcess: boolean): void {
    const isReusable = this.#keepAlive && !hasExcess && !this.#upload && this.isUsable && this.#idleMs > 0;
    const carried = this.#letGo();
    this.#socket.resume(); // In case its owner had paused it.
    if (isReusable) this.#owner.free(this);
    else this.#socket.destroy();
    try {
      carried?.handler.onEnd(trailers);
    } catch (error) {
      carried?.handler.onFailure('internal_error', error as Error);
    }
  }

  /** The upstream has closed its half. */
  #finished(): void {
    if (this.#carried && this.#parser.finish() && this.#ended) this.#complete(this.#ended, true);
    else this.#closed();
  }

  #closed(): void {
    this.#owner.gone(this);
    this.#fail(
      this.#answering ? 'response_cut' : 'upstream_reset',
      this.#error ?? new Error('the upstream closed the connection'),
    );
  }

  #fail(failure: ExchangeFailure, error: Error): void {
    const carried = this.#letGo();
    this.#socket.destroy();
    carried?.handler.onFailure(failure, error);
  }

  /** Parts with the exchange, if there is one. */
  #letGo(): Carried | undefined {
    const carried = this.#carried;
    this.#carried = undefined;
    clearTimeout(this.#continueTimer);
    this.#continueTimer = undefined;
    const upload = this.#upload;
    this.#upload = undefined;
    upload?.stop();
    carried?.leave();
    return carried;
  }
}

// Sends one request upstream and streams the answer back. Network failures are results here, never exceptions.
//
//   client ──(a)──▶ gateway ──(b)──▶ upstream        (a) request in     (b) request out
//   client ◀─(d)── gateway ◀─(c)─── upstream         (c) answer in      (d) answer out
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Exchange, ExchangeFailure, ExchangeHandler } from '../upstream/exchange.ts';
import type { ResponseHead } from '../upstream/response-head.ts';
import { writeReleased } from '../upstream/write-released.ts';
import { addTrailers, cutAnswer, isGone, writeHead, writeInterim } from './answer.ts';
import type { Capture } from './capture.ts';
import type { ForwardFailure, Phase } from './failure.ts';
import { answerHeaders, passableTrailers } from './headers.ts';
import { type EventStreamEnds, isEventStream, type PassingEvents } from './passing-events.ts';
import { type BodyStream, hasBody, readBody } from './upload.ts';
import type { UploadRate } from './upload-rate.ts';
import type { Upstream } from './upstream.ts';

/** A request's body in memory (null for none), or still with the client. */
export type RequestBody = Buffer | null | 'unread';

export interface ForwardRequest {
  readonly incoming: IncomingMessage;
  readonly outgoing: ServerResponse;
  readonly upstream: Upstream;
  /** The origin-form target, its bytes as the client sent them. */
  readonly path: string;
  /** Fields as they go upstream (see headers.ts). */
  readonly headers: string[];
  /** Fields added to the answer. */
  readonly added: readonly string[];
  /** Whether the backend's own field (by its lower-case name) is left out; undefined: none is. */
  readonly isReplaced: ((lowerName: string) => boolean) | undefined;
  /** How long the upstream may be silent before its answer, and between two parts of it. */
  readonly timeoutMs: number;
  readonly body: RequestBody;
  /** Takes account of an answer that is an event stream; undefined when no more may be open. */
  openEvents(ends: EventStreamEnds): PassingEvents | undefined;
  /** A larger body is refused; undefined for bodies of any size. */
  readonly bodyBytesMax: number | undefined;
  /** A body that comes more slowly is given up. */
  readonly uploadRate: UploadRate;
  /** Copies of the bodies, when the request is mirrored. */
  readonly captures: { readonly request: Capture; readonly response: Capture } | undefined;
}

export interface ForwardResult {
  /** The upstream's status, or what the failure means when it gave none. */
  readonly status: number | undefined;
  readonly failure: ForwardFailure | undefined;
  readonly error: unknown;
  /** The answer's end-to-end fields; empty when it never began. */
  readonly headers: readonly string[];
  /** Bytes of body passed to the client. */
  readonly bytes: number;
  /** Whether the answer was an event stream, which lasts as long as its reader likes. */
  readonly isEventStream: boolean;
  /** The request's body as it can be sent again; undefined when part of it has gone. */
  readonly body: RequestBody | undefined;
  /** From when the request was on a connection to the head of its answer; undefined when it never began. */
  readonly firstByteMs: number | undefined;
  /** When the request was on a connection, by performance.now; undefined when it never was. */
  readonly sentAt: number | undefined;
}

/** What forwarding comes to where it failed before it began. */
export function notForwarded(failure: ForwardFailure, error: unknown): ForwardResult {
  return {
    ...{ status: undefined, failure, error, headers: [], bytes: 0 },
    ...{ isEventStream: false, body: undefined, firstByteMs: undefined, sentAt: undefined },
  };
}

/** Answers up to this size that are complete when they arrive go out in one write with their head. */
const ONE_WRITE_BYTES_MAX = 16_384;
const OBS_TEXT = /[\x80-\xff]/;

/** Forwards; calls `done` once, when the client has its whole answer or can get none. On failure nothing was answered
 * unless the answer had begun, in which case the client's connection has been cut. */
export function forward(request: ForwardRequest, done: (result: ForwardResult) => void): void {
  const forwarding = new Forwarding(request, done);
  const { incoming, upstream } = request;
  if (isGone(request.outgoing)) forwarding.fail('client_left');
  else if (upstream.inFlight >= upstream.inFlightMax) forwarding.fail('overloaded');
  else if (request.body !== 'unread') forwarding.send(request.body);
  else if (!hasBody(incoming)) forwarding.send(null);
  else {
    readBody(request, {
      whole: (body) => forwarding.send(body),
      stream: (body) => forwarding.send(body),
      progress: () => forwarding.progress(),
      tooLarge: () => forwarding.fail('request_too_large'),
      tooSlow: () => forwarding.fail('request_too_slow'),
    });
  }
}

class Forwarding implements ExchangeHandler {
  readonly #request: ForwardRequest;
  readonly #done: (result: ForwardResult) => void;
  readonly #onClose = () => this.#clientClosed();
  readonly #onFinish = () => this.#settle(undefined, undefined);
  #exchange: Exchange | undefined;
  #timer: NodeJS.Timeout | undefined;
  #phase: Phase = 'connecting';
  #sentAt: number | undefined;
  #firstByteMs: number | undefined;
  #status: number | undefined;
  #body: Buffer | null | BodyStream | undefined;
  #headers: readonly string[] = [];
  #bytes = 0;
  /** The first part of a small answer, held back so that it can leave in one write with the head. */
  #held: Buffer | undefined;
  #contentLength = -1;
  #events: PassingEvents | undefined;
  #endedEarly = false;
  /** The answer's head until it is written: with its first bytes, so that a fault in them can still be answered. */
  #unwritten: { readonly reason: string; readonly fields: string[] } | undefined;
  /** Whether anything of the answer has been given to the client's socket. */
  #written = false;
  /** One read may hold many parts that come after the client's buffers are full. */
  #awaitsDrain = false;
  #counted = false;
  #settled = false;

  constructor(request: ForwardRequest, done: (result: ForwardResult) => void) {
    this.#request = request;
    this.#done = done;
    request.outgoing.on('close', this.#onClose);
  }

  /** Hands the request to the upstream's pool. */
  send(body: Buffer | null | BodyStream): void {
    if (this.#settled) return;
    const { upstream, incoming, path, headers, timeoutMs } = this.#request;
    upstream.inFlight++;
    this.#counted = true;
    this.#body = body;
    this.#timer = setTimeout(() => this.#timedOut(), timeoutMs);
    this.#exchange = upstream.pool.send({ method: incoming.method ?? 'GET', path, headers, body }, this);
  }

  /** Something moved: the upstream's time starts anew. */
  progress(): void {
    this.#timer?.refresh();
  }

  fail(failure: ForwardFailure, error?: unknown): void {
    if (this.#settled) return;
    const { outgoing } = this.#request;
    const begun = outgoing.headersSent;
    this.#settle(failure, error);
    // An answer that broke off must not look complete: without its end the client sees an aborted connection.
    if (begun) cutAnswer(outgoing);
  }

  onSent(): void {
    this.#phase = 'awaiting_response';
    this.#sentAt = performance.now();
  }

  onHead({ status, reason, headers: pairs, framing }: ResponseHead): void {
    const { added } = this.#request;
    const headers = answerHeaders(status, pairs);
    const isStream = isEventStream(headers);
    if (isStream) {
      const ends = { headers, end: () => this.#endEarly(true), cut: () => this.#endEarly(false) };
      this.#events = this.#request.openEvents(ends);
      if (!this.#events) {
        this.fail('overloaded');
        return;
      }
    }
    this.#phase = 'receiving_body';
    this.#status = status;
    const nowMs = performance.now();
    this.#firstByteMs = nowMs - (this.#sentAt ?? nowMs);
    this.#headers = headers;
    this.#contentLength = typeof framing === 'number' ? framing : -1;
    if (isStream) this.#stopTimer();
    this.#unwritten = { reason, fields: this.#answerFields(headers, added) };
  }

  onData(received: Buffer): void {
    const { outgoing, captures } = this.#request;
    const chunk = this.#events ? this.#events.pass(received) : received;
    this.#bytes += chunk.length;
    captures?.response.push(chunk);
    if (chunk.length === this.#contentLength && chunk.length <= ONE_WRITE_BYTES_MAX && !this.#written) {
      this.#held = chunk;
      return;
    }
    this.#writeHead();
    const isKept = captures !== undefined || this.#events !== undefined;
    if (!(isKept ? outgoing.write(chunk) : writeReleased(outgoing, chunk))) {
      // A slow reader is no fault of the upstream, so its time stands still.
      this.#exchange?.pause();
      this.#stopTimer();
      if (!this.#awaitsDrain) outgoing.once('drain', () => this.#drained());
      this.#awaitsDrain = true;
    }
  }

  #drained(): void {
    this.#awaitsDrain = false;
    this.#startTimer();
    this.#exchange?.resume();
  }

  onEnd(trailers: readonly string[]): void {
    const { outgoing } = this.#request;
    this.#stopTimer();
    this.#writeHead();
    if (trailers.length > 0) addTrailers(outgoing, passableTrailers(trailers));
    outgoing.on('finish', this.#onFinish);
    const held = this.#held;
    if (held) outgoing.end(held.toString('latin1'), 'latin1');
    else outgoing.end();
  }

  onFailure(failure: ExchangeFailure, error: Error): void {
    this.fail(failure, error);
  }

  /** Ends an event stream that its upstream would have gone on with. */
  #endEarly(orderly: boolean): void {
    const { outgoing } = this.#request;
    if (this.#settled) return;
    if (!this.#endedEarly) {
      this.#endedEarly = true;
      this.#exchange?.abort();
    }
    // A stream with a length cannot end early and look complete.
    if (orderly && this.#contentLength < 0) {
      this.#writeHead();
      outgoing.on('finish', this.#onFinish);
      outgoing.end();
    } else {
      this.#settle(undefined, undefined);
      cutAnswer(outgoing);
    }
  }

  /** Gives the upstream its time anew. A head whose body takes its time goes on alone; one whose body is here went out with it. */
  onRead(): void {
    if (this.#phase !== 'receiving_body') return; // An answer's beginning that comes byte by byte gains no time.
    this.#timer?.refresh();
    if (this.#unwritten && !this.#held) this.#flush();
  }

  #flush(): void {
    const { outgoing } = this.#request;
    // flushHeaders writes UTF-8; a head with bytes above ASCII waits for its body, whose write is byte-exact.
    if (this.#headers.some((text) => OBS_TEXT.test(text))) return;
    this.#writeHead();
    outgoing.flushHeaders();
  }

  #writeHead(): void {
    if (this.#unwritten)
      writeHead(this.#request.outgoing, this.#status ?? 0, this.#unwritten.reason, this.#unwritten.fields);
    this.#unwritten = undefined;
    this.#written = true;
  }

  /** An interim answer (103 Early Hints, 102 Processing) goes to the client at once; HTTP/1.0 has none (RFC 9110 section 15.2). */
  onInterim({ status, headers }: ResponseHead): void {
    const { outgoing, incoming } = this.#request;
    this.#timer?.refresh();
    if (incoming.httpVersion === '1.0' || outgoing.headersSent) return;
    writeInterim(outgoing, status, answerHeaders(status, headers));
  }

  #answerFields(headers: string[], added: readonly string[]): string[] {
    const { isReplaced } = this.#request;
    if (!isReplaced) return added.length > 0 ? [...headers, ...added] : headers;
    const kept = headers.filter((_, i) => !isReplaced((headers[i - (i % 2)] as string).toLowerCase()));
    return [...kept, ...added];
  }

  #clientClosed(): void {
    const { writableEnded, writableFinished } = this.#request.outgoing;
    // A stream of HTTP/2 that is reset counts as finished, whatever was still to come.
    if (!this.#settled && !(writableEnded && writableFinished)) this.fail('client_left');
  }

  #timedOut(): void {
    if (this.#phase === 'connecting') this.fail('connect_timeout');
    else this.fail(this.#phase === 'receiving_body' ? 'response_stalled' : 'upstream_timeout');
  }

  #startTimer(): void {
    if (this.#settled || this.#timer || isEventStream(this.#headers)) return;
    this.#timer = setTimeout(() => this.#timedOut(), this.#request.timeoutMs);
  }

  #stopTimer(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  #resendableBody(): RequestBody | undefined {
    const body = this.#body;
    if (body === undefined || body === null || Buffer.isBuffer(body)) return body;
    return body.isUnread ? 'unread' : undefined;
  }

  #settle(failure: ForwardFailure | undefined, error: unknown): void {
    if (this.#settled) return;
    this.#settled = true;
    this.#stopTimer();
    this.#events?.closed();
    if (this.#counted) this.#request.upstream.inFlight--;
    this.#request.outgoing.removeListener('close', this.#onClose);
    if (failure) this.#exchange?.abort();
    this.#done({
      status: this.#status,
      failure,
      error,
      headers: this.#headers,
      bytes: this.#bytes,
      isEventStream: this.#events !== undefined,
      body: this.#resendableBody(),
      firstByteMs: this.#firstByteMs,
      sentAt: this.#sentAt,
    });
  }
}

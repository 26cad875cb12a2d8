// Sends one request upstream and streams the answer back. Network failures are results here, never exceptions.
//
//   client ──(a)──▶ gateway ──(b)──▶ upstream        (a) request in     (b) request out
//   client ◀─(d)── gateway ◀─(c)─── upstream         (c) answer in      (d) answer out
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Readable } from 'node:stream';
import type { Dispatcher } from 'undici';
import { addTrailers, cutAnswer, writeHead } from './answer.ts';
import { answerHeaders, isWellFramed, reasonPhrase } from './answer-guard.ts';
import type { Capture } from './capture.ts';
import { classifyError, type ForwardFailure, type Phase } from './failure.ts';
import { headerValue, responseTrailers } from './headers.ts';
import { type EventStreamEnds, isEventStream, type PassingEvents } from './passing-events.ts';
import { hasBody, readBody } from './upload.ts';
import type { Upstream } from './upstream.ts';

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
  /** The request's body when an earlier attempt has read it: null for none. Undefined: it is still to be read. */
  readonly body: Buffer | null | undefined;
  /** Takes account of an answer that is an event stream; undefined when no more may be open. */
  openEvents(ends: EventStreamEnds): PassingEvents | undefined;
  /** A larger body is refused; undefined for bodies of any size. */
  readonly bodyBytesMax: number | undefined;
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
  /** The request's body when it was sent whole from memory, so that it can be sent again: null for none. */
  readonly body: Buffer | null | undefined;
  /** From the hand-over to the upstream to the head of its answer; undefined when it never began. */
  readonly firstByteMs: number | undefined;
}

/** Answers up to this size that are complete when they arrive go out in one write with their head. */
const ONE_WRITE_BYTES_MAX = 16_384;
const OBS_TEXT = /[\x80-\xff]/;

/** Forwards; calls `done` once, when the client has its whole answer or can get none. On failure nothing was answered
 * unless the answer had begun, in which case the client's connection has been cut. */
export function forward(request: ForwardRequest, done: (result: ForwardResult) => void): void {
  const forwarding = new Forwarding(request, done);
  const { incoming, upstream } = request;
  if (upstream.inFlight >= upstream.inFlightMax) forwarding.fail('overloaded');
  else if (request.body !== undefined) forwarding.send(request.body);
  else if (!hasBody(incoming)) forwarding.send(null);
  else {
    readBody(request, {
      whole: (body) => forwarding.send(body),
      stream: (body) => forwarding.send(body),
      progress: () => forwarding.progress(),
      tooLarge: () => forwarding.fail('request_too_large'),
    });
  }
}

class Forwarding implements Dispatcher.DispatchHandler {
  readonly #request: ForwardRequest;
  readonly #done: (result: ForwardResult) => void;
  readonly #onClose = () => this.#clientClosed();
  #controller: Dispatcher.DispatchController | undefined;
  #timer: NodeJS.Timeout | undefined;
  #phase: Phase = 'connecting';
  #sentAt = 0;
  #firstByteMs: number | undefined;
  #status: number | undefined;
  #body: Buffer | null | undefined;
  #headers: readonly string[] = [];
  #bytes = 0;
  /** The first part of a small answer, held back so that it can leave in one write with the head. */
  #held: Buffer | undefined;
  #contentLength = -1;
  #events: PassingEvents | undefined;
  #endedEarly = false;
  /** Whether anything of the answer has been given to the client's socket. */
  #written = false;
  #counted = false;
  #settled = false;

  constructor(request: ForwardRequest, done: (result: ForwardResult) => void) {
    this.#request = request;
    this.#done = done;
    request.outgoing.on('close', this.#onClose);
  }

  /** Hands the request to the upstream's pool. */
  send(body: Buffer | Readable | null): void {
    if (this.#settled) return;
    const { upstream, incoming, path, headers, timeoutMs } = this.#request;
    upstream.inFlight++;
    this.#counted = true;
    if (body === null || Buffer.isBuffer(body)) this.#body = body;
    this.#sentAt = performance.now();
    this.#timer = setTimeout(() => this.#timedOut(), timeoutMs);
    upstream.pool.dispatch({ method: incoming.method as Dispatcher.HttpMethod, path, headers, body }, this);
  }

  /** Something moved: the upstream's time starts anew. */
  progress(): void {
    this.#timer?.refresh();
  }

  fail(failure: ForwardFailure, error?: unknown): void {
    if (this.#settled) return;
    const { outgoing } = this.#request;
    const begun = outgoing.headersSent || this.#phase === 'receiving_body';
    this.#settle(failure, error);
    // An answer that broke off must not look complete: without its end the client sees an aborted connection.
    if (begun) cutAnswer(outgoing);
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    this.#controller = controller;
    if (this.#settled) controller.abort(new Error('the request was given up while it waited for a connection'));
    else this.#phase = 'awaiting_response';
  }

  onResponseStart(
    controller: Dispatcher.DispatchController,
    status: number,
    _headers: unknown,
    statusText?: string,
  ): void {
    if (this.#settled) return;
    const raw = (controller.rawHeaders ?? []) as Buffer[];
    if (status < 100 || !isWellFramed(raw)) {
      this.fail('response_invalid', new Error('the answer has no valid status, or an ambiguous Transfer-Encoding'));
      return;
    }
    if (status < 200) {
      this.#relayInformation(status, raw);
      return;
    }
    const { outgoing, added } = this.#request;
    const headers = answerHeaders(status, raw);
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
    this.#firstByteMs = performance.now() - this.#sentAt;
    this.#headers = headers;
    this.#contentLength = Number(headerValue(headers, 'content-length') ?? -1);
    if (isStream) this.#stopTimer();
    else this.#timer?.refresh();
    writeHead(outgoing, status, reasonPhrase(statusText), this.#answerFields(headers, added));
    // A head whose body takes its time must not wait for it; one whose body is here already goes out with it.
    process.nextTick(flushHead, this);
  }

  onResponseData(controller: Dispatcher.DispatchController, received: Buffer): void {
    if (this.#settled || this.#endedEarly) return;
    const { outgoing, captures } = this.#request;
    const chunk = this.#events ? this.#events.pass(received) : received;
    this.#timer?.refresh();
    this.#bytes += chunk.length;
    captures?.response.push(chunk);
    if (chunk.length === this.#contentLength && chunk.length <= ONE_WRITE_BYTES_MAX && !this.#written) {
      this.#held = chunk;
      return;
    }
    this.#written = true;
    if (!outgoing.write(chunk)) {
      // A slow reader is no fault of the upstream, so its time stands still.
      controller.pause();
      this.#stopTimer();
      outgoing.once('drain', () => {
        this.#startTimer();
        controller.resume();
      });
    }
  }

  onResponseEnd(controller: Dispatcher.DispatchController): void {
    if (this.#settled || this.#endedEarly) return;
    const { outgoing } = this.#request;
    this.#stopTimer();
    const trailers = responseTrailers((controller.rawTrailers ?? []) as Buffer[]);
    if (trailers.length > 0) addTrailers(outgoing, trailers);
    outgoing.once('finish', () => this.#settle(undefined, undefined));
    const held = this.#held;
    if (held) outgoing.end(held.toString('latin1'), 'latin1');
    else outgoing.end();
  }

  onResponseError(_controller: Dispatcher.DispatchController | undefined, error: Error): void {
    if (!this.#endedEarly) this.fail(classifyError(error, this.#phase), error);
  }

  /** Ends an event stream that its upstream would have gone on with. */
  #endEarly(orderly: boolean): void {
    const { outgoing } = this.#request;
    if (this.#settled) return;
    if (!this.#endedEarly) {
      this.#endedEarly = true;
      this.#controller?.abort(new Error('the event stream was ended by the gateway'));
    }
    // A stream with a length cannot end early and look complete.
    if (orderly && this.#contentLength < 0) {
      outgoing.once('finish', () => this.#settle(undefined, undefined));
      outgoing.end();
    } else {
      this.#settle(undefined, undefined);
      cutAnswer(outgoing);
    }
  }

  /** Sends the head on its own when no body came with it. */
  flush(): void {
    const { outgoing } = this.#request;
    if (this.#settled || this.#written || this.#held || outgoing.writableEnded) return;
    // flushHeaders writes UTF-8; a head with bytes above ASCII waits for its body, whose write is byte-exact.
    if (this.#headers.some((text) => OBS_TEXT.test(text))) return;
    this.#written = true;
    outgoing.flushHeaders();
  }

  /** An interim answer (103 Early Hints, 102 Processing) goes to the client at once; HTTP/1.0 has none (RFC 9110 section 15.2). */
  #relayInformation(status: number, raw: readonly Buffer[]): void {
    const { outgoing, incoming } = this.#request;
    this.#timer?.refresh();
    if (status === 100 || status === 101 || incoming.httpVersion === '1.0' || outgoing.headersSent) return;
    // Node has had this since 26.2; an older one passes no interim answers on.
    outgoing.writeInformation?.(status, answerHeaders(status, raw));
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

  #settle(failure: ForwardFailure | undefined, error: unknown): void {
    if (this.#settled) return;
    this.#settled = true;
    this.#stopTimer();
    this.#events?.closed();
    if (this.#counted) this.#request.upstream.inFlight--;
    this.#request.outgoing.removeListener('close', this.#onClose);
    if (failure && this.#controller && !this.#controller.aborted) this.#controller.abort(new Error(failure));
    this.#done({
      status: this.#status,
      failure,
      error,
      headers: this.#headers,
      bytes: this.#bytes,
      isEventStream: this.#events !== undefined,
      body: this.#body,
      firstByteMs: this.#firstByteMs,
    });
  }
}

function flushHead(forwarding: Forwarding): void {
  forwarding.flush();
}

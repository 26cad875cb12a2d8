// The event stream of the side that does not serve, opened to be compared. It has a connection of its own, and reaches no
// client.
import { headerValue, responseHeaders } from '../proxy/headers.ts';
import { isEventStream } from '../proxy/passing-events.ts';
import type { Upstream } from '../proxy/upstream.ts';
import type { Exchange, ExchangeFailure, ExchangeHandler } from '../upstream/exchange.ts';
import type { ResponseHead } from '../upstream/response-head.ts';
import { COPY_MARK } from './send-copy.ts';
import { createStreamDecoder, type DecodedTo, type StreamDecoder } from './stream-decode.ts';

export interface OtherEventsRequest {
  readonly upstream: Upstream;
  readonly method: string;
  readonly path: string;
  /** End-to-end fields. */
  readonly headers: readonly string[];
  /** How long its answer may take to begin. */
  readonly timeoutMs: number;
  /** A steady clock in milliseconds. */
  readonly nowMs: () => number;
}

/** What becomes of the other side's stream: opened and then closed, or failed; nothing once it is closed here. */
export interface OtherStreamEvents {
  opened(): void;
  closed(): void;
  /** It could not be opened; `cause` says why. */
  failed(cause: string): void;
}

export interface OtherStream {
  close(): void;
}

/** The same of an event stream, and what it sends, its codings undone. */
export type OtherEventsEvents = OtherStreamEvents & DecodedTo;

export function openOtherEvents(request: OtherEventsRequest, on: OtherEventsEvents): OtherStream {
  const exchange = new EventsExchange(request, on);
  exchange.send();
  return exchange;
}

class EventsExchange implements ExchangeHandler, OtherStream {
  readonly #request: OtherEventsRequest;
  readonly #on: OtherEventsEvents;
  readonly #timer: NodeJS.Timeout;
  #exchange: Exchange | undefined;
  #decoder: StreamDecoder | undefined;
  #isOpen = false;
  #isOver = false;

  constructor(request: OtherEventsRequest, on: OtherEventsEvents) {
    this.#request = request;
    this.#on = on;
    this.#timer = setTimeout(() => this.#fail('it did not answer in time'), request.timeoutMs);
  }

  send(): void {
    const { upstream, method, path, headers } = this.#request;
    upstream.inFlight++;
    if (upstream.inFlight > upstream.inFlightMax) {
      this.#fail('too many streams are open');
      return;
    }
    const fields = [...withoutCodings(headers), ...COPY_MARK];
    this.#exchange = upstream.pool.send({ method, path, headers: fields, body: null }, this);
    if (this.#isOver) this.#exchange.abort();
  }

  close(): void {
    if (!this.#isOver) this.#end();
  }

  onSent(): void {}
  onInterim(): void {}

  onHead({ status, headers: pairs }: ResponseHead): void {
    const headers = responseHeaders(pairs);
    if (status !== 200 || !isEventStream(headers)) this.#fail(`it answered ${status} and no event stream`);
    else {
      // It was asked for none, but some give one all the same.
      this.#decoder = createStreamDecoder(headerValue(headers, 'content-encoding'), this.#on);
      if (!this.#decoder) {
        this.#fail('its event stream is in a coding that is not known');
        return;
      }
      clearTimeout(this.#timer);
      this.#isOpen = true;
      this.#on.opened();
    }
  }

  onData(part: Buffer): void {
    // Copied: it may have to wait, and the memory is not ours.
    if (!this.#isOver) this.#decoder?.push(Buffer.from(part), this.#request.nowMs());
  }

  onEnd(): void {
    this.#close('it ended before it began');
  }

  onFailure(failure: ExchangeFailure): void {
    this.#close(failure);
  }

  #close(cause: string): void {
    if (!this.#isOpen) this.#fail(cause);
    else this.#decoder?.end(() => this.#ended());
  }

  #ended(): void {
    if (this.#isOver) return;
    this.#end();
    this.#on.closed();
  }

  #fail(cause: string): void {
    if (this.#isOver) return;
    this.#end();
    this.#on.failed(cause);
  }

  #end(): void {
    this.#isOver = true;
    clearTimeout(this.#timer);
    this.#request.upstream.inFlight--;
    this.#decoder?.close();
    this.#exchange?.abort();
  }
}

/** Without the codings that the client would take: what is to be read here comes as it is. */
function withoutCodings(headers: readonly string[]): readonly string[] {
  return headers.filter((_, index) => headers[index - (index % 2)]?.toLowerCase() !== 'accept-encoding');
}

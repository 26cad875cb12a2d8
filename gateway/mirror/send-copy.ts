// Sends the copy of a request to the side that does not serve, and observes what it does. Has its own connections and
// its own deadline; nothing of the client's exchange can be held up or ended by it.
import { createCapture } from '../proxy/capture.ts';
import type { ForwardFailure, Phase } from '../proxy/failure.ts';
import { responseHeaders } from '../proxy/headers.ts';
import type { Upstream } from '../proxy/upstream.ts';
import type { Exchange, ExchangeHandler } from '../upstream/exchange.ts';
import type { ResponseHead } from '../upstream/response-head.ts';
import type { Observation } from './observation.ts';

export interface CopyRequest {
  readonly upstream: Upstream;
  readonly method: string;
  readonly path: string;
  readonly headers: readonly string[];
  readonly body: Buffer | undefined;
  /** From the hand-over to the end of the answer. */
  readonly timeoutMs: number;
  /** Answers larger than this are read no further. */
  readonly bodyBytesMax: number;
}

/** Marks a copy for the backend that gets it, so that its logs and metrics can tell copies from users. */
export const COPY_MARK = ['x-banyan-copy', '1'] as const;

export function sendCopy(copy: CopyRequest): Promise<Observation> {
  return new Promise((resolve) => new CopyExchange(copy, resolve).send());
}

class CopyExchange implements ExchangeHandler {
  readonly #copy: CopyRequest;
  readonly #done: (observation: Observation) => void;
  readonly #startedAt = performance.now();
  readonly #timer: NodeJS.Timeout;
  readonly #body;
  #exchange: Exchange | undefined;
  #phase: Phase = 'connecting';
  #status: number | undefined;
  #sentAt = 0;
  #firstByteMs: number | undefined;
  #headers: readonly string[] = [];
  #settled = false;

  constructor(copy: CopyRequest, done: (observation: Observation) => void) {
    this.#copy = copy;
    this.#done = done;
    this.#body = createCapture(copy.bodyBytesMax);
    this.#timer = setTimeout(() => this.#settle(this.#timeoutFailure()), copy.timeoutMs);
  }

  send(): void {
    const { upstream, method, path, headers, body = null } = this.#copy;
    const request = { method, path, headers: [...headers, ...COPY_MARK], body: body?.length === 0 ? null : body };
    this.#exchange = upstream.pool.send(request, this);
  }

  onSent(): void {
    this.#phase = 'awaiting_response';
    this.#sentAt = performance.now();
  }

  onInterim(): void {}

  onHead({ status, headers }: ResponseHead): void {
    this.#phase = 'receiving_body';
    this.#status = status;
    this.#firstByteMs = performance.now() - this.#sentAt;
    this.#headers = responseHeaders(headers);
  }

  onData(part: Buffer): void {
    this.#body.push(part);
    // The rest of a body that is not kept would only cost both sides; the connection goes with it.
    if (this.#body.overflow) this.#settle(undefined);
  }

  onEnd(): void {
    this.#settle(undefined);
  }

  onFailure(failure: ForwardFailure): void {
    this.#settle(failure);
  }

  #timeoutFailure(): ForwardFailure {
    if (this.#phase === 'connecting') return 'connect_timeout';
    return this.#phase === 'receiving_body' ? 'response_stalled' : 'upstream_timeout';
  }

  #settle(failure: ForwardFailure | undefined): void {
    if (this.#settled) return;
    this.#settled = true;
    clearTimeout(this.#timer);
    this.#exchange?.abort(); // Without effect where it is over anyway.
    this.#done({
      side: this.#copy.upstream.side,
      status: this.#status,
      headers: this.#headers,
      body: failure ? undefined : this.#body.body(),
      durationMs: performance.now() - this.#startedAt,
      firstByteMs: this.#firstByteMs,
      failure,
    });
  }
}

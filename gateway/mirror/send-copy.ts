// Sends the copy of a request to the side that does not serve, and observes what it does. Has its own connections and
// its own deadline; nothing of the client's exchange can be held up or ended by it.
import type { Dispatcher } from 'undici';
import { createCapture } from '../proxy/capture.ts';
import { classifyError, type ForwardFailure, type Phase } from '../proxy/failure.ts';
import { responseHeaders } from '../proxy/headers.ts';
import type { Upstream } from '../proxy/upstream.ts';
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
const COPY_MARK = ['x-banyan-copy', '1'] as const;

export function sendCopy(copy: CopyRequest): Promise<Observation> {
  return new Promise((resolve) => {
    const exchange = new CopyExchange(copy, resolve);
    const { method, path, headers, body } = copy;
    copy.upstream.pool.dispatch(
      { method: method as Dispatcher.HttpMethod, path, headers: [...headers, ...COPY_MARK], body: body ?? null },
      exchange,
    );
  });
}

class CopyExchange implements Dispatcher.DispatchHandler {
  readonly #copy: CopyRequest;
  readonly #done: (observation: Observation) => void;
  readonly #startedAt = performance.now();
  readonly #timer: NodeJS.Timeout;
  readonly #body;
  #controller: Dispatcher.DispatchController | undefined;
  #phase: Phase = 'connecting';
  #status: number | undefined;
  #headers: readonly string[] = [];
  #settled = false;

  constructor(copy: CopyRequest, done: (observation: Observation) => void) {
    this.#copy = copy;
    this.#done = done;
    this.#body = createCapture(copy.bodyBytesMax);
    this.#timer = setTimeout(() => this.#settle(this.#timeoutFailure()), copy.timeoutMs);
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    this.#controller = controller;
    if (this.#settled) controller.abort(new Error('the copy was given up while it waited for a connection'));
    else this.#phase = 'awaiting_response';
  }

  onResponseStart(controller: Dispatcher.DispatchController, status: number): void {
    if (status < 200) return;
    this.#phase = 'receiving_body';
    this.#status = status;
    this.#headers = responseHeaders((controller.rawHeaders ?? []) as Buffer[]);
  }

  onResponseData(_controller: Dispatcher.DispatchController, chunk: Buffer): void {
    this.#body.push(chunk);
    // The rest of a body that is not kept would only cost both sides; the connection goes with it.
    if (this.#body.overflow) this.#settle(undefined);
  }

  onResponseEnd(): void {
    this.#settle(undefined);
  }

  onResponseError(_controller: Dispatcher.DispatchController | undefined, error: Error): void {
    this.#settle(classifyError(error, this.#phase));
  }

  #timeoutFailure(): ForwardFailure {
    if (this.#phase === 'connecting') return 'connect_timeout';
    return this.#phase === 'receiving_body' ? 'response_stalled' : 'upstream_timeout';
  }

  #settle(failure: ForwardFailure | undefined): void {
    if (this.#settled) return;
    this.#settled = true;
    clearTimeout(this.#timer);
    if ((failure || this.#body.overflow) && this.#controller && !this.#controller.aborted) {
      this.#controller.abort(new Error('the copy is over'));
    }
    this.#done({
      side: this.#copy.upstream.side,
      status: this.#status,
      headers: this.#headers,
      body: failure ? undefined : this.#body.body(),
      durationMs: performance.now() - this.#startedAt,
      failure,
    });
  }
}

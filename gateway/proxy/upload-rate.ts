// The least rate at which a client must send a body: one that sends a byte now and then is never silent for long, and
// would hold a request, and a connection upstream, for ever.
import type { LimitsConfig } from '../../config/gateway-schema.ts';

export interface UploadRate {
  /** 0: any rate is enough. */
  readonly bytesPerSecondMin: number;
  /** The rate is an average over so long, again and again: what came fast before excuses nothing. */
  readonly windowMs: number;
}

/** Silence is cut off by itself after bodyIdleTimeoutMs; the window is longer, so that it is not taken for slowness. */
export function uploadRateOf({ bodyBytesPerSecondMin, bodyIdleTimeoutMs }: LimitsConfig): UploadRate {
  return { bytesPerSecondMin: bodyBytesPerSecondMin, windowMs: 2 * bodyIdleTimeoutMs };
}

/** Watches one body while it is read. */
export class UploadWatch {
  readonly #bytesMin: number;
  readonly #timer: NodeJS.Timeout | undefined;
  #bytes = 0;
  #isHeld = false;
  #wasHeld = false;
  #isOver = false;

  /** Calls `tooSlow` once, unless `stop` is called before. */
  constructor({ bytesPerSecondMin, windowMs }: UploadRate, tooSlow: () => void) {
    this.#bytesMin = (bytesPerSecondMin * windowMs) / 1_000;
    if (bytesPerSecondMin === 0) return;
    // What came while this process was busy is read a turn later.
    this.#timer = setInterval(() => setImmediate(() => this.#judge(tooSlow)), windowMs).unref();
  }

  received(bytes: number): void {
    this.#bytes += bytes;
  }

  /** The upstream takes no more, until `resumed`: a window in which it does not says nothing of the client. */
  held(): void {
    this.#isHeld = true;
    this.#wasHeld = true;
  }

  resumed(): void {
    this.#isHeld = false;
  }

  stop(): void {
    this.#isOver = true;
    clearInterval(this.#timer);
  }

  #judge(tooSlow: () => void): void {
    if (this.#isOver) return;
    const isSlow = this.#bytes < this.#bytesMin && !this.#wasHeld;
    this.#bytes = 0;
    this.#wasHeld = this.#isHeld;
    if (!isSlow) return;
    this.stop();
    tooSlow();
  }
}

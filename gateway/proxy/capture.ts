/** A bounded copy of a body as it passes. `overflow` differs from empty: what does not fit is not kept at all. */
export interface Capture {
  readonly bytes: number;
  readonly overflow: boolean;
  push(chunk: Buffer): void;
  /** The whole body; undefined when it did not fit. */
  body(): Buffer | undefined;
}

export function createCapture(bytesMax: number): Capture {
  return new BoundedCapture(bytesMax);
}

const NOTHING: readonly Buffer[] = [];

/** A class, since there are two of them for every request that may be copied, and closures cost several times as much. */
class BoundedCapture implements Capture {
  readonly #bytesMax: number;
  #chunks: Buffer[] | undefined;
  #bytes = 0;

  constructor(bytesMax: number) {
    this.#bytesMax = bytesMax;
  }

  get bytes(): number {
    return this.#bytes;
  }

  get overflow(): boolean {
    return this.#bytes > this.#bytesMax;
  }

  push(chunk: Buffer): void {
    this.#bytes += chunk.length;
    if (this.overflow) this.#chunks = undefined;
    else if (this.#chunks) this.#chunks.push(chunk);
    else this.#chunks = [chunk];
  }

  body(): Buffer | undefined {
    if (this.overflow) return undefined;
    const chunks = this.#chunks ?? NOTHING;
    return chunks.length === 1 ? chunks[0] : Buffer.concat(chunks);
  }
}

/** A bounded copy of a body as it passes. `overflow` differs from empty: what does not fit is not kept at all. */
export interface Capture {
  readonly bytes: number;
  readonly overflow: boolean;
  push(chunk: Buffer): void;
  /** The whole body; undefined when it did not fit. */
  body(): Buffer | undefined;
}

export function createCapture(bytesMax: number): Capture {
  let chunks: Buffer[] = [];
  let bytes = 0;
  let overflow = false;
  return {
    get bytes() {
      return bytes;
    },
    get overflow() {
      return overflow;
    },
    push(chunk) {
      bytes += chunk.length;
      if (overflow) return;
      if (bytes > bytesMax) {
        overflow = true;
        chunks = [];
      } else chunks.push(chunk);
    },
    body() {
      if (overflow) return undefined;
      return chunks.length === 1 ? chunks[0] : Buffer.concat(chunks);
    },
  };
}

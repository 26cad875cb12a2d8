// Finds where WebSocket frames end in one direction of a stream (RFC 6455 section 5.2), so that a close frame can be
// put between two of them. It reads frame headers only: nothing is unmasked, judged or kept.

export interface FrameScanner {
  /** Whether the bytes so far end where a frame ends (or none has begun). */
  readonly atBoundary: boolean;
  /** Whether a whole Close frame has passed: the peers are closing the stream by themselves. */
  readonly closeSeen: boolean;
  /** Takes the next bytes of the stream. */
  push(chunk: Uint8Array): void;
  /** Takes bytes up to the first end of a frame, or all of them when none ends here; answers how many it took. */
  pushToBoundary(chunk: Uint8Array): number;
}

const OPCODE = 0x0f;
const OPCODE_CLOSE = 0x8;
const MASKED = 0x80;
const MASK_BYTES = 4;
const LENGTH = 0x7f;
const LENGTH_IN_2_BYTES = 126;
const LENGTH_IN_8_BYTES = 127;

type Part = 'first' | 'second' | 'length' | 'rest';

/** A class, because there are two for every open WebSocket, and most of those are idle. */
class Scanner implements FrameScanner {
  closeSeen = false;
  #part: Part = 'first';
  #opcode = 0;
  #maskBytes = 0;
  #lengthBytesLeft = 0;
  #payloadBytes = 0;
  /** Of mask and payload. Exact up to 2^53; a frame said to be longer than that never ends. */
  #restBytes = 0;

  get atBoundary(): boolean {
    return this.#part === 'first';
  }

  push(chunk: Uint8Array): void {
    this.#advance(chunk, false);
  }

  pushToBoundary(chunk: Uint8Array): number {
    return this.#advance(chunk, true);
  }

  #advance(chunk: Uint8Array, stopsAtBoundary: boolean): number {
    const end = chunk.length;
    let at = 0;
    while (at < end) {
      if (this.#part === 'first' && !stopsAtBoundary) {
        at = this.#skipShort(chunk, at);
        if (at === end) return at;
      }
      if (this.#part === 'rest') {
        const passed = Math.min(this.#restBytes, end - at);
        this.#restBytes -= passed;
        at += passed;
      } else this.#headerByte(chunk[at++] as number); // In bounds: at < end.
      if (this.#part === 'rest' && this.#restBytes === 0) {
        this.#part = 'first';
        if (this.#opcode === OPCODE_CLOSE) this.closeSeen = true;
        if (stopsAtBoundary) return at;
      }
    }
    return at;
  }

  /** Skips frames that are here whole and short, as most are; #advance is right for them too, only slower. */
  #skipShort(chunk: Uint8Array, from: number): number {
    const end = chunk.length;
    let at = from;
    while (at + 1 < end) {
      const second = chunk[at + 1] as number; // In bounds, like the other.
      const length = second & LENGTH;
      if (length >= LENGTH_IN_2_BYTES) return at;
      const next = at + 2 + (second >= MASKED ? MASK_BYTES : 0) + length;
      if (next > end) return at;
      if (((chunk[at] as number) & OPCODE) === OPCODE_CLOSE) this.closeSeen = true;
      at = next;
    }
    return at;
  }

  #headerByte(byte: number): void {
    if (this.#part === 'first') {
      this.#opcode = byte & OPCODE;
      this.#part = 'second';
    } else if (this.#part === 'second') {
      this.#maskBytes = byte & MASKED ? MASK_BYTES : 0;
      const length = byte & LENGTH;
      this.#lengthBytesLeft = length === LENGTH_IN_8_BYTES ? 8 : length === LENGTH_IN_2_BYTES ? 2 : 0;
      this.#payloadBytes = this.#lengthBytesLeft > 0 ? 0 : length;
      if (this.#lengthBytesLeft > 0) this.#part = 'length';
      else this.#beginRest();
    } else {
      this.#payloadBytes = this.#payloadBytes * 256 + byte;
      this.#lengthBytesLeft--;
      if (this.#lengthBytesLeft === 0) this.#beginRest();
    }
  }

  #beginRest(): void {
    const isEndless = this.#payloadBytes > Number.MAX_SAFE_INTEGER;
    this.#restBytes = isEndless ? Number.POSITIVE_INFINITY : this.#maskBytes + this.#payloadBytes;
    this.#part = 'rest';
  }
}

export function createFrameScanner(): FrameScanner {
  return new Scanner();
}

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

/** The length of the frame that begins here, when it is told by its first two bytes and these are here; otherwise 0. */
function shortFrameAt(chunk: Uint8Array, at: number): number {
  const second = chunk[at + 1];
  if (second === undefined) return 0;
  const length = second & LENGTH;
  return length < LENGTH_IN_2_BYTES ? 2 + (second & MASKED ? MASK_BYTES : 0) + length : 0;
}

export function createFrameScanner(): FrameScanner {
  let part: Part = 'first';
  let opcode = 0;
  let maskBytes = 0;
  let lengthBytesLeft = 0;
  let payloadBytes = 0;
  /** Of mask and payload. Exact up to 2^53; a frame said to be longer than that never ends. */
  let restBytes = 0;
  let closeSeen = false;

  function beginRest(): void {
    restBytes = payloadBytes > Number.MAX_SAFE_INTEGER ? Number.POSITIVE_INFINITY : maskBytes + payloadBytes;
    part = 'rest';
  }

  function headerByte(byte: number): void {
    if (part === 'first') {
      opcode = byte & OPCODE;
      part = 'second';
    } else if (part === 'second') {
      maskBytes = byte & MASKED ? MASK_BYTES : 0;
      const length = byte & LENGTH;
      lengthBytesLeft = length === LENGTH_IN_8_BYTES ? 8 : length === LENGTH_IN_2_BYTES ? 2 : 0;
      payloadBytes = lengthBytesLeft > 0 ? 0 : length;
      if (lengthBytesLeft > 0) part = 'length';
      else beginRest();
    } else {
      payloadBytes = payloadBytes * 256 + byte;
      lengthBytesLeft--;
      if (lengthBytesLeft === 0) beginRest();
    }
  }

  function advance(chunk: Uint8Array, stopsAtBoundary: boolean): number {
    const end = chunk.length;
    let at = 0;
    while (at < end) {
      if (part === 'first') {
        // Most frames are short and come whole; the rest of this function is right for them too, only slower.
        const length = shortFrameAt(chunk, at);
        if (length > 0 && at + length <= end) {
          if (((chunk[at] as number) & OPCODE) === OPCODE_CLOSE) closeSeen = true;
          at += length;
          if (stopsAtBoundary) return at;
          continue;
        }
      }
      if (part === 'rest') {
        const passed = Math.min(restBytes, end - at);
        restBytes -= passed;
        at += passed;
      } else headerByte(chunk[at++] as number); // In bounds: at < end.
      if (part === 'rest' && restBytes === 0) {
        part = 'first';
        if (opcode === OPCODE_CLOSE) closeSeen = true;
        if (stopsAtBoundary) return at;
      }
    }
    return at;
  }

  return {
    get atBoundary() {
      return part === 'first';
    },
    get closeSeen() {
      return closeSeen;
    },
    push: (chunk) => void advance(chunk, false),
    pushToBoundary: (chunk) => advance(chunk, true),
  };
}

// The messages in one direction of a WebSocket (RFC 6455 sections 5.2 to 5.6), for comparing: fragments joined, masks taken
// off, compression undone (RFC 7692 section 7.2.2). Bounded; nothing is ever sent.
import { constants, inflateRawSync } from 'node:zlib';

export interface SocketMessage {
  readonly data: Buffer;
  readonly isBinary: boolean;
}

export interface SocketReader {
  /** Takes the next bytes; answers the messages that are whole with them. @throws {Unreadable} after which nothing can be read. */
  push(chunk: Uint8Array): SocketMessage[];
}

/** The stream cannot be read on: it is not what the RFC says, or a message is larger than may be kept. */
export class Unreadable extends Error {}

const FIN = 0x80;
const COMPRESSED = 0x40; // RSV1, of permessage-deflate; the peers have agreed on nothing else that uses it.
const RESERVED = 0x30;
const OPCODE = 0x0f;
const CONTROL = 0x08;
const CONTINUATION = 0x0;
const TEXT = 0x1;
const BINARY = 0x2;
const MASKED = 0x80;
const LENGTH = 0x7f;
const CONTROL_BYTES_MAX = 125;
/** They may be empty, so that the bytes of a message do not bound them. */
const FRAGMENTS_MAX = 1_024;

/** What a sender leaves out at the end of a compressed message (RFC 7692 section 7.2.1). */
const DEFLATE_TAIL = Buffer.of(0, 0, 0xff, 0xff);
/** How far back compressed data may refer, to messages before too. */
const DEFLATE_WINDOW_BYTES = 32_768;

interface FrameHead {
  readonly first: number;
  readonly mask: Buffer | undefined;
  readonly headBytes: number;
  readonly length: number;
}

export function createSocketReader(messageBytesMax: number): SocketReader {
  return new Reader(messageBytesMax);
}

class Reader implements SocketReader {
  readonly #messageBytesMax: number;
  /** Bytes of a frame that is not whole yet: at most one message, one head and one chunk. */
  #rest: Buffer = Buffer.alloc(0);
  #fragments: Buffer[] = [];
  #bytes = 0;
  /** The first byte of the message under way. */
  #begun: number | undefined;
  /** The end of what was decompressed so far. */
  #window: Buffer = Buffer.alloc(0);

  constructor(messageBytesMax: number) {
    this.#messageBytesMax = messageBytesMax;
  }

  push(chunk: Uint8Array): SocketMessage[] {
    const messages: SocketMessage[] = [];
    let bytes = this.#rest.length > 0 ? Buffer.concat([this.#rest, chunk]) : Buffer.from(chunk);
    for (;;) {
      const head = readHead(bytes);
      if (!head) break;
      if (head.length > this.#roomFor(head)) throw new Unreadable('a frame that is too large');
      const end = head.headBytes + head.length;
      if (bytes.length < end) break;
      const message = this.#frame(head, bytes.subarray(head.headBytes, end));
      if (message) messages.push(message);
      bytes = bytes.subarray(end);
    }
    this.#rest = bytes;
    return messages;
  }

  #roomFor({ first }: FrameHead): number {
    return first & CONTROL ? CONTROL_BYTES_MAX : this.#messageBytesMax - this.#bytes;
  }

  /** Takes a whole frame; answers the message that it ends. */
  #frame({ first, mask }: FrameHead, payload: Buffer): SocketMessage | undefined {
    const opcode = first & OPCODE;
    if (first & RESERVED || (opcode > BINARY && !(opcode & CONTROL))) throw new Unreadable('a frame that no RFC knows');
    if (opcode & CONTROL) return undefined;
    if (this.#fragments.length >= FRAGMENTS_MAX) throw new Unreadable('a message of too many fragments');
    if ((opcode === CONTINUATION) === (this.#begun === undefined)) throw new Unreadable('a fragment out of place');
    const begun = this.#begun ?? first;
    this.#begun = begun;
    this.#fragments.push(mask ? unmasked(payload, mask) : payload);
    this.#bytes += payload.length;
    if (!(first & FIN)) return undefined;
    const whole = Buffer.concat(this.#fragments);
    this.#fragments = [];
    this.#bytes = 0;
    this.#begun = undefined;
    return {
      data: begun & COMPRESSED ? this.#inflate(whole) : whole,
      isBinary: (begun & OPCODE) !== TEXT,
    };
  }

  /**
   * Each message by itself, with what came before it as its dictionary: that is the same as one stream of them all, and
   * has no state outside of this object. A sender that begins anew with each message just never refers to it.
   */
  #inflate(message: Buffer): Buffer {
    let data: Buffer;
    try {
      data = inflateRawSync(Buffer.concat([message, DEFLATE_TAIL]), {
        finishFlush: constants.Z_SYNC_FLUSH,
        maxOutputLength: this.#messageBytesMax,
        ...(this.#window.length > 0 ? { dictionary: this.#window } : {}),
      });
    } catch (error) {
      throw new Unreadable(`a message that cannot be decompressed: ${(error as Error).message}`);
    }
    const before = this.#window.subarray(Math.max(0, this.#window.length + data.length - DEFLATE_WINDOW_BYTES));
    this.#window = Buffer.concat([before, data.subarray(-DEFLATE_WINDOW_BYTES)]);
    return data;
  }
}

/** The head of the frame that begins here, or undefined when it is not whole. */
function readHead(bytes: Buffer): FrameHead | undefined {
  if (bytes.length < 2) return undefined;
  const first = bytes.readUInt8(0);
  const second = bytes.readUInt8(1);
  const short = second & LENGTH;
  const lengthBytes = short === 127 ? 8 : short === 126 ? 2 : 0;
  const maskBytes = second & MASKED ? 4 : 0;
  const headBytes = 2 + lengthBytes + maskBytes;
  if (bytes.length < headBytes) return undefined;
  const length =
    lengthBytes === 8 ? Number(bytes.readBigUInt64BE(2)) : lengthBytes === 2 ? bytes.readUInt16BE(2) : short;
  const mask = maskBytes > 0 ? bytes.subarray(headBytes - maskBytes, headBytes) : undefined;
  return { first, mask, headBytes, length };
}

function unmasked(payload: Buffer, mask: Buffer): Buffer {
  const plain = Buffer.from(payload);
  for (let at = 0; at < plain.length; at++) plain[at] = (plain[at] ?? 0) ^ (mask[at % 4] ?? 0);
  return plain;
}

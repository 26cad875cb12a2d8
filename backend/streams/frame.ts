// News as bytes, for WebSockets and for event streams: made once, whoever many they go to.
import { idOf, type News, type NewsId } from '../bus/news.ts';

export type Frame = NewsId & {
  /** The envelope as a whole text message (RFC 6455 section 5.2). */
  readonly socketBytes: () => Buffer;
  /** The envelope as one event with its id (WHATWG HTML section 9.2.5). */
  readonly eventBytes: () => Buffer;
};

const FINAL_TEXT = 0x81;
const LENGTH_16 = 126;
const LENGTH_64 = 127;
const LENGTH_7_MAX = 125;
const LENGTH_16_MAX = 0xffff;

/** One unmasked, unfragmented text message, as servers send it. */
export function textMessage(text: string): Buffer {
  const length = Buffer.byteLength(text);
  const headBytes = length <= LENGTH_7_MAX ? 2 : length <= LENGTH_16_MAX ? 4 : 10;
  const bytes = Buffer.allocUnsafe(headBytes + length);
  bytes[0] = FINAL_TEXT;
  if (headBytes === 2) bytes[1] = length;
  else if (headBytes === 4) {
    bytes[1] = LENGTH_16;
    bytes.writeUInt16BE(length, 2);
  } else {
    bytes[1] = LENGTH_64;
    bytes.writeBigUInt64BE(BigInt(length), 2);
  }
  bytes.write(text, headBytes);
  return bytes;
}

export function createFrame(news: News): Frame {
  const { epoch, seq, text } = news;
  let socket: Buffer | undefined;
  let event: Buffer | undefined;
  return {
    epoch,
    seq,
    socketBytes() {
      socket ??= textMessage(text);
      return socket;
    },
    eventBytes() {
      event ??= Buffer.from(`id: ${idOf(news)}\ndata: ${text}\n\n`);
      return event;
    },
  };
}

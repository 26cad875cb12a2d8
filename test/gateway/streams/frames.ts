// WebSocket frames for tests, written from RFC 6455 section 5.2 and not from the code under test.
import { randomBytes } from 'node:crypto';

export interface FrameSpec {
  /** 0 continuation, 1 text, 2 binary, 8 close, 9 ping, 10 pong. */
  readonly opcode: number;
  readonly payload: Buffer;
  readonly fin?: boolean;
  /** As a client sends it. */
  readonly masked?: boolean;
  /** How the length is spelled; the shortest form unless this says otherwise. */
  readonly lengthBytes?: 0 | 2 | 8;
}

export function frame({ opcode, payload, fin = true, masked = false, lengthBytes }: FrameSpec): Buffer {
  const size = payload.length;
  const form = lengthBytes ?? (size < 126 ? 0 : size < 65_536 ? 2 : 8);
  const length = form === 0 ? size : form === 2 ? 126 : 127;
  const extended = Buffer.alloc(form);
  if (form === 2) extended.writeUInt16BE(size);
  if (form === 8) extended.writeBigUInt64BE(BigInt(size));
  const head = Buffer.concat([Buffer.of((fin ? 0x80 : 0) | opcode, (masked ? 0x80 : 0) | length), extended]);
  if (!masked) return Buffer.concat([head, payload]);
  const key = randomBytes(4);
  return Buffer.concat([head, key, Buffer.from(payload.map((byte, at) => byte ^ (key[at % 4] ?? 0)))]);
}

export function text(payload: string, masked = false): Buffer {
  return frame({ opcode: 1, payload: Buffer.from(payload), masked });
}

/** A Close frame with a code and no reason. */
export function close(code: number, masked = false): Buffer {
  const payload = Buffer.alloc(2);
  payload.writeUInt16BE(code);
  return frame({ opcode: 8, payload, masked });
}

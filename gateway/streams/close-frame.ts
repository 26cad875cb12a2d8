// Close frames of the gateway's own (RFC 6455 sections 5.5.1 and 7.4).
import { randomBytes } from 'node:crypto';

/** The gateway goes away (RFC 6455 section 7.4.1). */
export const GOING_AWAY = 1001;
/** The service restarts and the client may come back: IANA's registry of close codes. */
export const SERVICE_RESTART = 1012;

export type CloseCode = typeof GOING_AWAY | typeof SERVICE_RESTART;

const REASONS: Readonly<Record<CloseCode, string>> = {
  [GOING_AWAY]: 'going away',
  [SERVICE_RESTART]: 'service restart',
};

const FIN_CLOSE = 0x88;
const MASKED = 0x80;

/** A Close frame as a server sends it. */
export function closeFrame(code: CloseCode): Buffer {
  const payload = payloadOf(code);
  return Buffer.concat([Buffer.of(FIN_CLOSE, payload.length), payload]);
}

/** A Close frame as a client sends it: masked, with a fresh key (RFC 6455 section 5.3). */
export function maskedCloseFrame(code: CloseCode): Buffer {
  const key = randomBytes(4);
  const payload = payloadOf(code);
  const masked = payload.map((byte, index) => byte ^ (key[index % key.length] ?? 0));
  return Buffer.concat([Buffer.of(FIN_CLOSE, MASKED | payload.length), key, masked]);
}

function payloadOf(code: CloseCode): Buffer {
  const payload = Buffer.alloc(2);
  payload.writeUInt16BE(code);
  return Buffer.concat([payload, Buffer.from(REASONS[code])]);
}

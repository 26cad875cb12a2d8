import { createHmac, timingSafeEqual } from 'node:crypto';
import { ERRORS, type ExchangeError } from './errors.ts';

const RECV_WINDOW_DEFAULT_MS = 5_000;
const RECV_WINDOW_MAX_MS = 60_000;
/** How far a client's clock may run ahead of the exchange's. */
const AHEAD_MAX_MS = 1_000;

export interface Credentials {
  readonly apiKey: string;
  readonly secretKey: string;
}

/** The parts of a request that the signature covers, exactly as they came over the wire. */
export interface SignedParts {
  readonly query: string;
  readonly body: string;
  readonly apiKey: string | undefined;
}

/** HMAC-SHA256 of `text`, in the lower-case hex the exchange demands. */
export function sign(secretKey: string, text: string): string {
  return createHmac('sha256', secretKey).update(text).digest('hex');
}

/** All parameters; where query and body both name one, the query wins. */
export function readParams(query: string, body: string): Map<string, string> {
  return new Map([...new URLSearchParams(body), ...new URLSearchParams(query)]);
}

/**
 * Why a SIGNED request is refused, or undefined when it is good; `credentials` are those of its key, if there are any. What is signed is the raw query followed by the raw
 * body, with nothing between them, and without the signature itself.
 */
export function refuseSigned(
  parts: SignedParts,
  credentials: Credentials | undefined,
  nowMs: number,
): ExchangeError | undefined {
  if (!parts.apiKey) return ERRORS.apiKeyRequired;
  if (!/^[\w-]{8,64}$/.test(parts.apiKey)) return ERRORS.apiKeyFormat;
  if (!credentials) return ERRORS.invalidAccessKey;
  const params = readParams(parts.query, parts.body);
  const clock = refuseClock(params, nowMs);
  if (clock) return clock;
  const expected = Buffer.from(sign(credentials.secretKey, unsigned(parts.query) + unsigned(parts.body)));
  const given = Buffer.from(params.get('signature') ?? '');
  return given.length === expected.length && timingSafeEqual(given, expected) ? undefined : ERRORS.signature;
}

function refuseClock(params: ReadonlyMap<string, string>, nowMs: number): ExchangeError | undefined {
  const timestamp = params.get('timestamp');
  if (!timestamp) return ERRORS.paramMissing;
  const recvWindowMs = Number(params.get('recvWindow') ?? RECV_WINDOW_DEFAULT_MS);
  const timestampMs = Number(timestamp);
  if (!Number.isInteger(recvWindowMs) || recvWindowMs < 0 || !Number.isInteger(timestampMs)) return ERRORS.paramError;
  if (recvWindowMs > RECV_WINDOW_MAX_MS) return ERRORS.recvWindow;
  const inTime = timestampMs < nowMs + AHEAD_MAX_MS && nowMs - timestampMs <= recvWindowMs;
  return inTime ? undefined : ERRORS.timestamp;
}

function unsigned(text: string): string {
  return text
    .split('&')
    .filter((pair) => !pair.startsWith('signature='))
    .join('&');
}

// Why a request is not taken, and what its sender is told. A refused request was never forwarded, and its connection is
// closed: what follows on it cannot be told apart from what was refused.
import type { LimitsConfig } from '../../config/gateway-schema.ts';

export type RefusalReason = keyof typeof REFUSALS;

export interface RefusalMeaning {
  readonly status: number;
  readonly title: string;
}

export const REFUSALS = {
  /** Bytes that are no HTTP/1 request. */
  malformed: { status: 400, title: 'The request is not valid HTTP' },
  /** Where the body ends is ambiguous or wrong: the stuff of request smuggling (RFC 9112 section 11.2). */
  framing: { status: 400, title: "The request's body is not delimited as HTTP demands" },
  transfer_coding: { status: 501, title: 'The transfer coding is not supported' },
  host: { status: 400, title: 'The Host field is missing, repeated or invalid' },
  target: { status: 400, title: 'The request target is not valid' },
  method: { status: 501, title: 'The method is not supported' },
  version: { status: 505, title: 'Only HTTP/1.1 and HTTP/1.0 are spoken here' },
  expectation: { status: 417, title: 'The expectation cannot be met' },
  head_too_large: { status: 431, title: 'The request head is too large' },
  too_many_fields: { status: 431, title: 'The request has too many header fields' },
  url_too_long: { status: 414, title: 'The request target is too long' },
  chunk_extensions: { status: 413, title: 'The chunk extensions are too large' },
  head_timeout: { status: 408, title: 'The request head did not arrive in time' },
  body_timeout: { status: 408, title: "The request's body did not arrive in time" },
  /** The client reads nothing of its answer. It has begun already, so nothing more can be said. */
  read_timeout: { status: 408, title: 'The answer was not read in time' },
  too_many_requests: { status: 503, title: 'Too many requests are being answered' },
  too_many_connections: { status: 503, title: 'Too many connections are open' },
  pipeline: { status: 503, title: 'Too many requests wait on one connection' },
  /** Bytes after a valid request, which is answered all the same. */
  trailing_garbage: { status: 400, title: 'What followed the request is not valid HTTP' },
} as const satisfies Record<string, RefusalMeaning>;

/** What the parser's error means (its `code` as Node documents it); undefined for errors of the connection itself. */
export function refusalOfError(error: NodeJS.ErrnoException & { rawPacket?: Buffer }): RefusalReason | undefined {
  const { code = '', rawPacket } = error;
  switch (code) {
    case 'ERR_HTTP_REQUEST_TIMEOUT':
      return 'head_timeout';
    case 'HPE_HEADER_OVERFLOW':
      // The parser counts the request line in: a packet that starts with one and has no end of line is all target.
      return rawPacket && looksLikeRequestLine(rawPacket) && !rawPacket.includes(10) ? 'url_too_long' : 'head_too_large';
    case 'HPE_CHUNK_EXTENSIONS_OVERFLOW':
      return 'chunk_extensions';
    case 'HPE_INVALID_VERSION':
      return 'version';
    case 'HPE_INVALID_METHOD':
      return rawPacket && looksLikeRequestLine(rawPacket) ? 'method' : 'malformed';
    case 'HPE_INVALID_CONTENT_LENGTH':
    case 'HPE_UNEXPECTED_CONTENT_LENGTH':
    case 'HPE_INVALID_TRANSFER_ENCODING':
    case 'HPE_INVALID_CHUNK_SIZE':
      return 'framing';
    default:
      return code.startsWith('HPE_') ? 'malformed' : undefined;
  }
}

const REQUEST_LINE_START = /^[!#$%&'*+.^_`|~0-9A-Za-z-]{1,32} [/*A-Za-z]/;

function looksLikeRequestLine(packet: Buffer): boolean {
  return REQUEST_LINE_START.test(packet.toString('latin1', 0, 64));
}

/** How long a client may wait for the head of its answer to fit within the limits; what the listener is built with. */
export function checkIntervalMs({ headerTimeoutMs }: LimitsConfig): number {
  return Math.min(1_000, Math.max(10, headerTimeoutMs / 4));
}

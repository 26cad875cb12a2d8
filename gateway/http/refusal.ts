// Why a request is not taken, and what its sender is told. A refused request was never forwarded, and its connection is
// closed: what follows on it cannot be told apart from what was refused.
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
  protocol: { status: 501, title: 'The protocol is not spoken here' },
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
  const packet = () => rawPacket?.toString('latin1') ?? '';
  switch (code) {
    case 'ERR_HTTP_REQUEST_TIMEOUT':
      return 'head_timeout';
    case 'HPE_HEADER_OVERFLOW':
      return TARGET_ONLY.test(packet()) ? 'url_too_long' : 'head_too_large';
    case 'HPE_CHUNK_EXTENSIONS_OVERFLOW':
      return 'chunk_extensions';
    case 'HPE_INVALID_VERSION':
      return WITH_VERSION.test(packet()) ? 'version' : 'malformed';
    case 'HPE_INVALID_METHOD':
      return WITH_METHOD.test(packet()) ? 'method' : 'malformed';
    case 'HPE_INVALID_CONTENT_LENGTH':
    case 'HPE_UNEXPECTED_CONTENT_LENGTH':
    case 'HPE_INVALID_TRANSFER_ENCODING':
    case 'HPE_INVALID_CHUNK_SIZE':
      return 'framing';
    default:
      return code.startsWith('HPE_') ? 'malformed' : undefined;
  }
}

/** The beginning, or the end, of a request line that has no room for its target in one packet. */
const TARGET_ONLY = /^(?:[A-Z]+ [^\s]+$|[^\s]* HTTP\/1\.[01]\r\n)/;
const WITH_VERSION = /^[^\r\n]* HTTP\/\d+\.\d+\r\n/;
const WITH_METHOD = /^[!#$%&'*+.^_`|~0-9A-Za-z-]{1,32} [/*A-Za-z]/;

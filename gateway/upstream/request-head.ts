// A request's head as it goes to an upstream.
import type { UpstreamRequest } from './exchange.ts';
import { areFieldLines } from './response-head.ts';

/** The request cannot be sent as HTTP/1.1. The message names what is wrong, and none of its bytes. */
export class RequestError extends Error {}

export interface RenderedHead {
  /** In latin1, with the empty line at its end. */
  readonly text: string;
  /** How many bytes of body follow; undefined: in chunks. */
  readonly bodyBytes: number | undefined;
}

const METHOD = /^[!#$%&'*+\-.^_`|~\w]+$/;
const DIGITS = /^\d{1,15}$/;
/** Methods whose requests say that they have no body, where they have none (RFC 9110 section 8.6). */
const MEANS_A_BODY = new Set(['POST', 'PUT', 'PATCH']);
const TARGET = /^[\x21-\x7e\x80-\xff]+$/;

/**
 * Renders a head, and says how its body is framed (RFC 9112 section 6): by the Content-Length among its fields, by one
 * that is added for a body in memory, or in chunks. A request of HTTP/1.0 may come without a Host, and goes on with the
 * upstream's own, `origin`.
 * @throws RequestError when a byte of it could be read as something else, or a body's length is not what the head says.
 */
export function renderHead({ method, path, headers, body }: UpstreamRequest, origin: string): RenderedHead {
  if (!METHOD.test(method) || !TARGET.test(path)) throw new RequestError('the method or the target is malformed');
  let fields = '';
  let hasHost = false;
  let declared: number | undefined;
  for (let i = 0; i < headers.length; i += 2) {
    const name = headers[i] as string;
    const value = headers[i + 1] as string;
    // It would pass for two fields.
    if (value.includes('\n') || name.includes('\n')) throw new RequestError('a field has a line break');
    if (name.length === 4 && name.toLowerCase() === 'host') hasHost = true;
    if (name.length === 17 && name.toLowerCase() === 'transfer-encoding') {
      throw new RequestError("Transfer-Encoding is not the request's to say");
    }
    if (name.length === 14 && name.toLowerCase() === 'content-length') {
      declared = DIGITS.test(value) ? Number(value) : Number.NaN; // Which no body's length is equal to.
      fields += `${name}: ${declared}\r\n`; // In one spelling: leading zeros might be read as octal.
    } else fields += `${name}: ${value}\r\n`;
  }
  if (!hasHost) fields = `Host: ${origin}\r\n${fields}`;
  if (!areFieldLines(fields)) throw new RequestError('a field is malformed');
  const bodyBytes = bytesOf(body) ?? declared;
  if (declared !== undefined && declared !== bodyBytes) throw new RequestError('the body is not as long as it says');
  if (bodyBytes === undefined) fields += 'Transfer-Encoding: chunked\r\n';
  else if (declared === undefined && (body !== null || MEANS_A_BODY.has(method))) {
    fields += `Content-Length: ${bodyBytes}\r\n`;
  }
  if (body !== null && !Buffer.isBuffer(body) && body.expectsContinue) fields += 'Expect: 100-continue\r\n';
  return { text: `${method} ${path} HTTP/1.1\r\n${fields}\r\n`, bodyBytes };
}

/** The length of a body that is known by itself. */
function bytesOf(body: UpstreamRequest['body']): number | undefined {
  if (body === null) return 0;
  return Buffer.isBuffer(body) ? body.length : undefined;
}

// The head of an answer, read strictly: what two readers could understand in two ways is no HTTP here (RFC 9112).

/** What a head says, and what follows it. */
export interface ResponseHead {
  readonly status: number;
  /** As it came, in latin1; may be empty. */
  readonly reason: string;
  /** All fields as raw pairs, in latin1. */
  readonly headers: readonly string[];
  readonly framing: Framing;
  /** Whether another request may follow on the connection (RFC 9112 section 9.3). */
  readonly keepAlive: boolean;
  /** How long the upstream says that it keeps an idle connection; undefined when it does not say. */
  readonly idleMs: number | undefined;
}

/**
 * How the end of the body is found: after so many bytes (0 where there can be none), after the last chunk, or by the end
 * of the connection.
 */
export type Framing = number | 'chunked' | 'close';

/** The answer is not HTTP/1.1 as RFC 9112 has it. The message names what is wrong, and none of its bytes. */
export class ResponseError extends Error {}

/** RFC 9112 section 4. The reason phrase may be missing, and some servers leave out the space before it too. */
const STATUS_LINE = /^HTTP\/1\.([01]) ([1-9]\d\d)(?: ([\t\x20-\x7e\x80-\xff]*))?\r\n/;
/**
 * RFC 9112 section 5: no space before the colon, no line folding, no control character but HTAB, no bare CR or LF.
 */
const FIELD_LINES = /(?:[!#$%&'*+\-.^_`|~\w]+:[\t\x20-\x7e\x80-\xff]*\r\n)*$/y;
const DIGITS = /^\d{1,15}$/;
const KEEP_ALIVE_TIMEOUT = /(?:^|[,\s])timeout=(\d{1,6})/i;

/** Whether field lines, each with its CRLF, are well-formed. */
export function areFieldLines(text: string, from = 0): boolean {
  FIELD_LINES.lastIndex = from;
  return FIELD_LINES.test(text);
}

/** Well-formed field lines as raw pairs. */
export function splitFieldLines(text: string, from = 0): string[] {
  const pairs: string[] = [];
  for (let start = from; start < text.length; ) {
    const colon = text.indexOf(':', start);
    const end = text.indexOf('\r\n', colon);
    pairs.push(text.slice(start, colon), trimmed(text, colon + 1, end));
    start = end + 2;
  }
  return pairs;
}

/** Optional whitespace around a value is no part of it (RFC 9112 section 5.1); other characters that trim() takes are. */
function trimmed(text: string, from: number, to: number): string {
  let start = from;
  let end = to;
  while (start < end && isBlank(text.charCodeAt(start))) start++;
  while (end > start && isBlank(text.charCodeAt(end - 1))) end--;
  return text.slice(start, end);
}

function isBlank(code: number): boolean {
  return code === 0x20 || code === 0x09;
}

/**
 * Reads a head: the status line and the field lines, each with its CRLF, without the empty line.
 * @throws ResponseError when it is not one.
 */
export function parseHead(text: string, method: string): ResponseHead {
  const line = STATUS_LINE.exec(text);
  if (!line) throw new ResponseError('the status line is not one of HTTP/1.0 or HTTP/1.1');
  const [{ length: from }, minor, digits, reason = ''] = line;
  if (!areFieldLines(text, from)) throw new ResponseError('a field line is malformed');
  const headers = splitFieldLines(text, from);
  const status = Number(digits);
  const isOld = minor === '0';
  const control = controlFields(headers);
  const framing = framingOf(control, { status, method, isOld });
  const keepAlive = isOld ? control.keepAlive && !control.close : !control.close;
  return {
    status,
    reason,
    headers,
    framing,
    keepAlive: keepAlive && framing !== 'close',
    idleMs: control.idleMs,
  };
}

interface ControlFields {
  length: string | undefined;
  coding: string | undefined;
  close: boolean;
  keepAlive: boolean;
  idleMs: number | undefined;
}

/** What frames the message and rules the connection. By the names' lengths first: this is on every request's path. */
function controlFields(headers: readonly string[]): ControlFields {
  const found: ControlFields = {
    length: undefined,
    coding: undefined,
    close: false,
    keepAlive: false,
    idleMs: undefined,
  };
  for (let i = 0; i < headers.length; i += 2) {
    const name = headers[i] as string;
    const { length } = name;
    if (length !== 10 && length !== 14 && length !== 17) continue;
    const value = headers[i + 1] as string;
    switch (name.toLowerCase()) {
      case 'content-length':
        if (found.length !== undefined) throw new ResponseError('there are two Content-Length fields');
        found.length = value;
        break;
      case 'transfer-encoding':
        if (found.coding !== undefined) throw new ResponseError('there are two Transfer-Encoding fields');
        found.coding = value;
        break;
      case 'connection':
        for (const option of value.toLowerCase().split(',')) {
          const token = option.trim();
          if (token === 'close') found.close = true;
          if (token === 'keep-alive') found.keepAlive = true;
        }
        break;
      case 'keep-alive': {
        const seconds = KEEP_ALIVE_TIMEOUT.exec(value)?.[1];
        if (seconds !== undefined) found.idleMs = Number(seconds) * 1000;
      }
    }
  }
  return found;
}

/** RFC 9112 section 6.3, less every case in which it asks a reader to make the best of a doubt. */
function framingOf(
  { length, coding }: ControlFields,
  { status, method, isOld }: { status: number; method: string; isOld: boolean },
): Framing {
  if (length !== undefined && !DIGITS.test(length)) throw new ResponseError('Content-Length is not a number');
  if (coding !== undefined) {
    if (length !== undefined) throw new ResponseError('there are both Content-Length and Transfer-Encoding');
    if (isOld) throw new ResponseError('HTTP/1.0 has no Transfer-Encoding');
    // Another coding would have to be passed on, which a field of this connection cannot be.
    if (coding.toLowerCase() !== 'chunked') throw new ResponseError('Transfer-Encoding is not just chunked');
  }
  if (method === 'HEAD' || status < 200 || status === 204 || status === 304) return 0;
  if (coding !== undefined) return 'chunked';
  return length === undefined ? 'close' : Number(length);
}

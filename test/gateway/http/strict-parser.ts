// A second opinion on HTTP/1.1 (RFC 9112), written from the grammar: slow, strict, and sharing no code with the gateway.

export interface ParsedRequest {
  readonly method: string;
  readonly target: string;
  readonly body: string;
}

export interface Parsed {
  readonly requests: readonly ParsedRequest[];
  /** What stands after the last whole request. */
  readonly rest: 'nothing' | 'incomplete' | 'invalid';
}

const REQUEST_LINE = /^([!#$%&'*+.^_`|~0-9A-Za-z-]+) +([\x21-\x7e]+) +HTTP\/1\.[01]$/; // RFC 9112 section 3 allows several spaces
const FIELD_LINE = /^([!#$%&'*+.^_`|~0-9A-Za-z-]+):[ \t]*((?:[\t\x20-\x7e\x80-\xff]*[\x21-\x7e\x80-\xff])?)[ \t]*$/;
const CHUNK_LINE = /^([0-9A-Fa-f]{1,13})((?:;[\t\x20-\x7e\x80-\xff]*)?)$/;

/** Parses latin1 text from one connection. */
export function parseRequests(text: string): Parsed {
  const requests: ParsedRequest[] = [];
  let at = 0;
  for (;;) {
    while (text.startsWith('\r\n', at)) at += 2; // RFC 9112 section 2.2
    if (at === text.length) return { requests, rest: 'nothing' };
    const parsed = parseRequest(text, at);
    if (typeof parsed === 'string') return { requests, rest: parsed };
    requests.push(parsed.request);
    at = parsed.end;
  }
}

type Failure = 'incomplete' | 'invalid';
type Found = { readonly request: ParsedRequest; readonly end: number };

function parseRequest(text: string, start: number): Found | Failure {
  const headEnd = text.indexOf('\r\n\r\n', start);
  if (headEnd < 0) return 'incomplete';
  const [requestLine = '', ...lines] = text.slice(start, headEnd).split('\r\n');
  const [, method = '', target = ''] = REQUEST_LINE.exec(requestLine) ?? [];
  if (!method) return 'invalid';
  const fields = lines.map((line) => FIELD_LINE.exec(line));
  if (fields.includes(null)) return 'invalid';
  const all = (name: string) => fields.flatMap((field) => (field?.[1]?.toLowerCase() === name ? [field[2] ?? ''] : []));
  const codings = all('transfer-encoding');
  const lengths = all('content-length');
  if (codings.length > 0) {
    if (lengths.length > 0 || codings.length > 1 || codings[0]?.toLowerCase() !== 'chunked') return 'invalid';
    if (requestLine.endsWith('0')) return 'invalid';
    return withBody(method, target, parseChunks(text, headEnd + 4));
  }
  if (lengths.length > 1 || (lengths[0] !== undefined && !/^\d{1,15}$/.test(lengths[0]))) return 'invalid';
  const end = headEnd + 4 + Number(lengths[0] ?? 0);
  if (end > text.length) return 'incomplete';
  return { request: { method, target, body: text.slice(headEnd + 4, end) }, end };
}

function withBody(method: string, target: string, chunks: { body: string; end: number } | Failure): Found | Failure {
  return typeof chunks === 'string' ? chunks : { request: { method, target, body: chunks.body }, end: chunks.end };
}

function parseChunks(text: string, start: number): { body: string; end: number } | Failure {
  let at = start;
  let body = '';
  for (;;) {
    const lineEnd = text.indexOf('\r\n', at);
    if (lineEnd < 0) return 'incomplete';
    const size = CHUNK_LINE.exec(text.slice(at, lineEnd))?.[1];
    if (size === undefined) return 'invalid';
    const length = Number.parseInt(size, 16);
    at = lineEnd + 2;
    if (length === 0) return parseTrailers(text, at, body);
    if (at + length + 2 > text.length) return 'incomplete';
    body += text.slice(at, at + length);
    at += length;
    if (!text.startsWith('\r\n', at)) return 'invalid';
    at += 2;
  }
}

function parseTrailers(text: string, start: number, body: string): { body: string; end: number } | Failure {
  let at = start;
  for (;;) {
    const lineEnd = text.indexOf('\r\n', at);
    if (lineEnd < 0) return 'incomplete';
    if (lineEnd === at) return { body, end: at + 2 };
    if (!FIELD_LINE.test(text.slice(at, lineEnd))) return 'invalid';
    at = lineEnd + 2;
  }
}

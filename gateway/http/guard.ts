// Checks of a request head that Node's parser lets through although an intermediary must not (RFC 9110, RFC 9112).
// The parser itself refuses nearly everything else, as long as `insecureHTTPParser` stays off. Runs on every request:
// one pass over the names, by length first.
import { METHODS } from 'node:http';
import type { LimitsConfig } from '../../config/gateway-schema.ts';
import { headerValue } from '../proxy/headers.ts';
import type { RefusalReason } from './refusal.ts';

/** A request head, as Node's IncomingMessage has it. */
export interface RequestHead {
  readonly method?: string | undefined;
  readonly url?: string | undefined;
  readonly httpVersionMajor: number;
  readonly httpVersionMinor: number;
  readonly rawHeaders: readonly string[];
}

/** Of a request of HTTP/2, whose version is beyond doubt. */
export type StreamHead = Pick<RequestHead, 'method' | 'url' | 'rawHeaders'>;

export type HeadLimits = Pick<LimitsConfig, 'headerCountMax' | 'urlBytesMax'>;

/**
 * CONNECT asks for a tunnel, TRACE shows a client what others added to its request (RFC 9110 section 9.3.8); the parser
 * takes SOURCE from ICE and PRI from HTTP/2. RTSP's methods it takes too, but Node does not list them.
 */
const NOT_FORWARDED = new Set(['CONNECT', 'TRACE', 'SOURCE', 'PRI']);
const FORWARDED = new Set(METHODS.filter((method) => !NOT_FORWARDED.has(method)));

/** uri-host [":" port] of RFC 9110 section 7.2, less what no host has and parsers disagree on: sub-delims, percent-encoding. */
const HOST = /^(?:[A-Za-z0-9._~-]*|\[[0-9A-Fa-f:.]+\])(?::\d{0,5})?$/;

/** Content-Length beyond this many digits is no size of anything; below it, it is exact as a JS number. */
const LENGTH_DIGITS_MAX = 15;

/** Why a request with this head must not be forwarded; undefined when it may. */
export function refusalOfHead(head: RequestHead, limits: HeadLimits): RefusalReason | undefined {
  const { method = '', url = '', httpVersionMajor, rawHeaders } = head;
  if (httpVersionMajor !== 1) return 'version'; // HTTP/0.9 and HTTP/2.0 in a request line
  if (!FORWARDED.has(method)) return 'method';
  if (url.length > limits.urlBytesMax) return 'url_too_long';
  if (rawHeaders.length > limits.headerCountMax * 2) return 'too_many_fields';
  return refusalOfFields(head) ?? refusalOfTarget(method, url, rawHeaders);
}

function refusalOfFields({ rawHeaders, httpVersionMinor }: RequestHead): RefusalReason | undefined {
  let host: string | undefined;
  let length: string | undefined;
  let coding: string | undefined;
  for (let i = 0; i < rawHeaders.length; i += 2) {
    const name = rawHeaders[i] as string;
    if (name.length === 4) {
      if (name.toLowerCase() !== 'host') continue;
      if (host !== undefined) return 'host';
      host = rawHeaders[i + 1] as string;
    } else if (name.length === 14) {
      if (name.toLowerCase() !== 'content-length') continue;
      if (length !== undefined) return 'framing';
      length = rawHeaders[i + 1] as string;
    } else if (name.length === 17) {
      if (name.toLowerCase() !== 'transfer-encoding') continue;
      if (coding !== undefined) return 'framing';
      coding = rawHeaders[i + 1] as string;
    }
  }
  // RFC 9112 section 3.2: HTTP/1.1 demands one Host; HTTP/1.0 may do without.
  if (host === undefined ? httpVersionMinor === 1 : !HOST.test(host)) return 'host';
  if (length !== undefined && length.length > LENGTH_DIGITS_MAX) return 'framing';
  if (coding === undefined) return undefined;
  // RFC 9112 section 6.1: with a length, or in HTTP/1.0, it is an attack or a fault. A coding beside chunked cannot be
  // passed on, since the field is of this connection only.
  if (length !== undefined || httpVersionMinor === 0) return 'framing';
  if (coding.trim().toLowerCase() === 'chunked') return undefined;
  return coding.includes(',') ? 'transfer_coding' : 'framing';
}

/** Why a request of HTTP/2 must not be forwarded; its framing and its fields' syntax the protocol itself checks. */
export function refusalOfStream(
  { method = '', url = '', rawHeaders }: StreamHead,
  limits: HeadLimits,
): RefusalReason | undefined {
  if (!FORWARDED.has(method)) return 'method';
  if (url.length > limits.urlBytesMax) return 'url_too_long';
  if (rawHeaders.length > limits.headerCountMax * 2) return 'too_many_fields';
  const host = headerValue(rawHeaders, ':authority') ?? headerValue(rawHeaders, 'host');
  if (host === undefined || !HOST.test(host)) return 'host';
  return url.startsWith('/') ? undefined : 'target';
}

/** Why an upgrade must not be: beside a head's own flaws, it is a GET without a body (RFC 6455 section 4.1). */
export function refusalOfUpgrade(head: RequestHead, limits: HeadLimits): RefusalReason | undefined {
  const reason = refusalOfHead(head, limits);
  if (reason) return reason;
  if (head.method !== 'GET' || head.httpVersionMinor === 0) return 'malformed';
  return announcesBody(head.rawHeaders) ? 'framing' : undefined;
}

/**
 * Why a CONNECT of HTTP/2 must not be: a tunnel to anywhere is refused, a WebSocket (RFC 8441 section 4) is a GET like any
 * upgrade, and other protocols are unknown (RFC 9220 section 3: 501).
 */
export function refusalOfConnect({ url, rawHeaders }: StreamHead, limits: HeadLimits): RefusalReason | undefined {
  const protocol = headerValue(rawHeaders, ':protocol');
  if (protocol === undefined) return 'method';
  if (protocol.toLowerCase() !== 'websocket') return 'protocol';
  return (
    refusalOfStream({ method: 'GET', url, rawHeaders }, limits) ?? (announcesBody(rawHeaders) ? 'framing' : undefined)
  );
}

function announcesBody(rawHeaders: readonly string[]): boolean {
  const length = headerValue(rawHeaders, 'content-length');
  return (length !== undefined && Number(length) !== 0) || headerValue(rawHeaders, 'transfer-encoding') !== undefined;
}

/** Why an expectation cannot be met: only 100-continue is defined (RFC 9110 section 10.1.1). */
export function refusalOfExpectation({ rawHeaders }: RequestHead): RefusalReason | undefined {
  return headerValue(rawHeaders, 'expect')?.toLowerCase() === '100-continue' ? undefined : 'expectation';
}

const ABSOLUTE = /^(https?):\/\/([^/?#]*)/i;

function refusalOfTarget(method: string, url: string, pairs: readonly string[]): RefusalReason | undefined {
  // RFC 9112 section 3.2: no form of target has a fragment; what follows `#` is cut off by some servers and not by others.
  if (url.includes('#')) return 'target';
  if (url.charCodeAt(0) === 47) return undefined; // '/', the origin-form
  if (url === '*') return method === 'OPTIONS' ? undefined : 'target';
  const [, scheme = '', authority = ''] = ABSOLUTE.exec(url) ?? [];
  if (!authority || !HOST.test(authority)) return 'target'; // another scheme, no host, user information
  // RFC 9112 section 3.2.2: a client must send a Host equal to the target's authority. One that does not wants two
  // readers to see two hosts.
  const host = headerValue(pairs, 'host');
  return host === undefined || sameAuthority(host, authority, scheme) ? undefined : 'host';
}

function sameAuthority(one: string, other: string, scheme: string): boolean {
  const defaultPort = scheme.toLowerCase() === 'https' ? ':443' : ':80';
  const plain = (authority: string) => {
    const lower = authority.toLowerCase().replace(/:$/, '');
    return lower.endsWith(defaultPort) ? lower.slice(0, -defaultPort.length) : lower;
  };
  return plain(one) === plain(other);
}

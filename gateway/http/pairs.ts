// A request's fields as HTTP/1.1 has them, whichever version the client speaks. Pure.
import type { IncomingMessage } from 'node:http';

/** Whether a request came over HTTP/2. Not by its version: a line of HTTP/1 can say "HTTP/2.0" too. */
export function isHttp2(incoming: IncomingMessage): boolean {
  return 'stream' in incoming;
}

/** Raw pairs (name, value, ...): HTTP/1's own, or HTTP/2's without pseudo-fields. */
export function requestPairs(incoming: IncomingMessage): readonly string[] {
  return isHttp2(incoming) ? fromHttp2(incoming.rawHeaders) : incoming.rawHeaders;
}

/**
 * RFC 9113 section 8.3.1: `:authority` becomes Host where there is none. Section 8.2.3: the crumbs of a cookie, which
 * HTTP/2 may send apart, are one field again.
 */
function fromHttp2(rawHeaders: readonly string[]): string[] {
  const pairs: string[] = [];
  let authority: string | undefined;
  let hasHost = false;
  let cookieAt = -1;
  for (let i = 0; i < rawHeaders.length; i += 2) {
    const name = rawHeaders[i] as string;
    const value = rawHeaders[i + 1] as string;
    if (name === ':authority') authority = value;
    else if (name.startsWith(':')) continue;
    else if (name === 'cookie' && cookieAt >= 0) pairs[cookieAt] = `${pairs[cookieAt]}; ${value}`;
    else {
      if (name === 'cookie') cookieAt = pairs.length + 1;
      hasHost ||= name === 'host';
      pairs.push(name, value);
    }
  }
  return authority === undefined || hasHost ? pairs : ['host', authority, ...pairs];
}

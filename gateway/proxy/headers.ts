// Header fields as raw pairs (name, value, name, value, ...), exactly as they came, less what an intermediary must not
// pass on. Nothing here folds, renames or reorders.

/** Added to every forwarded request (RFC 9110 section 7.6.3: an intermediary must). */
const VIA = '1.1 banyan';

/** Fields that only this gateway may set: a client's own are stripped at the edge. */
const RESERVED_PREFIX = 'x-banyan-';

/**
 * Connection-level fields: RFC 9110 section 7.6.1, and `Expect`, which is answered by this server's own 100 (Continue).
 * `TE: trailers` is the sender's own offer; none is made upstream, so no trailers have to be relayed.
 */
const HOP_BY_HOP = new Set([
  'connection',
  'expect',
  'keep-alive',
  'proxy-authenticate',
  'proxy-authorization',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
]);

type Pairs = readonly string[];

/** The first value of the field with this lower-case name. */
export function headerValue(pairs: Pairs, lowerName: string): string | undefined {
  for (let i = 0; i < pairs.length; i += 2) {
    const name = pairs[i] as string;
    if (name.length === lowerName.length && name.toLowerCase() === lowerName) return pairs[i + 1];
  }
  return undefined;
}

/** Whether the connection options of these fields (RFC 9110 section 7.6.1) make the named field hop-by-hop. */
function connectionOptions(pairs: Pairs): Set<string> | undefined {
  let options: Set<string> | undefined;
  for (let i = 0; i < pairs.length; i += 2) {
    const name = pairs[i] as string;
    if (name.length !== 10 || name.toLowerCase() !== 'connection') continue;
    for (const option of (pairs[i + 1] as string).split(',')) {
      const token = option.trim().toLowerCase();
      // `Connection: host` or `content-length` cannot make those fields vanish; that would change the message.
      if (!token || token === 'close' || token === 'keep-alive' || token === 'host' || token === 'content-length')
        continue;
      options ??= new Set();
      options.add(token);
    }
  }
  return options;
}

/** The fields of a request as they go upstream. */
export function requestHeaders(pairs: Pairs): string[] {
  const named = connectionOptions(pairs);
  const out: string[] = [];
  for (let i = 0; i < pairs.length; i += 2) {
    const name = pairs[i] as string;
    const lower = name.toLowerCase();
    if (HOP_BY_HOP.has(lower) || named?.has(lower) || lower.startsWith(RESERVED_PREFIX)) continue;
    out.push(name, pairs[i + 1] as string);
  }
  out.push('Via', VIA);
  return out;
}

/** The fields of an answer as they go to the client, from the upstream's raw bytes (latin1, as HTTP/1 has them). */
export function responseHeaders(raw: readonly (Buffer | string)[]): string[] {
  const pairs = raw.map((part) => (typeof part === 'string' ? part : part.toString('latin1')));
  const named = connectionOptions(pairs);
  const out: string[] = [];
  for (let i = 0; i < pairs.length; i += 2) {
    const name = pairs[i] as string;
    const lower = name.toLowerCase();
    if (HOP_BY_HOP.has(lower) || named?.has(lower)) continue;
    out.push(name, pairs[i + 1] as string);
  }
  return out;
}

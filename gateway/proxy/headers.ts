// Header fields as raw pairs (name, value, name, value, ...), exactly as they came, less what an intermediary must not
// pass on. Nothing here folds, renames or reorders.

/** Added to every forwarded request (RFC 9110 section 7.6.3: an intermediary must). */
const VIA = '1.1 banyan';

/** Gateways like this one that a request may have passed. A few in a row are somebody's plan; more are a circle. */
export const GATEWAYS_MAX = 8;

/**
 * Fields that only this gateway may set: a client's or a backend's own are stripped. With "_" too, which backends that make
 * variables of fields (CGI, WSGI) cannot tell from "-".
 */
const RESERVED = /^x[-_]banyan[-_]/;

/** A cookie that is for this gateway only: it is stripped from what goes upstream. */
export const PIN_COOKIE = 'banyan-pin';

/**
 * Connection-level fields: RFC 9110 section 7.6.1, `Expect`, which the gateway's own client sends for those who wait to be
 * asked (upload.ts), and `HTTP2-Settings`, which HTTP/2 does not take (RFC 7540 section 3.2.1).
 */
const HOP_BY_HOP = new Set([
  'connection',
  'expect',
  'http2-settings',
  'keep-alive',
  'proxy-authenticate',
  'proxy-authorization',
  'proxy-connection',
  'te',
  'transfer-encoding',
  'upgrade',
]);

type Pairs = readonly string[];

/** What a name is to this gateway. */
interface NameTraits {
  readonly lower: string;
  /** It goes no further: it is of the connection, or for this gateway alone to set. */
  readonly ends: boolean;
}

/** Spellings whose traits are remembered: clients and backends use the same few, on every request's path. */
const SPELLINGS_MAX = 1_024;
const SPELLING_CHARS_MAX = 64;
const spellings = new Map<string, NameTraits>();

function traitsOf(name: string): NameTraits {
  const known = spellings.get(name);
  if (known) return known;
  const lower = name.toLowerCase();
  const traits = { lower, ends: HOP_BY_HOP.has(lower) || RESERVED.test(lower) };
  if (name.length > SPELLING_CHARS_MAX) return traits;
  if (spellings.size >= SPELLINGS_MAX) spellings.clear(); // Somebody invents them; the usual ones are soon back.
  // A copy: a name that was cut out of a head would keep all of it.
  spellings.set(Buffer.from(name, 'latin1').toString('latin1'), traits);
  return traits;
}

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

/**
 * Whether a request goes round: a backend's address that leads back here would have it grow until its head is too large,
 * and every copy with it. By what each gateway has added to Via, so that a circle of several is found too.
 */
export function isLooping(pairs: Pairs): boolean {
  let passed = 0;
  for (let i = 0; i < pairs.length; i += 2) {
    const name = pairs[i] as string;
    if (name.length !== 3 || name.toLowerCase() !== 'via') continue;
    for (const hop of (pairs[i + 1] as string).split(',')) if (hop.trim() === VIA) passed++;
  }
  return passed >= GATEWAYS_MAX;
}

/** What the gateway itself says in a request's fields. */
export interface EdgeFields {
  /** Fields to add, after the client's own. */
  readonly added: readonly string[];
  /** Whether the client's own field (by its lower-case name) is replaced, and so left out. */
  isReplaced(lowerName: string): boolean;
  /** The Host to send instead of the client's. */
  readonly host: string | undefined;
}

const NO_EDGE: EdgeFields = { added: [], isReplaced: () => false, host: undefined };

/** The fields of a request as they go upstream. */
export function requestHeaders(pairs: Pairs, edge: EdgeFields = NO_EDGE): string[] {
  const named = connectionOptions(pairs);
  const out: string[] = [];
  for (let i = 0; i < pairs.length; i += 2) {
    const name = pairs[i] as string;
    const { lower, ends } = traitsOf(name);
    if (ends || named?.has(lower) || edge.isReplaced(lower)) continue;
    if (lower === 'cookie' && (pairs[i + 1] as string).includes(PIN_COOKIE)) {
      const cookies = withoutPin(pairs[i + 1] as string);
      if (cookies !== '') out.push(name, cookies);
      continue;
    }
    out.push(name, lower === 'host' && edge.host !== undefined ? edge.host : (pairs[i + 1] as string));
  }
  // The client's offer to take trailers is passed on, since they are; nothing else of TE is (RFC 9110 section 10.1.4).
  if (takesTrailers(pairs)) out.push('TE', 'trailers');
  out.push(...edge.added, 'Via', VIA);
  return out;
}

function withoutPin(cookies: string): string {
  const others = cookies.split(';').filter((cookie) => cookie.split('=', 1)[0]?.trim() !== PIN_COOKIE);
  return others.join(';').trim();
}

function takesTrailers(pairs: Pairs): boolean {
  return (
    headerValue(pairs, 'te')
      ?.split(',')
      .some((coding) => coding.trim().toLowerCase() === 'trailers') ?? false
  );
}

/** Fields that may not stand in a trailer section: they frame or route the message (RFC 9110 section 6.5.1). */
const NOT_IN_TRAILERS = new Set([
  ...HOP_BY_HOP,
  'content-encoding',
  'content-length',
  'content-type',
  'host',
  'trailer',
]);

/** The trailer fields of a message that may be passed on. */
export function passableTrailers(pairs: Pairs): string[] {
  return pairs.filter((_, i) => {
    const name = (pairs[i - (i % 2)] as string).toLowerCase();
    return !NOT_IN_TRAILERS.has(name) && !RESERVED.test(name);
  });
}

/** The fields of an answer as they go to the client. */
export function responseHeaders(pairs: Pairs): string[] {
  const named = connectionOptions(pairs);
  const out: string[] = [];
  for (let i = 0; i < pairs.length; i += 2) {
    const name = pairs[i] as string;
    const { lower, ends } = traitsOf(name);
    if (ends || named?.has(lower)) continue;
    out.push(name, pairs[i + 1] as string);
  }
  return out;
}

/** The fields of an answer of this status: RFC 9110 section 8.6 forbids a length where there can be no content. */
export function answerHeaders(status: number, pairs: Pairs): string[] {
  const headers = responseHeaders(pairs);
  if (status >= 200 && status !== 204) return headers;
  return headers.filter((_, i) => headers[i - (i % 2)]?.toLowerCase() !== 'content-length');
}

/** Raw pairs as Node's client takes them: names as first spelled, in the order given, repeated ones gathered. */
export function fieldsByName(pairs: Pairs): Record<string, string | string[]> {
  const fields = new Map<string, { name: string; values: string[] }>();
  for (let i = 0; i < pairs.length; i += 2) {
    const [name = '', value = ''] = pairs.slice(i, i + 2);
    const known = fields.get(name.toLowerCase());
    if (known) known.values.push(value);
    else fields.set(name.toLowerCase(), { name, values: [value] });
  }
  return Object.fromEntries(
    [...fields.values()].map(({ name, values: [first = '', ...more] }) => [
      name,
      more.length > 0 ? [first, ...more] : first,
    ]),
  );
}

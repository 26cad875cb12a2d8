// Who a request is, for decisions that must be the same for one user every time.
import { headerValue } from '../proxy/headers.ts';

/** Longer identities are cut: they are hashed, and a hostile cookie must not cost memory. */
const IDENTITY_LENGTH_MAX = 256;

/** A request's identity from its raw header pairs and the peer's address. */
export type IdentityReader = (rawHeaders: readonly string[], address: string | undefined) => string;

/**
 * Compiles the configured sources (`header:NAME`, `cookie:NAME`, `address`); the first that a request has wins, and the
 * address stands in where it has none. Never empty: without an identity Unleash leaves a request out of every rollout,
 * even one to 100 %.
 */
export function compileIdentity(sources: readonly string[]): IdentityReader {
  const readers = sources.map(compileSource);
  return (rawHeaders, address) => {
    for (const read of readers) {
      const value = read(rawHeaders, address);
      if (value) return value.length > IDENTITY_LENGTH_MAX ? value.slice(0, IDENTITY_LENGTH_MAX) : value;
    }
    return address || 'unknown';
  };
}

type SourceReader = (rawHeaders: readonly string[], address: string | undefined) => string | undefined;

function compileSource(source: string): SourceReader {
  const [kind, name = ''] = source.split(':', 2);
  if (kind === 'header') return (rawHeaders) => headerValue(rawHeaders, name.toLowerCase());
  if (kind === 'cookie') return (rawHeaders) => cookieValue(headerValue(rawHeaders, 'cookie'), name);
  return (_, address) => address;
}

export function cookieValue(header: string | undefined, name: string): string | undefined {
  if (!header) return undefined;
  for (const pair of header.split(';')) {
    const equals = pair.indexOf('=');
    if (equals > 0 && pair.slice(0, equals).trim() === name) return pair.slice(equals + 1).trim();
  }
  return undefined;
}

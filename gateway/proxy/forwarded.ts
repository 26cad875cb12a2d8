// Who the client is, told to the upstream: X-Forwarded-For, -Proto, -Host and -Port, and Forwarded (RFC 7239). What a
// client says of itself in these fields counts only when the client is one of our own proxies.
import { BlockList, isIP } from 'node:net';
import { headerValue } from './headers.ts';

/** What the gateway knows of a connection by itself. */
export interface Connection {
  /** The peer's address. */
  readonly address: string;
  readonly encrypted: boolean;
  /** The port on which the peer reached us. */
  readonly localPort: number;
}

/** `set`: replaced, or appended to where the peer is trusted. `strip`: removed. `pass`: left as they came. */
export type ForwardedMode = 'set' | 'strip' | 'pass';

export interface ForwardedPolicy {
  readonly mode: ForwardedMode;
  /** Whether the peer at this address is a proxy of ours. */
  trusts(address: string): boolean;
}

type Pairs = readonly string[];

const FIELDS = new Set(['forwarded', 'x-forwarded-for', 'x-forwarded-proto', 'x-forwarded-host', 'x-forwarded-port']);

/** Whether a field (by its lower-case name) is one of these. */
export function isForwardedField(lowerName: string): boolean {
  return FIELDS.has(lowerName);
}

/** Compiles the policy. Proxies are addresses or networks in CIDR notation, as the configuration's schema has checked. */
export function compileForwarded(mode: ForwardedMode, trustedProxies: readonly string[]): ForwardedPolicy {
  const list = new BlockList();
  for (const proxy of trustedProxies) {
    const [network = '', prefix] = proxy.split('/');
    const family = isIP(network) === 6 ? 'ipv6' : 'ipv4';
    if (prefix === undefined) list.addAddress(network, family);
    else list.addSubnet(network, Number(prefix), family);
  }
  const trustsNobody = trustedProxies.length === 0;
  return {
    mode,
    trusts: (address) => !trustsNobody && list.check(address, isIP(address) === 6 ? 'ipv6' : 'ipv4'),
  };
}

/** An IPv4 address that a dual-stack socket shows as IPv6 (RFC 4291 section 2.5.5.2), as IPv4. */
export function plainAddress(address: string | undefined): string {
  if (address === undefined) return '';
  return address.startsWith('::ffff:') && address.includes('.') ? address.slice(7) : address;
}

/**
 * The client's address: the peer's own, or, where the peer is a trusted proxy, the last address in X-Forwarded-For that
 * is not one of ours. Addresses left of that are the client's own claim.
 */
export function clientAddress(pairs: Pairs, { address }: Connection, policy: ForwardedPolicy): string {
  if (!policy.trusts(address)) return address;
  const hops = allValues(pairs, 'x-forwarded-for').flatMap((value) => value.split(','));
  for (const hop of hops.reverse()) {
    const candidate = plainAddress(hop.trim());
    if (isIP(candidate) === 0) return address;
    if (!policy.trusts(candidate)) return candidate;
  }
  return address;
}

/** The forwarded fields as they go upstream, given those that the request came with. */
export function forwardedFields(pairs: Pairs, connection: Connection, policy: ForwardedPolicy): string[] {
  if (policy.mode === 'strip') return [];
  const { address, encrypted, localPort } = connection;
  const trusted = policy.trusts(address);
  const given = (name: string) => (trusted ? allValues(pairs, name) : []);
  const proto = encrypted ? 'https' : 'http';
  const host = headerValue(pairs, 'host');
  const fields = ['X-Forwarded-For', [...given('x-forwarded-for'), address].join(', ')];
  fields.push('X-Forwarded-Proto', given('x-forwarded-proto')[0] ?? proto);
  const forwardedHost = given('x-forwarded-host')[0] ?? host;
  if (forwardedHost !== undefined) fields.push('X-Forwarded-Host', forwardedHost);
  fields.push('X-Forwarded-Port', given('x-forwarded-port')[0] ?? String(localPort));
  // Forwarded is kept up where a trusted proxy uses it; two formats at once would only invite disagreement.
  const forwarded = given('forwarded');
  if (forwarded.length > 0) fields.push('Forwarded', [...forwarded, forwardedElement(address, proto, host)].join(', '));
  return fields;
}

/** One hop in RFC 7239's syntax: an IPv6 address is in brackets, and thus quoted. */
function forwardedElement(address: string, proto: string, host: string | undefined): string {
  const node = isIP(address) === 6 ? `"[${address}]"` : address;
  const element = `for=${node};proto=${proto}`;
  return host !== undefined && /^[\w.:[\]-]+$/.test(host) ? `${element};host="${host}"` : element;
}

function allValues(pairs: Pairs, lowerName: string): string[] {
  const values: string[] = [];
  for (let i = 0; i < pairs.length; i += 2) {
    const name = pairs[i] as string;
    if (name.length === lowerName.length && name.toLowerCase() === lowerName) values.push(pairs[i + 1] as string);
  }
  return values;
}

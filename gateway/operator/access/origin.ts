// Where a request to the operator's port comes from, as far as headers and the socket tell.
import { hostOf, isLoopback, type OperatorConfig } from '../../../config/operator-schema.ts';
import { clientAddress, type ForwardedPolicy, plainAddress } from '../../proxy/forwarded.ts';
import type { OperatorContext } from '../context.ts';

/** What of the configuration says how browsers reach the port. */
export type Reached = Pick<OperatorConfig, 'listen' | 'publicUrl' | 'tls'>;

/** Whether browsers reach the port by TLS, here or at a proxy in front. */
export function isSecure({ publicUrl, tls }: Reached): boolean {
  return publicUrl === undefined ? tls !== undefined : publicUrl.startsWith('https:');
}

/** The origin of the console's own pages. */
export function ownOrigin(c: OperatorContext, reached: Reached): string {
  if (reached.publicUrl !== undefined) return new URL(reached.publicUrl).origin;
  return `${isSecure(reached) ? 'https' : 'http'}://${new URL(c.req.url).host}`;
}

/**
 * Whether a request may come by the name that its Host field says. On a port that only this machine reaches, another
 * name is that of a site whose name was pointed here (DNS rebinding), and whose pages would pass for our own.
 */
export function isKnownHost(c: OperatorContext, { listen, publicUrl }: Reached): boolean {
  return publicUrl !== undefined || !isLoopback(hostOf(listen)) || isLoopback(new URL(c.req.url).hostname);
}

/**
 * Whether a page of another origin may have made a browser send this request. Every browser says where a request that
 * changes something comes from, by Sec-Fetch-Site or Origin (Fetch standard); one that says neither counts as foreign.
 */
export function isForeign(c: OperatorContext, reached: Reached): boolean {
  const site = c.req.header('sec-fetch-site');
  const origin = c.req.header('origin');
  if (site === undefined && origin === undefined) return true;
  return (site ?? 'same-origin') !== 'same-origin' || (origin ?? ownOrigin(c, reached)) !== ownOrigin(c, reached);
}

/** The address that asks, behind our own proxies too. */
export function addressOf({ env }: OperatorContext, policy: ForwardedPolicy): string {
  const { socket, rawHeaders } = env.incoming;
  const connection = {
    address: plainAddress(socket.remoteAddress),
    encrypted: false,
    localPort: socket.localPort ?? 0,
  };
  return clientAddress(rawHeaders, connection, policy);
}

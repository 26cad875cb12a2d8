import { once } from 'node:events';
import type { AddressInfo, Server } from 'node:net';

/** Starts a plain proxy to an origin on a free loopback port; answers `host:port`. */
export type PeerProxy = (target: string) => Promise<string>;

/** Connections that a peer's client may hold: those of the gateway's default. */
export const CONNECTIONS = 256;

export async function listenOnLoopback(server: Server): Promise<string> {
  server.listen({ port: 0, host: '127.0.0.1', backlog: 1024 });
  await once(server, 'listening');
  return `127.0.0.1:${(server.address() as AddressInfo).port}`;
}

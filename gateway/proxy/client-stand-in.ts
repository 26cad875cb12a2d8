import type { Socket } from 'node:net';
import { Duplex } from 'node:stream';

/**
 * What http-proxy gets in place of a client's socket: a stream on which nothing comes, and which swallows what is written
 * (see upgrade.ts). Destroying it tells http-proxy that the client is gone.
 */
export function createClientStandIn(): Socket {
  const standIn = new Duplex({
    read() {},
    write: (_chunk, _encoding, done) => done(),
  });
  const asSocket = {
    setTimeout: () => standIn,
    setNoDelay: () => standIn,
    setKeepAlive: () => standIn,
    destroySoon: () => void standIn.destroy(),
  };
  return Object.assign(standIn, asSocket) as unknown as Socket; // These are the members that http-proxy uses.
}

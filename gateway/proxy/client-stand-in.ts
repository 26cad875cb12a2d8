import type { Socket } from 'node:net';
import { Duplex } from 'node:stream';

/**
 * What http-proxy gets in place of a client's socket: it writes the head of the 101 through, byte for byte as HTTP/1 has
 * it, and is otherwise a stream on which nothing comes. Destroying it tells http-proxy that the client is gone.
 */
export function createClientStandIn(client: Socket): Socket {
  const standIn = new Duplex({
    decodeStrings: false,
    read() {},
    write(text: string | Buffer, _encoding, done) {
      if (typeof text === 'string') client.write(text, 'latin1', done);
      else client.write(text, done);
    },
  });
  const asSocket = {
    setTimeout: () => standIn,
    setNoDelay: () => standIn,
    setKeepAlive: () => standIn,
    destroySoon: () => void standIn.destroy(),
  };
  return Object.assign(standIn, asSocket) as unknown as Socket; // These are the members that http-proxy uses.
}

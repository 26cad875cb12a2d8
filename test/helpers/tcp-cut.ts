// A TCP proxy whose wire can be cut: what is sent then goes nowhere, in either direction, and nobody is told. What was
// on its way when it is mended arrives late, as on a real network.

import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { connect, createServer, type Socket } from 'node:net';

export interface TcpCut {
  readonly port: number;
  cut(): void;
  /** Connections are refused, and those that are there end. */
  refuse(): void;
  mend(): void;
  close(): Promise<void>;
}

export async function startTcpCut(toPort: number): Promise<TcpCut> {
  const sockets = new Set<Socket>();
  let isCut = false;
  let isRefusing = false;
  const server = createServer((near) => {
    if (isRefusing) {
      near.destroy();
      return;
    }
    const far = connect(toPort, '127.0.0.1');
    for (const [from, to] of [
      [near, far],
      [far, near],
    ] as const) {
      sockets.add(from);
      from.on('error', () => {});
      from.on('close', () => {
        sockets.delete(from);
        to.destroy();
      });
      from.pipe(to);
      if (isCut) from.pause();
    }
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    port: (server.address() as AddressInfo).port,
    cut() {
      isCut = true;
      for (const socket of sockets) socket.pause();
    },
    refuse() {
      isRefusing = true;
      for (const socket of sockets) socket.destroy();
    },
    mend() {
      isCut = false;
      isRefusing = false;
      for (const socket of sockets) socket.resume();
    },
    async close() {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, 'close');
    },
  };
}

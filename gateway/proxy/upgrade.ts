// WebSocket upgrades: decided like any request, then piped by http-proxy's maintained fork.
import type { IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { createProxyServer } from 'http-proxy';

export interface UpgradeRequest {
  readonly incoming: IncomingMessage;
  readonly socket: Duplex;
  readonly head: Buffer;
  readonly target: string;
  readonly connectTimeoutMs: number;
}

export interface UpgradeProxy {
  /** Pipes both ways until either side closes; calls `closed` once, with the error that ended it, if one did. */
  pipe(request: UpgradeRequest, closed: (error: Error | undefined) => void): void;
  /** Cuts every open connection. */
  close(): void;
}

export function createUpgradeProxy(): UpgradeProxy {
  const proxy = createProxyServer({ xfwd: false });
  const open = new Set<Duplex>(); // Bounded by the connections the listener accepts.
  const errors = new WeakMap<Duplex, Error>();
  // The fork reports the error of every connection here; without a listener it would end the process.
  proxy.on('error', (error, _incoming, socket) => {
    if (!socket || !('destroy' in socket)) return;
    errors.set(socket as Socket, error);
    if (!socket.destroyed && 'end' in socket)
      socket.end('HTTP/1.1 502 Bad Gateway\r\nconnection: close\r\ncontent-length: 0\r\n\r\n');
  });
  return {
    pipe({ incoming, socket, head, target, connectTimeoutMs }, closed) {
      open.add(socket);
      socket.once('close', () => {
        open.delete(socket);
        closed(errors.get(socket));
      });
      proxy.ws(incoming, socket as Socket, head, {
        target,
        proxyTimeout: 0,
        timeout: 0,
        connectTimeout: connectTimeoutMs,
      } as object);
    },
    close() {
      for (const socket of open) socket.destroy();
      proxy.close();
    },
  };
}

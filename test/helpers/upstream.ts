import { createServer, type IncomingMessage, type RequestListener, type Server, type ServerResponse } from 'node:http';
import { type AddressInfo, createServer as createTcpServer, type Socket, type Server as TcpServer } from 'node:net';

export interface TestServer {
  readonly url: string;
  readonly port: number;
  /** Requests, or for raw servers connections, seen so far. */
  readonly seen: number;
  close(): Promise<void>;
}

/** An HTTP server on a loopback port, a free one unless it is named, that answers as the listener says. */
export async function startUpstream(listener: RequestListener, listenOn = 0): Promise<TestServer> {
  let seen = 0;
  const server = createServer((incoming: IncomingMessage, outgoing: ServerResponse) => {
    seen++;
    listener(incoming, outgoing);
  });
  const port = await listenOnLoopback(server, listenOn);
  return {
    url: `http://127.0.0.1:${port}`,
    port,
    get seen() {
      return seen;
    },
    async close() {
      server.closeAllConnections();
      await new Promise<void>((resolve) => server.close(() => resolve()));
    },
  };
}

/** A TCP server that writes what `onConnection` says: for peers that do not speak HTTP properly. */
export async function startRawServer(onConnection: (socket: Socket) => void): Promise<TestServer> {
  let seen = 0;
  const sockets = new Set<Socket>();
  const server = createTcpServer((socket) => {
    seen++;
    sockets.add(socket);
    socket.on('error', () => {});
    socket.on('close', () => sockets.delete(socket));
    onConnection(socket);
  });
  const port = await listenOnLoopback(server);
  return {
    url: `http://127.0.0.1:${port}`,
    port,
    get seen() {
      return seen;
    },
    async close() {
      for (const socket of sockets) socket.destroy();
      await new Promise<void>((resolve) => server.close(() => resolve()));
    },
  };
}

/** A loopback port on which nothing listens. */
export async function closedPort(): Promise<number> {
  const server = createTcpServer();
  const port = await listenOnLoopback(server);
  await new Promise<void>((resolve) => server.close(() => resolve()));
  return port;
}

function listenOnLoopback(server: Server | TcpServer, port = 0): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, '127.0.0.1', () => resolve((server.address() as AddressInfo).port));
  });
}

/** Answers JSON with a length, as ordinary services do. */
export function sendJson(outgoing: ServerResponse, status: number, body: unknown): void {
  const text = JSON.stringify(body);
  outgoing.writeHead(status, { 'content-type': 'application/json', 'content-length': Buffer.byteLength(text) });
  outgoing.end(text);
}

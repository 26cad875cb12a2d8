// /ws/trading: upgrades, and each connection's life: limits, heartbeats, its end. What is said is in socket-session.ts.
import { type IncomingMessage, STATUS_CODES } from 'node:http';
import type { Duplex } from 'node:stream';
import { setTimeout as delay } from 'node:timers/promises';
import { type WebSocket, WebSocketServer } from 'ws';
import type { Metrics } from '../metrics.ts';
import { CLOSE } from './socket-messages.ts';
import { createSession, type SessionDeps } from './socket-session.ts';
import { createSocketWriters } from './socket-writer.ts';

const PATH = '/ws/trading';
/** Named by clients that say their token in the handshake: "banyan, bearer.TOKEN". It is the one that is answered. */
const PROTOCOL = 'banyan';
const BEARER = 'bearer.';
const CONNECTIONS_MAX = 20_000;
const MESSAGE_BYTES_MAX = 16 * 1024;
/** How long a client may take to say who it is. */
const IDENTIFY_MS = 5000;
/** A ping each, and a client that has not answered the one before is gone. */
const HEARTBEAT_MS = 20_000;
/** How long a closing client may take to answer before it is cut off. */
const CLOSE_MS = 1000;

export type SocketDeps = SessionDeps & {
  readonly metrics: Pick<Metrics, 'streamsOpen' | 'streamsEnded'>;
};

export type TradingSocket = {
  readonly upgrade: (request: IncomingMessage, socket: Duplex, head: Buffer) => void;
  /** Closes every connection with 1012 at a random moment within `spreadMs`, then cuts what is left. */
  readonly close: (options: { spreadMs: number }) => Promise<void>;
};

/** Answers an upgrade without doing it. */
function refuse(socket: Duplex, status: number): void {
  socket.end(`HTTP/1.1 ${status} ${STATUS_CODES[status] ?? ''}\r\nconnection: close\r\ncontent-length: 0\r\n\r\n`);
}

const tokenOffered = (request: IncomingMessage): string | undefined =>
  request.headers['sec-websocket-protocol']
    ?.split(',')
    .map((each) => each.trim())
    .find((each) => each.startsWith(BEARER))
    ?.slice(BEARER.length);

export function createTradingSocket(deps: SocketDeps): TradingSocket {
  const { metrics } = deps;
  const open = new Set<WebSocket>();
  const createWriter = createSocketWriters();
  let isClosing = false;
  const server = new WebSocketServer({
    noServer: true,
    perMessageDeflate: false, // It would cost each client's own copy of what is encoded once.
    maxPayload: MESSAGE_BYTES_MAX,
    handleProtocols: (offered) => (offered.has(PROTOCOL) ? PROTOCOL : false),
  });

  function connected(webSocket: WebSocket, request: IncomingMessage, socket: Duplex): void {
    const writer = createWriter(socket, webSocket);
    const end = (code: number, reason: string) => {
      if (webSocket.readyState !== webSocket.OPEN) return;
      session.close(); // What it is told from here on would only wait.
      metrics.streamsEnded.inc({ code });
      writer.flush();
      webSocket.close(code, reason);
      setTimeout(() => webSocket.terminate(), CLOSE_MS).unref();
    };
    const session = createSession(deps, writer, end);
    let isAlive = true;
    open.add(webSocket);
    metrics.streamsOpen.inc({ kind: 'websocket' });
    const identifying = setTimeout(() => {
      if (!session.isIdentified()) end(CLOSE.unauthenticated, 'nobody said who this is');
    }, IDENTIFY_MS);
    const heartbeat = setInterval(() => {
      if (!isAlive) return webSocket.terminate();
      isAlive = false;
      webSocket.ping();
      session.recheck();
    }, HEARTBEAT_MS);
    webSocket.on('pong', () => {
      isAlive = true;
    });
    const token = tokenOffered(request);
    if (token !== undefined) session.identify(token);
    webSocket.on('message', (data, isBinary) => {
      isAlive = true;
      if (isBinary) return end(CLOSE.notText, 'only text is understood');
      session.onMessage(data.toString());
    });
    socket.on('drain', session.onDrain);
    webSocket.on('error', () => {}); // It closes by itself then.
    webSocket.once('close', () => {
      open.delete(webSocket);
      metrics.streamsOpen.dec({ kind: 'websocket' });
      clearTimeout(identifying);
      clearInterval(heartbeat);
      session.close();
    });
  }

  return {
    upgrade(request, socket, head) {
      socket.on('error', () => socket.destroy());
      if (request.url?.split('?', 1)[0] !== PATH) return refuse(socket, 404);
      if (isClosing || open.size >= CONNECTIONS_MAX) return refuse(socket, 503);
      server.handleUpgrade(request, socket, head, (webSocket) => connected(webSocket, request, socket));
    },
    async close({ spreadMs }) {
      isClosing = true;
      await Promise.all(
        [...open].map(async (webSocket) => {
          await delay(Math.random() * spreadMs); // Not all at once, lest they all come back at once.
          webSocket.close(CLOSE.restart, 'restarting');
        }),
      );
      for (let waitedMs = 0; open.size > 0 && waitedMs < CLOSE_MS; waitedMs += 20) await delay(20);
      for (const webSocket of open) webSocket.terminate();
    },
  };
}

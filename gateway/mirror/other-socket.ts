// The WebSocket of the side that does not serve, opened by the ws package to be compared. It reaches no client.
import { WebSocket } from 'ws';
import type { UpstreamConfig } from '../../config/gateway-schema.ts';
import { fieldsByName } from '../proxy/headers.ts';
import { tlsOptions } from '../proxy/upstream.ts';
import type { OtherStream, OtherStreamEvents } from './other-events.ts';
import { COPY_MARK } from './send-copy.ts';
import type { SocketMessage } from './socket-messages.ts';

/** What the client has said and the other side has not taken yet. */
const UNSENT_BYTES_MAX = 262_144;
const UNSENT_MAX = 1_000;
/** How long our Close may take to reach the other side; then its connection is cut. */
const CLOSE_TIMEOUT_MS = 500;
const GOING_AWAY = 1001; // RFC 6455 section 7.4.1.

export interface OtherSocketRequest {
  readonly upstream: UpstreamConfig;
  /** The origin-form target, its bytes as the client sent them. */
  readonly path: string;
  /** End-to-end fields. */
  readonly headers: readonly string[];
  /** The subprotocol that the serving side has chosen; undefined for none. */
  readonly protocol: string | undefined;
  readonly timeoutMs: number;
  readonly messageBytesMax: number;
}

export interface OtherSocket extends OtherStream {
  /** Tells it what the client has said; false when it does not take it, after which nothing more is to be said. */
  say(message: SocketMessage): boolean;
}

export function openOtherSocket(
  request: OtherSocketRequest,
  on: OtherStreamEvents & { message(message: SocketMessage): void; ping(): void },
): OtherSocket {
  const { upstream, path, headers, protocol, timeoutMs, messageBytesMax } = request;
  const socket = new WebSocket(upstream.url.replace(/^http/, 'ws'), protocol === undefined ? [] : [protocol], {
    ...tlsOptions(upstream.tls),
    headers: fieldsByName([...withoutHandshake(headers), ...COPY_MARK]),
    handshakeTimeout: timeoutMs,
    maxPayload: messageBytesMax,
    perMessageDeflate: false, // Messages are what is compared, not how they are packed.
    finishRequest(outgoing) {
      outgoing.path = path; // Byte for byte.
      outgoing.end();
    },
  });
  let unsent: SocketMessage[] = [];
  let unsentBytes = 0;
  let isOpen = false;
  let isOver = false;
  let cause = 'it closed the connection';

  socket.on('error', (error) => {
    cause = error.message;
  });
  socket.on('open', () => {
    isOpen = true;
    if (isOver) return;
    on.opened();
    for (const { data, isBinary } of unsent) socket.send(data, { binary: isBinary });
    unsent = [];
  });
  socket.on('message', (data, isBinary) => {
    if (isOver) return;
    const bytes = Buffer.isBuffer(data) ? data : Array.isArray(data) ? Buffer.concat(data) : Buffer.from(data);
    on.message({ data: bytes, isBinary });
  });
  socket.on('ping', () => !isOver && on.ping());
  socket.on('close', () => {
    if (isOver) return;
    isOver = true;
    if (isOpen) on.closed();
    else on.failed(cause);
  });

  return {
    say(message) {
      if (isOpen) {
        if (socket.readyState === WebSocket.OPEN) socket.send(message.data, { binary: message.isBinary });
        return socket.bufferedAmount <= UNSENT_BYTES_MAX;
      }
      unsentBytes += message.data.length;
      unsent.push(message);
      return unsentBytes <= UNSENT_BYTES_MAX && unsent.length <= UNSENT_MAX;
    },
    close() {
      isOver = true;
      unsent = [];
      socket.close(GOING_AWAY); // Before it is open this gives it up.
      if (isOpen) socket.pause(); // Whatever it still sends.
      setTimeout(() => socket.terminate(), CLOSE_TIMEOUT_MS).unref();
    },
  };
}

/** Without the fields of the client's own handshake, in whose place are ours. */
function withoutHandshake(headers: readonly string[]): readonly string[] {
  return headers.filter((_, index) => !headers[index - (index % 2)]?.toLowerCase().startsWith('sec-websocket-'));
}

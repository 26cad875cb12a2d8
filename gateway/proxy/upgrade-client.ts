// The client's end of a WebSocket's handshake, until both peers have switched or it is answered otherwise.
import { type IncomingMessage, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { readEarly } from './early-bytes.ts';
import { connectionOf } from './edge.ts';
import type { ForwardFailure } from './failure.ts';
import type { Connection } from './forwarded.ts';
import { endAndLinger } from './linger.ts';

/** Whichever version of HTTP it speaks. Either it switches or it is refused, once. */
export interface UpgradeClient {
  /** The target as the client sent it. */
  readonly target: string;
  /** The request's fields as raw pairs, as HTTP/1.1 has them; Upgrade and Sec-WebSocket-Key are among them. */
  readonly pairs: readonly string[];
  readonly connection: Connection;
  /** What the upstream's Sec-WebSocket-Accept must be; undefined where the client itself looks at it. */
  readonly accept: string | undefined;
  /** Aborted when the client leaves before it is answered. */
  readonly left: AbortSignal;
  /** Of HTTP, such as `1.1`. */
  readonly version: string;
  /** What a client is told that may switch. */
  readonly switchedStatus: 101 | 200;
  /**
   * Tells the client that both switch, with these fields; from here on the stream is the caller's. When that cannot be
   * told, answers why; the client may still be refused then.
   */
  switchTo(protocol: string, fields: readonly string[]): SwitchedClient | NotSwitched;
  /**
   * To answer otherwise; what carries it ends with that. Undefined when nobody is there any more to be answered, or the
   * client has been answered.
   */
  refuse(): ServerResponse | undefined;
  /** Ends what carries it at once. */
  cut(): void;
}

export interface SwitchedClient {
  readonly stream: Duplex;
  /** What the client sent before it was told. */
  readonly early: Buffer;
}

export interface NotSwitched {
  readonly failure: ForwardFailure;
  readonly error?: unknown;
}

/** A client of HTTP/1.1 that Node's server has given up to us, with what came behind its request's head. */
export function http1Client(incoming: IncomingMessage, socket: Socket, head: Buffer): UpgradeClient {
  const left = new AbortController();
  let isAnswered = false;
  socket.on('error', () => {}); // A 'close' follows.
  const early = readEarly(socket, head, () => {
    early.take();
    socket.destroy();
    left.abort();
  });
  return {
    target: incoming.url ?? '/',
    pairs: incoming.rawHeaders,
    connection: connectionOf(socket),
    accept: undefined,
    left: left.signal,
    version: incoming.httpVersion,
    switchedStatus: 101,
    switchTo(protocol, fields) {
      if (socket.destroyed) return { failure: 'client_left' };
      isAnswered = true;
      const lines = ['HTTP/1.1 101 Switching Protocols', `Upgrade: ${protocol}`, 'Connection: Upgrade'];
      for (let i = 0; i < fields.length; i += 2) lines.push(`${fields[i]}: ${fields[i + 1]}`);
      socket.write(`${lines.join('\r\n')}\r\n\r\n`, 'latin1');
      return { stream: socket, early: early.take() };
    },
    refuse() {
      early.take();
      if (socket.destroyed || isAnswered) return undefined;
      isAnswered = true;
      return answerOn(incoming, socket);
    },
    cut: () => void socket.destroy(),
  };
}

/** A response of Node's on a socket that its server has given up; the connection ends with it. */
function answerOn(incoming: IncomingMessage, socket: Socket): ServerResponse {
  const answer = new ServerResponse(incoming);
  answer.shouldKeepAlive = false;
  answer.assignSocket(socket);
  socket.on('drain', () => answer.emit('drain'));
  answer.on('finish', () => endAndLinger(socket));
  return answer;
}

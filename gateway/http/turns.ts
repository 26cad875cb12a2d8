// A connection's requests, one after the other: a refusal has its turn like an answer, and never takes another's place.
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { headerValue } from '../proxy/headers.ts';
import type { RefusalReason } from './refusal.ts';
import { type Refused, refuse } from './refuse.ts';

/** Requests that may wait on one connection for those before them. Pipelining clients are rare, and send few. */
const PIPELINE_MAX = 64;

export interface Exchange {
  readonly incoming: IncomingMessage;
  readonly outgoing: ServerResponse;
}

export interface ClientConnection {
  running: Exchange | undefined;
  readonly waiting: Exchange[];
  /** Nothing that still comes is looked at. */
  refused: boolean;
  /** Another protocol has it, with time-outs of its own. */
  upgraded: boolean;
  /** What happens when the requests taken have been answered: a refusal's answer, or just the end. */
  last: RefusalReason | 'close' | undefined;
  /** One listener for all answers of the connection: this is the hot path. */
  readonly onAnswered: () => void;
}

export interface TurnDeps {
  readonly requestsMax: number;
  handle(incoming: IncomingMessage, outgoing: ServerResponse): void;
  /** Answers a request that is one too many; its connection stays. */
  overloaded(outgoing: ServerResponse): void;
  report(refused: Refused, socket: Duplex): void;
}

export interface Turns {
  connectionOf(socket: Duplex): ClientConnection;
  /** From now on every answer ends its connection, those of requests under way too. */
  shed(): void;
  /** Runs a request in its turn, or refuses it in its turn when there is a reason. */
  take(exchange: Exchange, reason: RefusalReason | undefined): void;
}

export function createTurns(deps: TurnDeps): Turns {
  // Those that are open, and they are limited. What runs on them is in no Set: each time that one grows, its old table points
  // to the new one, and once a table is in the old generation all later ones, with the requests of their time, are kept.
  const connections = new Map<Duplex, ClientConnection>();
  let running = 0;
  let isShedding = false;

  function connectionOf(socket: Duplex): ClientConnection {
    let connection = connections.get(socket);
    if (!connection) {
      const onAnswered = () => finished(opened, socket as Socket);
      const opened = { running: undefined, waiting: [], refused: false, upgraded: false, last: undefined, onAnswered };
      connection = opened;
      if (!socket.closed) {
        connections.set(socket, opened);
        socket.once('close', () => connections.delete(socket));
      }
    }
    return connection;
  }

  function start(connection: ClientConnection, exchange: Exchange): void {
    const { incoming, outgoing } = exchange;
    connection.running = exchange;
    running++;
    // Before anything answers: what has its head already cannot say that it is the last.
    if (isShedding) outgoing.shouldKeepAlive = false;
    outgoing.on('close', connection.onAnswered);
    if (running > deps.requestsMax) deps.overloaded(outgoing);
    else if (incoming.url === '*') answerOptions(outgoing);
    else if (incoming.complete || headerValue(incoming.rawHeaders, 'transfer-encoding') === undefined) {
      deps.handle(incoming, outgoing);
    } else {
      // A wrong chunk in the same packet as the head is known a turn later: then nothing at all is forwarded.
      setImmediate(() => {
        if (incoming.socket.destroyed || (connection.refused && !incoming.complete)) return;
        deps.handle(incoming, outgoing);
      });
    }
  }

  function finished(connection: ClientConnection, socket: Socket): void {
    if (connection.running) running--;
    connection.running = undefined;
    if (!socket.writable) {
      connection.waiting.length = 0;
      return;
    }
    const next = connection.waiting.shift();
    if (next) start(connection, next);
    else if (connection.last === 'close') socket.destroySoon();
    else if (connection.last) deps.report(refuse(socket, connection.last), socket);
  }

  function refuseInTurn(connection: ClientConnection, incoming: IncomingMessage, reason: RefusalReason): void {
    connection.refused = true;
    incoming.resume();
    if (connection.running) connection.last = reason;
    else deps.report(refuse(incoming.socket, reason, incoming.method), incoming.socket);
  }

  return {
    connectionOf,
    shed() {
      isShedding = true;
      for (const { running: exchange } of connections.values()) if (exchange) exchange.outgoing.shouldKeepAlive = false;
      // Idle connections are left alone: closing one at the moment when its client uses it would lose that request.
    },
    take(exchange, reason) {
      const { incoming } = exchange;
      const connection = connectionOf(incoming.socket);
      if (connection.refused) incoming.resume();
      else if (reason) refuseInTurn(connection, incoming, reason);
      else if (!connection.running) start(connection, exchange);
      // RFC 9112 section 9.3.2: pipelined requests may run in parallel only when all are safe. In turn is always right.
      else if (connection.waiting.length < PIPELINE_MAX) connection.waiting.push(exchange);
      else refuseInTurn(connection, incoming, 'pipeline');
    },
  };
}

/** `OPTIONS *` is about the server itself (RFC 9110 section 9.3.7), and this is the server that the client knows. */
function answerOptions(outgoing: ServerResponse): void {
  outgoing.writeHead(204, ['allow', 'GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS']);
  outgoing.end();
}

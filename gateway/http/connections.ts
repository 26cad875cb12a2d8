// What happens on clients' connections, as Node's server tells it: requests in their turn (turns.ts), and the end of
// connections whose client sends what is not HTTP, or nothing, or reads nothing.
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import type { LimitsConfig } from '../../config/gateway-schema.ts';
import { refusalOfExpectation, refusalOfHead, refusalOfUpgrade } from './guard.ts';
import { type RefusalReason, refusalOfError } from './refusal.ts';
import { cut, cutWith, type Refused, refuse } from './refuse.ts';
import { type ClientConnection, createTurns, type Exchange, type TurnDeps } from './turns.ts';

export interface ConnectionDeps extends Omit<TurnDeps, 'requestsMax' | 'report'> {
  readonly limits: LimitsConfig;
  /** Called once for whatever is refused. `cause` is the parser's own word for it, none of the client's bytes. */
  onRefused(refused: Refused, socket: Duplex, cause?: string): void;
}

/** The listeners of Node's server events. */
export interface Connections {
  request(incoming: IncomingMessage, outgoing: ServerResponse): void;
  /** From now on every answer ends its connection. */
  shed(): void;
  /** A request with an `Expect` field. */
  expecting(incoming: IncomingMessage, outgoing: ServerResponse): void;
  /** Whether a request is being answered on this connection: then another protocol cannot begin on it. */
  isBusy(socket: Duplex): boolean;
  /** Whether an upgrade may go ahead; when not, it has been refused. */
  mayUpgrade(incoming: IncomingMessage, socket: Duplex): boolean;
  /** A CONNECT request. */
  connect(incoming: IncomingMessage, socket: Duplex): void;
  /** The parser, or the connection, failed. */
  failed(error: NodeJS.ErrnoException, socket: Duplex): void;
  /** Nothing moved on the connection for a while. */
  timedOut(socket: Socket): void;
}

export function createConnections(deps: ConnectionDeps): Connections {
  const { limits, onRefused } = deps;
  const turns = createTurns({ ...deps, requestsMax: limits.requestsMax, report: onRefused });

  /** Refuses what Node has taken from the server already: there is no turn to wait for. */
  function refuseDetached(socket: Duplex, reason: RefusalReason): void {
    const connection = turns.connectionOf(socket);
    if (connection.refused) return;
    connection.refused = true;
    onRefused(connection.running ? cut(socket, reason) : refuse(socket, reason), socket);
  }

  /** What becomes of a connection on which nothing has moved for a while. */
  function endSilence(socket: Socket): void {
    const connection = turns.connectionOf(socket);
    const { running, upgraded } = connection;
    if (upgraded) return;
    if (!running) {
      socket.destroy();
      return;
    }
    const reason = reasonOfSilence(running, socket);
    if (reason) {
      connection.refused = true;
      onRefused(refuseRunning(running, socket, reason), socket);
    } else socket.setTimeout(limits.bodyIdleTimeoutMs); // It waits for the upstream, which has time-outs of its own.
  }

  return {
    shed: turns.shed,
    request: (incoming, outgoing) => turns.take({ incoming, outgoing }, refusalOfHead(incoming, limits)),
    expecting: (incoming, outgoing) =>
      turns.take({ incoming, outgoing }, refusalOfHead(incoming, limits) ?? refusalOfExpectation(incoming)),
    isBusy: (socket) => turns.connectionOf(socket).running !== undefined,
    mayUpgrade(incoming, socket) {
      const reason = refusalOfUpgrade(incoming, limits);
      if (reason) refuseDetached(socket, reason);
      else {
        turns.connectionOf(socket).upgraded = true;
        (socket as Socket).setTimeout(0);
      }
      return reason === undefined;
    },
    connect: (_incoming, socket) => refuseDetached(socket, 'method'),
    failed(error, socket) {
      const connection = turns.connectionOf(socket);
      if (connection.refused) return;
      connection.refused = true;
      const reason = refusalOfError(error);
      if (!reason) socket.destroy();
      else onRefused(endAfterError(connection, socket as Socket, reason), socket, error.code);
    },
    timedOut(socket) {
      const { bytesRead } = socket;
      // What came or left while this process was busy, or its upload held back, is known a turn later.
      setImmediate(() => {
        if (!socket.destroyed && socket.bytesRead === bytesRead) endSilence(socket);
      });
    },
  };
}

function endAfterError(connection: ClientConnection, socket: Socket, reason: RefusalReason): Refused {
  const { running, waiting } = connection;
  // The last of those that wait may be the one that is wrong: it has not been begun and never will be.
  if (waiting.at(-1)?.incoming.complete === false) waiting.pop();
  if (running?.incoming.complete) {
    // A request that was taken is answered as it should be. What followed it gets no answer: a client that did not
    // mean it as a request would take that for the answer to its next one.
    connection.last = 'close';
    return { reason: 'trailing_garbage', requestId: undefined, status: undefined };
  }
  if (running) return refuseRunning(running, socket, reason);
  // A connection that never said anything was opened in advance, as browsers do; an answer would only confuse.
  return socket.bytesRead === 0 ? cut(socket, reason) : refuse(socket, reason);
}

/** Refuses what a request turned out to be after it was begun. */
function refuseRunning({ outgoing }: Exchange, socket: Socket, reason: RefusalReason): Refused {
  return outgoing.headersSent ? cut(socket, reason) : cutWith(socket, reason);
}

function reasonOfSilence({ incoming }: Exchange, socket: Socket): RefusalReason | undefined {
  if (socket.writableLength > 0) return 'read_timeout';
  // A body that is not flowing is held back by the upstream.
  return !incoming.complete && incoming.readableFlowing === true ? 'body_timeout' : undefined;
}

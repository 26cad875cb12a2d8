// Connections to one upstream: as many as are needed at once up to a limit, kept for a while when they are not.
import { isIP, type Socket } from 'node:net';
import { connect as connectTls, createSecureContext, type SecureContextOptions } from 'node:tls';
import { AnswerableSocket } from './answerable-socket.ts';
import { type Carried, Connection, type ConnectionOwner } from './connection.ts';
import type { Exchange, ExchangeFailure, ExchangeHandler, UpstreamRequest } from './exchange.ts';
import { type RenderedHead, RequestError, renderHead } from './request-head.ts';

/** How often idle connections are looked at. */
const SWEEP_MS = 1_000;
/** TCP's own probes find peers that vanished, on connections whose streams may be silent for hours. */
const TCP_KEEP_ALIVE_MS = 60_000;

export interface PoolOptions {
  /** `http://host:port` or `https://host:port`. */
  readonly url: string;
  readonly connections: number;
  readonly connectTimeoutMs: number;
  /** For https. Certificates are verified unless `rejectUnauthorized` is false. */
  readonly tls: SecureContextOptions & { readonly servername?: string; readonly rejectUnauthorized?: boolean };
}

export interface Pool {
  /**
   * Sends a request as soon as there is a connection for it, in the order of asking. Never throws: whatever goes wrong,
   * the handler hears of it, possibly before this returns. How many wait is for the caller to limit.
   */
  send(request: UpstreamRequest, handler: ExchangeHandler): Exchange;
  /** Resolves when every exchange is over and every connection closed; idle ones are closed at once. */
  close(): Promise<void>;
  /** Ends everything at once. */
  destroy(): void;
}

export function createPool(options: PoolOptions): Pool {
  return new ConnectionPool(options);
}

class PooledExchange implements Carried {
  readonly request: UpstreamRequest;
  readonly handler: ExchangeHandler;
  readonly head: RenderedHead;
  readonly #waiting: PooledExchange[];
  #connection: Connection | undefined;

  constructor(request: UpstreamRequest, handler: ExchangeHandler, head: RenderedHead, waiting: PooledExchange[]) {
    this.request = request;
    this.handler = handler;
    this.head = head;
    this.#waiting = waiting;
  }

  goBy(connection: Connection): void {
    this.#connection = connection;
    connection.carry(this);
  }

  leave(): void {
    this.#connection = undefined;
  }

  abort(): void {
    const place = this.#waiting.indexOf(this);
    if (place >= 0) this.#waiting.splice(place, 1);
    this.#connection?.destroy();
  }

  pause(): void {
    this.#connection?.pause();
  }

  resume(): void {
    this.#connection?.resume();
  }
}

/** One that could not even be written down. */
const NEVER_SENT: Exchange = { abort() {}, pause() {}, resume() {} };

class ConnectionPool implements Pool, ConnectionOwner {
  readonly #origin: string;
  readonly #max: number;
  readonly #dial: (done: (result: Socket | DialError) => void) => Socket;
  /** Those that wait for a connection, the oldest first. */
  readonly #waiting: PooledExchange[] = [];
  readonly #open = new Set<Connection>();
  readonly #dialling = new Set<Socket>();
  /** The one that was used last is used first, so that those not needed grow old. */
  #idle: { readonly connection: Connection; readonly untilMs: number }[] = [];
  readonly #sweeper: NodeJS.Timeout;
  #closing = false;
  #onClosed: (() => void)[] = [];

  constructor(options: PoolOptions) {
    this.#origin = new URL(options.url).host;
    this.#max = options.connections;
    this.#dial = createDial(options);
    this.#sweeper = setInterval(() => this.#sweep(), SWEEP_MS).unref();
  }

  send(request: UpstreamRequest, handler: ExchangeHandler): Exchange {
    let head: RenderedHead;
    try {
      head = renderHead(request, this.#origin);
    } catch (error) {
      if (!(error instanceof RequestError)) throw error;
      handler.onFailure('request_invalid', error);
      return NEVER_SENT;
    }
    const exchange = new PooledExchange(request, handler, head, this.#waiting);
    const connection = this.#takeIdle();
    if (connection) exchange.goBy(connection);
    else {
      this.#waiting.push(exchange);
      this.#dialForWaiting();
    }
    return exchange;
  }

  free(connection: Connection): void {
    const next = this.#waiting.shift();
    if (next) next.goBy(connection);
    else if (this.#closing) connection.destroy();
    else this.#idle.push({ connection, untilMs: performance.now() + connection.idleMs });
  }

  gone(connection: Connection): void {
    if (!this.#open.delete(connection)) return;
    this.#idle = this.#idle.filter((idle) => idle.connection !== connection);
    this.#dialForWaiting();
    this.#settleClosed();
  }

  close(): Promise<void> {
    this.#closing = true;
    clearInterval(this.#sweeper);
    for (const { connection } of this.#idle.splice(0)) connection.destroy();
    return new Promise((resolve) => {
      this.#onClosed.push(resolve);
      this.#settleClosed();
    });
  }

  destroy(): void {
    this.#closing = true;
    clearInterval(this.#sweeper);
    for (const exchange of this.#waiting.splice(0)) {
      exchange.handler.onFailure('connect_failed', new Error('the connections to this upstream were closed'));
    }
    for (const socket of this.#dialling) socket.destroy();
    for (const connection of this.#open) connection.cut();
  }

  #takeIdle(): Connection | undefined {
    for (let idle = this.#idle.pop(); idle; idle = this.#idle.pop()) {
      if (idle.connection.isUsable) return idle.connection;
    }
    return undefined;
  }

  /** As many connections are on their way as requests wait, within the limit. */
  #dialForWaiting(): void {
    while (this.#waiting.length > this.#dialling.size && this.#open.size + this.#dialling.size < this.#max) {
      const socket = this.#dial((result) => this.#dialled(socket, result));
      this.#dialling.add(socket);
    }
  }

  #dialled(socket: Socket, result: Socket | DialError): void {
    this.#dialling.delete(socket);
    if (result instanceof DialError) {
      // Whoever waits longest has its answer: that of the upstream to one who came later would be no better.
      this.#waiting.shift()?.handler.onFailure(result.failure, result);
      this.#dialForWaiting();
      this.#settleClosed();
      return;
    }
    const connection = new Connection(socket, this);
    this.#open.add(connection);
    this.free(connection);
  }

  #sweep(): void {
    const nowMs = performance.now();
    const expired = this.#idle.filter(({ untilMs }) => untilMs <= nowMs);
    for (const { connection } of expired) connection.destroy();
  }

  #settleClosed(): void {
    if (!this.#closing || this.#open.size + this.#dialling.size + this.#waiting.length > 0) return;
    for (const resolve of this.#onClosed.splice(0)) resolve();
  }
}

/** No connection came about. */
class DialError extends Error {
  readonly failure: ExchangeFailure;

  constructor(failure: ExchangeFailure, message: string, cause?: unknown) {
    super(message, { cause });
    this.failure = failure;
  }
}

/** How a connection is made; `done` is called once. */
function createDial({ url, connectTimeoutMs, tls }: PoolOptions) {
  const { protocol, hostname, port } = new URL(url);
  const isTls = protocol === 'https:';
  const host = hostname.replace(/^\[(.*)\]$/, '$1');
  const address = { host, port: Number(port || (isTls ? 443 : 80)), noDelay: true, keepAlive: true };
  const { servername = isIP(host) === 0 ? host : '', rejectUnauthorized = true, ...material } = tls;
  const secureContext = isTls ? createSecureContext(material) : undefined;
  let session: Buffer | undefined; // The last one of this upstream, which makes the next handshake shorter.

  function open(): Socket {
    const tcp = { ...address, keepAliveInitialDelay: TCP_KEEP_ALIVE_MS };
    if (!secureContext) return new AnswerableSocket(tcp).connect(tcp);
    const ALPNProtocols = ['http/1.1'];
    const socket = connectTls({
      ...{ ...tcp, secureContext, servername, rejectUnauthorized, ALPNProtocols },
      ...(session ? { session } : {}),
    });
    socket.on('session', (fresh: Buffer) => {
      session = fresh;
    });
    return socket;
  }

  return function dial(done: (result: Socket | DialError) => void): Socket {
    const socket = open();
    const timeout = () => settle(new DialError('connect_timeout', `no connection within ${connectTimeoutMs} ms`));
    const timer = setTimeout(timeout, connectTimeoutMs);
    const onError = (error: Error) => settle(new DialError('connect_failed', messageOf(error), error));
    const onClose = () => settle(new DialError('connect_failed', 'the connection was closed before it was used'));
    const onConnect = () => settle(socket);
    function settle(result: Socket | DialError): void {
      clearTimeout(timer);
      socket
        .off('error', onError)
        .off('close', onClose)
        .off(isTls ? 'secureConnect' : 'connect', onConnect);
      if (result instanceof DialError) socket.on('error', () => {}).destroy();
      done(result);
    }
    socket
      .on('error', onError)
      .on('close', onClose)
      .on(isTls ? 'secureConnect' : 'connect', onConnect);
    return socket;
  };
}

/** A name with several addresses fails with all their errors, and a message of none. */
function messageOf(error: Error): string {
  return error instanceof AggregateError ? error.errors.map((each: Error) => each.message).join('; ') : error.message;
}

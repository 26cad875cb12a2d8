// Asks an upstream to switch to WebSocket (RFC 6455 section 4), by http-proxy's maintained fork. What the client is told of
// it is upgrade-client.ts; what becomes of the open stream is streams/tunnel.ts.
//
// The fork dials, sends the request and watches for errors. It does not get the client but a stand-in on which nothing
// happens, because with the real one, version 2.0.1
//   - leaves the upgrade open upstream when the client abandons it,
//   - relays a refusal without backpressure, and leaves the client hanging when the refusal breaks off,
//   - answers nothing when the upstream cannot be reached, and leaves no time to ask another,
//   - joins the sockets in a way that leaves no place for a Close frame of our own, and no half-open connections,
//   - knows no client of HTTP/2.
import { Agent, type AgentOptions, type ClientRequest, type IncomingMessage } from 'node:http';
import { Agent as TlsAgent } from 'node:https';
import type { Socket } from 'node:net';
import { createProxyServer } from 'http-proxy';
import type { UpstreamConfig } from '../../config/gateway-schema.ts';
import { createClientStandIn } from './client-stand-in.ts';
import { classifyDialError, type ForwardFailure } from './failure.ts';
import { answerHeaders, fieldsByName, headerValue } from './headers.ts';
import { tlsOptions } from './upstream.ts';

export interface UpgradeRequest {
  readonly upstream: UpstreamConfig;
  /** The origin-form target, its bytes as the client sent them. */
  readonly path: string;
  /** End-to-end fields as they go upstream (see headers.ts). */
  readonly headers: readonly string[];
  /** The value of Upgrade, as the client spells it. */
  readonly protocol: string;
  /** What Sec-WebSocket-Accept must be; undefined where the client itself looks at it. */
  readonly accept: string | undefined;
  /** How long the upstream may take to answer. */
  readonly timeoutMs: number;
  /** Aborted when the client has left: then the upstream is left too. */
  readonly clientLeft: AbortSignal;
}

export type UpgradeAnswer =
  /** It has switched: the socket is the caller's from here on. */
  | {
      readonly kind: 'open';
      readonly status: 101;
      readonly failure: undefined;
      readonly socket: Socket;
      /** The protocol as the upstream spells it. */
      readonly protocol: string;
      /** End-to-end fields of its answer. */
      readonly fields: readonly string[];
    }
  /** It said no. What it says is there to be read, and then to be destroyed. */
  | {
      readonly kind: 'refused';
      readonly status: number;
      readonly failure: undefined;
      readonly refusal: IncomingMessage;
    }
  | {
      readonly kind: 'failed';
      readonly status: undefined;
      readonly failure: ForwardFailure;
      readonly error: unknown;
    };

export interface UpgradeProxy {
  /** Asks the upstream to switch; calls `settled` once. */
  ask(request: UpgradeRequest, settled: (answer: UpgradeAnswer) => void): void;
}

const NO_BYTES = Buffer.alloc(0);

/** Handed on to net.connect, which knows it. An upstream that has finished sending may still be sent to, as a close
 * handshake needs. */
const HALF_OPEN = { allowHalfOpen: true } as AgentOptions;

export function createUpgradeProxy(): UpgradeProxy {
  const proxy = createProxyServer();
  // Errors come by each call's own callback; one without a listener here would end the process.
  proxy.on('error', () => {});
  const plain = new Agent(HALF_OPEN);
  const tls = new WeakMap<UpstreamConfig, TlsAgent>(); // By the configuration itself: one read anew has agents of its own.
  const agentOf = (upstream: UpstreamConfig) => {
    if (!upstream.url.startsWith('https:')) return plain;
    const agent = tls.get(upstream) ?? new TlsAgent({ ...HALF_OPEN, ...tlsOptions(upstream.tls) });
    tls.set(upstream, agent);
    return agent;
  };

  return {
    ask(request, settled) {
      const { upstream } = request;
      const target = new URL(upstream.url);
      const handshake = new Handshake(request, settled);
      const options = {
        target,
        agent: agentOf(upstream),
        secure: !upstream.tls?.insecure, // The fork would set this over the agent's own.
        toProxy: true, // Otherwise the target is parsed and written anew, which changes its bytes.
        connectTimeout: upstream.connectTimeoutMs,
      };
      const begin = (outgoing: ClientRequest) => handshake.begin(outgoing);
      proxy.once('proxyReqWs', begin); // Emitted while ws() runs, thus for this request.
      try {
        proxy.ws(asIncoming(request), handshake.standIn, NO_BYTES, options, (error) => handshake.broke(error));
        handshake.begun();
      } catch (error) {
        proxy.removeListener('proxyReqWs', begin);
        handshake.fail('request_invalid', error); // Node refuses fields and targets that HTTP does not allow.
      }
    },
  };
}

class Handshake {
  readonly standIn: Socket;
  readonly #request: UpgradeRequest;
  readonly #settled: (answer: UpgradeAnswer) => void;
  readonly #timer: NodeJS.Timeout;
  readonly #onLeft = () => this.fail('client_left');
  #outgoing: ClientRequest | undefined;
  #isConnected = false;
  #isOver = false;

  constructor(request: UpgradeRequest, settled: (answer: UpgradeAnswer) => void) {
    this.#request = request;
    this.#settled = settled;
    this.standIn = createClientStandIn();
    const timedOut = () => this.fail(this.#isConnected ? 'upstream_timeout' : 'connect_timeout');
    this.#timer = setTimeout(timedOut, request.timeoutMs);
    request.clientLeft.addEventListener('abort', this.#onLeft);
  }

  /** The upstream's request exists, nothing of it has been sent, and the fork has no listeners on it yet. */
  begin(outgoing: ClientRequest): void {
    this.#outgoing = outgoing;
    outgoing.path = this.#request.path; // Byte for byte; the fork drops an empty query.
    renameField(outgoing, 'upgrade', 'Upgrade'); // The fork looks for it in lower case; others may know only this one.
    outgoing.on('socket', (upstream) => {
      upstream.once('connect', () => {
        this.#isConnected = true;
      });
    });
    outgoing.on('response', (refusal) => this.#refused(refusal));
  }

  /** The fork has its listeners; this one comes after them. */
  begun(): void {
    this.#outgoing?.on('upgrade', (answer, upstream) => this.#switched(answer, upstream));
  }

  broke(error: Error): void {
    this.fail(classifyDialError(error, this.#isConnected), error);
  }

  fail(failure: ForwardFailure, error?: unknown): void {
    if (this.#isOver) return;
    this.#end();
    this.#outgoing?.destroy();
    this.standIn.destroy();
    this.#settled({ kind: 'failed', status: undefined, failure, error });
  }

  /** After the fork has joined the upstream with the stand-in: they part again. */
  #switched({ rawHeaders }: IncomingMessage, upstream: Socket): void {
    upstream.unpipe(this.standIn);
    this.standIn.unpipe(upstream);
    upstream.once('close', () => this.standIn.destroy());
    const { accept } = this.#request;
    const protocol = headerValue(rawHeaders, 'upgrade') ?? '';
    if (protocol.toLowerCase() !== 'websocket') this.fail('response_invalid', new Error(`switched to ${protocol}`));
    else if (accept !== undefined && headerValue(rawHeaders, 'sec-websocket-accept') !== accept) {
      this.fail('response_invalid', new Error('its Sec-WebSocket-Accept does not answer our key'));
    }
    if (this.#isOver) {
      upstream.destroy();
      return;
    }
    this.#end();
    const fields = answerHeaders(101, rawHeaders);
    this.#settled({ kind: 'open', status: 101, failure: undefined, socket: upstream, protocol, fields });
  }

  #refused(refusal: IncomingMessage): void {
    const { statusCode = 502 } = refusal;
    // Node takes a 101 that names no protocol for an ordinary answer.
    if (statusCode === 101) this.fail('response_invalid', new Error('101 without a protocol'));
    if (this.#isOver) return;
    this.#end();
    this.standIn.destroy(); // The fork relays nothing to a client that is gone.
    this.#settled({ kind: 'refused', status: statusCode, failure: undefined, refusal });
  }

  #end(): void {
    this.#isOver = true;
    clearTimeout(this.#timer);
    this.#request.clientLeft.removeEventListener('abort', this.#onLeft);
  }
}

/** The request as the fork reads it: what it takes of an IncomingMessage, and no more. */
function asIncoming({ path, headers, protocol }: UpgradeRequest): IncomingMessage {
  return {
    method: 'GET',
    url: path,
    httpVersion: '1.1',
    httpVersionMajor: 1,
    httpVersionMinor: 1,
    headers: { ...fieldsByName([...headers, 'Connection', 'Upgrade']), upgrade: protocol },
  } as unknown as IncomingMessage; // The fork reads these members only.
}

function renameField(outgoing: ClientRequest, from: string, to: string): void {
  const value = outgoing.getHeader(from);
  outgoing.removeHeader(from);
  if (value !== undefined) outgoing.setHeader(to, value);
}

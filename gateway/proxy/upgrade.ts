// The handshake of a WebSocket (RFC 6455 section 4), by http-proxy's maintained fork. What becomes of the open stream is
// streams/tunnel.ts.
//
// The fork dials, sends the request, watches for errors and composes the 101. It does not get the client's own socket but
// a stand-in, because with the real one, version 2.0.1
//   - leaves the upgrade open upstream when the client abandons it,
//   - relays a refusal without backpressure, and leaves the client hanging when the refusal breaks off,
//   - answers nothing when the upstream cannot be reached,
//   - joins the sockets in a way that leaves no place for a Close frame of our own, and no half-open connections.
import { Agent, type AgentOptions, type ClientRequest, type IncomingMessage, ServerResponse } from 'node:http';
import { Agent as TlsAgent } from 'node:https';
import type { Socket } from 'node:net';
import { createProxyServer } from 'http-proxy';
import type { UpstreamConfig } from '../../config/gateway-schema.ts';
import { createClientStandIn } from './client-stand-in.ts';
import { type EarlyBytes, readEarly } from './early-bytes.ts';
import { classifyDialError, type ForwardFailure } from './failure.ts';
import { headerValue, responseHeaders } from './headers.ts';
import { endAndLinger } from './linger.ts';
import { relayRefusal } from './upgrade-refusal.ts';
import { tlsOptions } from './upstream.ts';

export interface UpgradeRequest {
  readonly incoming: IncomingMessage;
  readonly socket: Socket;
  /** What came with the request's head. */
  readonly head: Buffer;
  readonly upstream: UpstreamConfig;
  /** The origin-form target, its bytes as the client sent them. */
  readonly path: string;
  /** End-to-end fields as they go upstream (see headers.ts). */
  readonly headers: readonly string[];
  /** Fields added to the answer. */
  readonly added: readonly string[];
  /** How long the upstream may take to answer, and between two parts of a refusal. */
  readonly timeoutMs: number;
  /** Whether one more stream may be open; asked when the upstream has agreed. */
  hasRoom(): boolean;
}

export type UpgradeResult =
  /** Both have switched protocols: the sockets are the caller's from here on, and so is what the client sent early. */
  | { readonly kind: 'open'; readonly upstream: Socket; readonly early: Buffer }
  /** The upstream said no, and the client has its whole answer. */
  | { readonly kind: 'refused'; readonly status: number; readonly bytes: number }
  /** With `answer` nothing was answered yet: it is there to do so, and closes the connection when it has ended. */
  | {
      readonly kind: 'failed';
      readonly failure: ForwardFailure;
      readonly error: unknown;
      readonly answer: ServerResponse | undefined;
    };

export interface UpgradeProxy {
  /** Asks the upstream to switch; calls `settled` once. */
  open(request: UpgradeRequest, settled: (result: UpgradeResult) => void): void;
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
    open(request, settled) {
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
  readonly #settled: (result: UpgradeResult) => void;
  readonly #early: EarlyBytes;
  readonly #timer: NodeJS.Timeout;
  #outgoing: ClientRequest | undefined;
  #isConnected = false;
  #isOver = false;

  constructor(request: UpgradeRequest, settled: (result: UpgradeResult) => void) {
    const { socket, head, timeoutMs } = request;
    this.#request = request;
    this.#settled = settled;
    this.standIn = createClientStandIn(socket);
    this.#early = readEarly(socket, head, () => this.fail('client_left'));
    const timedOut = () => this.fail(this.#isConnected ? 'upstream_timeout' : 'connect_timeout');
    this.#timer = setTimeout(timedOut, timeoutMs);
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
    outgoing.on('upgrade', (answer) => this.#checkSwitch(answer));
    outgoing.on('response', (refusal) => this.#relayRefusal(refusal));
  }

  /** The fork has its listeners; this one comes after them. */
  begun(): void {
    this.#outgoing?.on('upgrade', (_answer, upstream) => this.#takeOver(upstream));
  }

  broke(error: Error): void {
    this.fail(classifyDialError(error, this.#isConnected), error);
  }

  fail(failure: ForwardFailure, error?: unknown): void {
    if (this.#isOver) return;
    const { incoming, socket } = this.#request;
    this.#end();
    this.#outgoing?.destroy();
    this.standIn.destroy();
    if (failure === 'client_left') socket.destroy();
    const answer = socket.destroyed ? undefined : answerOn(incoming, socket);
    this.#settled({ kind: 'failed', failure, error, answer });
  }

  /** Before the fork composes the 101 from it: its fields as they go to the client. */
  #checkSwitch(answer: IncomingMessage): void {
    const { hasRoom, added } = this.#request;
    const protocol = headerValue(answer.rawHeaders, 'upgrade') ?? '';
    if (protocol.toLowerCase() !== 'websocket') this.fail('response_invalid', new Error(`switched to ${protocol}`));
    else if (!hasRoom()) this.fail('overloaded');
    const fields = ['Upgrade', protocol, 'Connection', 'Upgrade', ...responseHeaders(answer.rawHeaders), ...added];
    answer.headers = fieldsByName(fields);
  }

  /** After the fork has written the 101 and joined the upstream with the stand-in: they part again. */
  #takeOver(upstream: Socket): void {
    upstream.unpipe(this.standIn);
    this.standIn.unpipe(upstream);
    upstream.once('close', () => this.standIn.destroy());
    if (this.#isOver) upstream.destroy();
    else this.#settled({ kind: 'open', upstream, early: this.#end() });
  }

  #relayRefusal(refusal: IncomingMessage): void {
    // Node takes a 101 that names no protocol for an ordinary answer.
    if (refusal.statusCode === 101) this.fail('response_invalid', new Error('101 without a protocol'));
    if (this.#isOver) return;
    this.#end();
    this.standIn.destroy(); // The fork relays nothing to a client that is gone.
    const { incoming, socket, added, timeoutMs } = this.#request;
    const answer = answerOn(incoming, socket);
    relayRefusal({ refusal, answer, added, timeoutMs }, (result) => {
      this.#outgoing?.destroy();
      if (result.kind === 'failed') socket.destroy();
      this.#settled(result);
    });
  }

  /** Nothing more of the handshake reaches the client; answers what that has sent early. */
  #end(): Buffer {
    this.#isOver = true;
    clearTimeout(this.#timer);
    return this.#early.take();
  }
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

/** The request as the fork reads it: what it takes of an IncomingMessage, and no more. */
function asIncoming({ incoming, path, headers }: UpgradeRequest): IncomingMessage {
  const protocol = headerValue(incoming.rawHeaders, 'upgrade') ?? 'websocket';
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

/** Raw pairs as Node's client takes them: names as first spelled, in the order given, repeated ones gathered. */
function fieldsByName(pairs: readonly string[]): Record<string, string | string[]> {
  const fields = new Map<string, { name: string; values: string[] }>();
  for (let i = 0; i < pairs.length; i += 2) {
    const [name = '', value = ''] = pairs.slice(i, i + 2);
    const known = fields.get(name.toLowerCase());
    if (known) known.values.push(value);
    else fields.set(name.toLowerCase(), { name, values: [value] });
  }
  return Object.fromEntries(
    [...fields.values()].map(({ name, values: [first = '', ...more] }) => [
      name,
      more.length > 0 ? [first, ...more] : first,
    ]),
  );
}

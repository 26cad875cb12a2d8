// A gateway that compares the streams of two scripted sides, for both kinds of stream.
import { once } from 'node:events';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { setTimeout as delay } from 'node:timers/promises';
import type { BrotliCompress, Deflate, Gzip, ZstdCompress } from 'node:zlib';
import { type ServerOptions, WebSocket, WebSocketServer } from 'ws';
import type { StreamEvidence } from '../../../gateway/mirror/stream-evidence.ts';
import { eventually, within } from '../../helpers/deadline.ts';
import { routeOn, startTestGateway, type TestGateway } from '../../helpers/gateway.ts';
import { startUpstream } from '../../helpers/upstream.ts';

export const WINDOW_MS = 500;
export const ROUTE = '/api/routes/test.route';

/** A side's end of a stream. */
export interface ScriptedStream {
  readonly incoming: IncomingMessage;
  readonly isClosed: boolean;
  /** What the client has said, on a WebSocket. */
  readonly heard: readonly string[];
  send(message: unknown): void;
  end(): void;
}

export interface ScriptedSide {
  readonly url: string;
  readonly streams: readonly ScriptedStream[];
  /** The stream that was opened as the `index`th. */
  stream(index?: number): Promise<ScriptedStream>;
  close(): Promise<void>;
}

/** What packs a stream in a coding, as an answer of node:zlib does. */
export type Pack = () => Gzip | Deflate | BrotliCompress | ZstdCompress;

/** Event streams: what is sent goes out as JSON, as an event with the id that it has as its `id`; packed, if that is said. */
export async function startEventsSide(headers: Record<string, string> = {}, pack?: Pack): Promise<ScriptedSide> {
  const streams: ScriptedStream[] = [];
  const server = await startUpstream((incoming, outgoing: ServerResponse) => {
    outgoing.writeHead(200, { 'content-type': 'text/event-stream', ...headers });
    outgoing.flushHeaders();
    const packer = pack?.();
    packer?.pipe(outgoing);
    const write = (text: string) => {
      (packer ?? outgoing).write(text);
      packer?.flush();
    };
    streams.push({
      incoming,
      get isClosed() {
        return outgoing.destroyed;
      },
      heard: [],
      send: (message) => write(`event: tick\ndata: ${JSON.stringify(message)}\n\n`),
      end: () => void (packer ?? outgoing).end(),
    });
  });
  return sideOf(server.url, streams, () => server.close());
}

export async function startSocketsSide(options: ServerOptions = {}): Promise<ScriptedSide> {
  const server = new WebSocketServer({ port: 0, host: '127.0.0.1', ...options });
  await once(server, 'listening');
  const streams: ScriptedStream[] = [];
  server.on('connection', (socket, incoming) => {
    const heard: string[] = [];
    socket.on('message', (data) => heard.push(String(data)));
    socket.on('error', () => {});
    streams.push({
      incoming,
      heard,
      get isClosed() {
        return socket.readyState === WebSocket.CLOSED;
      },
      send: (message) => socket.send(JSON.stringify(message)),
      end: () => socket.close(),
    });
  });
  const address = server.address();
  const port = typeof address === 'object' && address ? address.port : 0;
  return sideOf(`http://127.0.0.1:${port}`, streams, async () => {
    for (const each of server.clients) each.terminate();
    await new Promise<void>((resolve) => server.close(() => resolve()));
  });
}

function sideOf(url: string, streams: readonly ScriptedStream[], close: () => Promise<void>): ScriptedSide {
  return {
    ...{ url, streams, close },
    stream: (index = 0) => eventually(() => streams[index], `stream ${index} of a side`),
  };
}

export interface ComparingGiven {
  readonly compare?: object | undefined;
  readonly route?: object;
  readonly stage?: string;
  readonly overrides?: Parameters<typeof startTestGateway>[0]['overrides'];
}

/** A gateway in shadow that compares the streams of a route. */
export function startComparing(
  sides: { readonly legacy: { url: string }; readonly new: { url: string } },
  { compare = {}, route = {}, stage = 'shadow', overrides = {} }: ComparingGiven = {},
): Promise<TestGateway> {
  const streams = { jitterMs: 0, compare: { key: ['$.id'], windowMs: WINDOW_MS, ...compare } };
  const routes = [routeOn('/*', { initialStage: stage, streams, ...route })];
  const unhurried = { mirror: { compareCpuPercent: 100 }, ...overrides }; // However busy the machine is.
  return startTestGateway({ legacy: sides.legacy.url, new: sides.new.url, routes, overrides: unhurried });
}

export async function streamsOf(gateway: Pick<TestGateway, 'api'>): Promise<StreamEvidence | undefined> {
  return (await gateway.api('GET', `${ROUTE}/comparisons`)).body.streams;
}

/** The route's evidence once `isThere`. */
export function found(
  gateway: Pick<TestGateway, 'api'>,
  isThere: (streams: StreamEvidence) => boolean,
  label: string,
): Promise<StreamEvidence> {
  return eventually(async () => {
    const streams = await streamsOf(gateway);
    return streams && isThere(streams) && streams;
  }, label);
}

/** Counts of messages that are not zero. */
export function counted({ messages }: StreamEvidence): Record<string, number> {
  return Object.fromEntries(Object.entries(messages).filter(([, count]) => count > 0));
}

/** Both sides' streams have said the same, and for long enough to be held to what they say from now on. */
export async function settled(gateway: TestGateway, both: readonly ScriptedStream[]): Promise<void> {
  for (const each of both) each.send({ id: 'first' });
  await found(gateway, ({ messages }) => messages.match === 1, 'the first pair');
  await delay(WINDOW_MS + 20);
}

/** A client's WebSocket through the gateway, and what it has got. */
export async function connectSocket(
  gateway: TestGateway,
  { protocols = [], ...options }: { perMessageDeflate?: boolean; protocols?: string[] } = {},
) {
  const socket = new WebSocket(`${gateway.url.replace('http', 'ws')}/ws`, protocols, {
    headers: { 'x-user-id': 'u' },
    ...options,
  });
  const got: string[] = [];
  socket.on('message', (data) => got.push(String(data)));
  socket.on('error', () => {});
  await within(once(socket, 'open'), 'the connection');
  return { socket, got, close: () => socket.terminate() };
}

/** A client's event stream through the gateway, and what it has got. */
export async function connectEvents(gateway: TestGateway) {
  const leave = new AbortController();
  const response = await fetch(`${gateway.url}/events`, {
    headers: { accept: 'text/event-stream', 'x-user-id': 'u' },
    signal: leave.signal,
  });
  const state = { text: '', isOver: false };
  const decoder = new TextDecoder();
  const read = async () => {
    for await (const chunk of response.body ?? []) state.text += decoder.decode(chunk, { stream: true });
  };
  void read()
    .catch(() => {})
    .finally(() => {
      state.isOver = true;
    });
  return { state, headers: response.headers, close: () => leave.abort() };
}

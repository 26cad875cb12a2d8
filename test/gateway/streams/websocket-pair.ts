// The two ends of a WebSocket, both by the ws package, with a gateway between them.
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { type ClientOptions, type ServerOptions, WebSocket, WebSocketServer } from 'ws';
import { within } from '../../helpers/deadline.ts';
import { routeOn, startTestGateway, type TestGateway } from '../../helpers/gateway.ts';

export interface WebSocketPairOptions {
  readonly server?: ServerOptions;
  readonly client?: ClientOptions;
  readonly protocols?: string[];
  /** Of the gateway's configuration. */
  readonly overrides?: Parameters<typeof startTestGateway>[0]['overrides'];
}

export interface WebSocketPair {
  readonly gateway: TestGateway;
  readonly client: WebSocket;
  /** The upstream's end. */
  readonly peer: WebSocket;
}

/** Opens them; `keep` is told what is to be closed after the test. */
export async function openWebSocketPair(
  keep: (each: { close(): Promise<void> }) => unknown,
  { server: given, client: asked, protocols = [], overrides = {} }: WebSocketPairOptions = {},
): Promise<WebSocketPair> {
  const server = new WebSocketServer({ port: 0, host: '127.0.0.1', ...given });
  await once(server, 'listening');
  keep({
    async close() {
      for (const each of server.clients) each.terminate();
      await new Promise<void>((resolve) => server.close(() => resolve()));
    },
  });
  const legacy = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const routes = [routeOn('/*', { streams: { jitterMs: 0, drainMs: 500 } })];
  const gateway = await startTestGateway({ legacy, new: 'http://127.0.0.1:9', routes, overrides });
  keep(gateway);
  const connected = once(server, 'connection') as Promise<[WebSocket]>;
  const scheme = overrides.tls ? 'wss' : 'ws';
  const url = `${scheme}://127.0.0.1:${gateway.port}/ws`;
  const client = new WebSocket(url, protocols, { perMessageDeflate: true, ...asked });
  keep({ close: async () => client.terminate() });
  await within(once(client, 'open'), 'the connection');
  const [peer] = await within(connected, 'the connection upstream');
  return { gateway, client, peer };
}

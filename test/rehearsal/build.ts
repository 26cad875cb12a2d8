// The new side's build, as the gateway sees it: the real new backend, behind a proxy that can put a planted fault in front of it.
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createProxyServer } from 'http-proxy';

export interface Build {
  /** host:port. */
  readonly address: string;
  /** From now on prices are wrong by a hundredth: the statuses, the shape and the speed are as before. */
  plant(): void;
  /** The good build again. */
  mend(): void;
  close(): Promise<void>;
}

const TICKER = /^\/api\/market\/ticker\//;

export async function startBuild(backend: string): Promise<Build> {
  const target = `http://${backend}`;
  const proxy = createProxyServer({ target, ws: true });
  let bad = false;
  proxy.on('error', (_error, _request, response) => {
    if ('writeHead' in response) response.writeHead(502).end();
    else response.destroy();
  });
  const server = createServer((request, response) => {
    if (bad && TICKER.test(request.url ?? '')) void answerWrongly(`${target}${request.url}`, response);
    else void proxy.web(request, response);
  });
  server.on('upgrade', (request, socket, head) => void proxy.ws(request, socket, head));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    address: `127.0.0.1:${port}`,
    plant() {
      bad = true;
    },
    mend() {
      bad = false;
    },
    async close() {
      server.closeAllConnections();
      await new Promise<void>((resolve) => server.close(() => resolve()));
      proxy.close();
    },
  };
}

async function answerWrongly(url: string, response: ServerResponse): Promise<void> {
  try {
    const answer = await fetch(url);
    const body = (await answer.json()) as { price?: unknown };
    const wrong = { ...body, price: (Number(body.price) * 1.01).toFixed(2) };
    response.writeHead(answer.status, { 'content-type': 'application/json' }).end(JSON.stringify(wrong));
  } catch {
    response.writeHead(502).end();
  }
}

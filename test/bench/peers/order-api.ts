// node order-api.ts backend|fastify|node: the new backend on a store in memory and an exchange that answers at once, and beside it
// servers that answer the very same bytes and do nothing for them: what there is to lose.
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import Fastify from 'fastify';
import { testBackend } from '../../helpers/backend.ts';
import { ORDER_BODY } from '../scenarios/backend-requests.ts';

const HOST = '127.0.0.1';
const kind = process.argv[2] ?? 'backend';
const { call, backend } = testBackend({ limits: { open_orders_max: 1000 } });

/** An order to be read, and what each request is answered. */
const created = await call('POST', '/api/trade/order', ORDER_BODY);
const orderPath = `/api/trade/order/bench/${created.json.order_id}`;
const answers = {
  ticker: (await call('GET', '/api/market/ticker/BTCUSDT')).text,
  read: (await call('GET', orderPath)).text,
  create: created.text,
};

/** Reads the body as JSON, as any server of orders has to. */
async function listenPlain(): Promise<string> {
  const server = createServer((incoming, outgoing) => {
    const reply = (status: number, text: string) => {
      outgoing.writeHead(status, { 'content-type': 'application/json', 'content-length': Buffer.byteLength(text) });
      outgoing.end(text);
    };
    if (incoming.method === 'GET') return reply(200, incoming.url === orderPath ? answers.read : answers.ticker);
    const chunks: Buffer[] = [];
    incoming.on('data', (chunk: Buffer) => chunks.push(chunk));
    incoming.on('end', () => {
      JSON.parse(Buffer.concat(chunks).toString());
      reply(201, answers.create);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, HOST, resolve));
  return `${HOST}:${(server.address() as AddressInfo).port}`;
}

async function listenFastify(): Promise<string> {
  const app = Fastify();
  app.get('/api/market/ticker/:symbol', (_request, reply) => reply.type('application/json').send(answers.ticker));
  app.get('/api/trade/order/:user/:id', (_request, reply) => reply.type('application/json').send(answers.read));
  app.post('/api/trade/order', (_request, reply) => reply.code(201).type('application/json').send(answers.create));
  await app.listen({ host: HOST, port: 0 });
  return `${HOST}:${(app.server.address() as AddressInfo).port}`;
}

const listen = {
  backend: () => backend.listen({ host: HOST, port: 0, reconcileIntervalMs: 3_600_000 }),
  fastify: listenFastify,
  node: listenPlain,
}[kind];
if (!listen) throw new Error(`there is no ${kind}`);
const address = await listen();
process.stdout.write(`${JSON.stringify({ listening: { http: address, order: orderPath } })}\n`);

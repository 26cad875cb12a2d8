// node fanout.ts backend|ws|bare: tells everybody who is connected to /ws/trading of a market. For each byte on its control port it tells
// once of as many symbols as the byte says, and answers 0 with the CPU time that it has used since the last 0, µs.
import { once } from 'node:events';
import { createServer } from 'node:http';
import { type AddressInfo, createServer as createControl } from 'node:net';
import type { Duplex } from 'node:stream';
import { WebSocketServer } from 'ws';
import { channels } from '../../../backend/bus/bus.ts';
import { createMemoryBus } from '../../../backend/bus/memory.ts';
import { envelopeHead, numbered } from '../../../backend/bus/news.ts';
import { textMessage } from '../../../backend/streams/frame.ts';
import { testBackend } from '../../helpers/backend.ts';
import { fanoutNews, fanoutSymbol } from '../fanout-workload.ts';

const HOST = '127.0.0.1';

async function startBackend() {
  const bus = createMemoryBus({ onDrop: () => process.exit(1), raised() {} });
  const { backend } = testBackend({ bus });
  const http = await backend.listen({ host: HOST, port: 0, reconcileIntervalMs: 3_600_000 });
  const tell = (i: number) => bus.tell(channels.market(fanoutSymbol(i)), 'market_update', fanoutNews(i));
  return { http, tell };
}

/** As one writes it at first: each client is sent the message as it is made into text for it. */
async function startPlain() {
  const server = createServer();
  const clients = new WebSocketServer({ server, perMessageDeflate: false });
  server.listen(0, HOST);
  await once(server, 'listening');
  let seq = 0;
  function tell(i: number): void {
    seq += 1;
    for (const client of clients.clients)
      client.send(numbered(envelopeHead('market_update', fanoutNews(i), Date.now()), { epoch: 1, seq }).text);
  }
  return { http: `${HOST}:${(server.address() as AddressInfo).port}`, tell };
}

/** What the system takes alone: upgrades that nobody checks, and one ready frame written to each socket. */
async function startBare() {
  const server = createServer();
  const sockets = new Set<Duplex>();
  server.on('upgrade', (_, socket) => {
    sockets.add(socket);
    socket.on('error', () => sockets.delete(socket));
    socket.write('HTTP/1.1 101 Switching Protocols\r\nconnection: Upgrade\r\nupgrade: websocket\r\n\r\n');
  });
  server.listen(0, HOST);
  await once(server, 'listening');
  let seq = 0;
  function tell(i: number): void {
    seq += 1;
    const { text } = numbered(envelopeHead('market_update', fanoutNews(i), Date.now()), { epoch: 1, seq });
    const bytes = textMessage(text);
    for (const socket of sockets) socket.write(bytes);
  }
  return { http: `${HOST}:${(server.address() as AddressInfo).port}`, tell };
}

const START = { backend: startBackend, ws: startPlain, bare: startBare };
const kind = process.argv[2];
const { http, tell } = await START[kind === 'ws' || kind === 'bare' ? kind : 'backend']();
let before = process.cpuUsage();
const control = createControl((socket) => {
  socket.on('error', () => {});
  socket.on('data', (bytes: Buffer) => {
    for (const count of bytes) {
      for (let i = 0; i < count; i++) tell(i);
      if (count > 0) continue;
      const { user, system } = process.cpuUsage(before);
      before = process.cpuUsage();
      socket.write(`${user + system}\n`);
    }
  });
});
control.listen(0, HOST, () => {
  const address = `${HOST}:${(control.address() as AddressInfo).port}`;
  process.stdout.write(`${JSON.stringify({ listening: { http, control: address } })}\n`);
});

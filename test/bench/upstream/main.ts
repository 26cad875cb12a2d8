// A stand-in for one side: node upstream/main.ts legacy|new. Beside the port that answers well it opens one for each way
// of behaving badly and one for streams: `hang` reads and never answers, `reset` resets at the first request, `garbage` answers what is not HTTP.
import { once } from 'node:events';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { answersOf } from './answers.ts';
import { serveConnection } from './connection.ts';
import { serveStream } from './streams.ts';

const GARBAGE = Buffer.from('\x00\x01SSH-2.0-nonsense\r\n{"half": [1, 2\r\n\r\n'.repeat(8), 'latin1');

const answers = answersOf(process.argv[2] === 'new' ? 'new' : 'legacy');
const BEHAVIOURS: Readonly<Record<string, (socket: Socket) => void>> = {
  ok: (socket) => serveConnection(socket, answers),
  hang: (socket) => socket.on('error', () => {}).resume(),
  reset: (socket) => socket.on('error', () => {}).once('data', () => socket.resetAndDestroy()),
  streams: serveStream,
  garbage: (socket) => socket.on('error', () => {}).on('data', () => socket.write(GARBAGE)),
};

const listening: Record<string, string> = {};
for (const [name, behave] of Object.entries(BEHAVIOURS)) {
  const server = createServer(behave);
  server.listen({ port: 0, host: '127.0.0.1', backlog: 1024 });
  await once(server, 'listening');
  listening[name] = `127.0.0.1:${(server.address() as AddressInfo).port}`;
}
console.log(JSON.stringify({ listening }));
// Nothing in flight is worth finishing: what it answers is made up.
for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, () => process.exit(0));

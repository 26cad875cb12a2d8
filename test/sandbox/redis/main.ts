// A Redis as a process: the redis-server on PATH when there is one, else the JavaScript one. `--port N` (0: any free);
// `--javascript` takes that one in any case.
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { connect, Server } from 'node:net';
import process from 'node:process';
import { parseArgs } from 'node:util';
import { eventually } from '../../helpers/deadline.ts';
import { freePort } from '../../helpers/free-port.ts';
import { stopOnSignal } from '../stop.ts';

const { values } = parseArgs({
  options: { port: { type: 'string', default: '0' }, javascript: { type: 'boolean', default: false } },
});
const port = Number(values.port) || (await freePort());
await (!values.javascript && hasRedisServer() ? runRedisServer(port) : runJavaScriptServer(port));
console.log(JSON.stringify({ listening: { redis: `127.0.0.1:${port}` } }));

function hasRedisServer(): boolean {
  return spawnSync('redis-server', ['--version']).status === 0;
}

async function runRedisServer(port: number): Promise<void> {
  const args = ['--port', String(port), '--bind', '127.0.0.1', '--save', '', '--appendonly', 'no'];
  const child = spawn('redis-server', args, { stdio: ['ignore', 'ignore', 'inherit'] });
  const exited = once(child, 'exit');
  child.once('exit', (code) => process.exit(code ?? 1)); // Whoever started this learns that its Redis is gone.
  stopOnSignal('redis', async () => {
    child.removeAllListeners('exit');
    child.kill('SIGTERM');
    await exited;
  });
  await eventually(() => accepts(port), `redis-server to listen on port ${port}`);
}

/**
 * Its sockets lack TCP_NODELAY, which costs 40 ms for each MULTI and each message published, so every connection gets
 * it here before the server sees it. That needs the first word on net.Server's events, hence before the import.
 */
async function runJavaScriptServer(port: number): Promise<void> {
  const emit = Server.prototype.emit;
  Server.prototype.emit = function emitWithoutDelay(this: Server, event: string | symbol, ...args: unknown[]) {
    const [socket] = args;
    if (event === 'connection' && socket && typeof socket === 'object' && 'setNoDelay' in socket) {
      (socket as { setNoDelay(on: boolean): void }).setNoDelay(true);
    }
    return Reflect.apply(emit, this, [event, ...args]);
  } as typeof emit;
  const { createRedisMock } = await import('js-redis-server');
  const server = await createRedisMock({ port, compatibility: 'redis-7.2' });
  stopOnSignal('redis', () => server.close());
}

function accepts(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    socket.once('connect', () => resolve(true)).once('error', () => resolve(false));
    socket.once('connect', () => socket.destroy());
  });
}

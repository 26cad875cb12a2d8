// A Node peer in a process of its own: node peers/main.ts NAME http://HOST:PORT
import type { PeerProxy } from './peer.ts';

const PEERS: Readonly<Record<string, () => Promise<PeerProxy>>> = {
  'http-proxy': async () => (await import('./http-proxy.ts')).startHttpProxy,
  fastify: async () => (await import('./fastify-proxy.ts')).startFastifyProxy,
  'fast-gateway': async () => (await import('./fast-gateway.ts')).startFastGateway,
  'ws-relay': async () => (await import('./ws-relay.ts')).startWsRelay,
  hono: async () => (await import('./hono-proxy.ts')).startHonoProxy,
  undici: async () => (await import('./undici-proxy.ts')).startUndiciProxy,
};

const [name = '', target = ''] = process.argv.slice(2);
const load = PEERS[name];
if (load && target) {
  const start = await load();
  console.log(JSON.stringify({ listening: { traffic: await start(target) } }));
  for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, () => process.exit(0));
} else {
  console.error(`usage: node main.ts ${Object.keys(PEERS).join('|')} http://HOST:PORT`);
  process.exitCode = 2;
}

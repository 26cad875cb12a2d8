import { spawnServer } from './process.ts';

/** It keeps nothing, and the JavaScript one waits for its clients to leave; a test that stops it means now. */
const STOP_MS = 200;

export type RedisServer = { readonly url: string; readonly close: () => Promise<void> };

/** A Redis in its own process on loopback: redis-server when it is on PATH and not to be `javascript`, else the JavaScript one. */
export async function startRedis(port = 0, { javascript = false } = {}): Promise<RedisServer> {
  const args = ['test/sandbox/redis/main.ts', '--port', String(port), ...(javascript ? ['--javascript'] : [])];
  const server = await spawnServer({ args, stopMs: STOP_MS });
  return {
    url: `redis://${server.listening.redis}`,
    async close() {
      await server.stop();
    },
  };
}

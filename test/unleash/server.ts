// Starts a real Unleash server on an embedded Postgres of its own, where it is installed.
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePort } from '../helpers/free-port.ts';
import { spawnServer } from '../helpers/process.ts';
import { ADMIN_TOKEN } from '../helpers/unleash.ts';
import { dataFolder, startPostgres } from '../sandbox/postgres/postgres.ts';

/** Why tests with a real server are skipped, or false. */
export const skipped = existsSync(join(import.meta.dirname, 'node_modules', 'unleash-server'))
  ? false
  : 'unleash-server is not installed; `npm run test:unleash` installs it';

/** What it has stored is in Postgres; it takes long to leave by itself. */
const STOP_MS = 500;

export interface RealUnleash {
  /** Of its API. */
  readonly url: string;
  /** Calls its admin API below /api/admin; answers the content. @throws when it refuses. */
  admin(method: string, path: string, body?: unknown): Promise<unknown>;
  /** Stops the server; its database stays. */
  stop(): Promise<void>;
  /** Starts it again, on the same port. */
  start(): Promise<void>;
  close(): Promise<void>;
}

export async function startUnleash(): Promise<RealUnleash> {
  const folder = mkdtempSync(join(tmpdir(), 'banyan-unleash-'));
  const dataDir = join(folder, 'postgres');
  const postgres = await startPostgres({ dataDir });
  const port = await freePort();
  const args = ['test/unleash/main.ts', '--port', String(port), '--database', postgres.url];
  const env = { SCARF_ANALYTICS: 'false', LOG_LEVEL: 'error' };
  const start = () => spawnServer({ args, env, readyMs: 60_000, stopMs: STOP_MS });
  let server = await start();
  const url = `http://127.0.0.1:${port}/api`;
  return {
    url,
    async admin(method, path, body) {
      const response = await fetch(`${url}/admin${path}`, {
        method,
        headers: { authorization: ADMIN_TOKEN, 'content-type': 'application/json' },
        body: body === undefined ? null : JSON.stringify(body),
      });
      const text = await response.text();
      if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${text}`);
      return text === '' ? undefined : JSON.parse(text);
    },
    stop: async () => void (await server.stop()),
    async start() {
      server = await start();
    },
    async close() {
      await server.stop();
      await postgres.close();
      rmSync(dataFolder(dataDir), { recursive: true, force: true });
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

// A gateway with workers as its own process, and what tests ask of it.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { Agent, get } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Outcome } from '../../../gateway/mirror/observation.ts';
import type { StreamEvidence } from '../../../gateway/mirror/stream-evidence.ts';
import type { Side } from '../../../gateway/routing/side.ts';
import { eventually } from '../../helpers/deadline.ts';
import { type SpawnedServer, spawnServer } from '../../helpers/process.ts';
import { startUpstream, type TestServer } from '../../helpers/upstream.ts';

const ROOT = join(import.meta.dirname, '..', '..', '..');
const TOKEN = 'token-for-tests';

export interface Instance {
  readonly pid: number;
  readonly state: string;
  readonly version: number;
  readonly requests: number;
}

export interface ServedBy {
  readonly status: number;
  /** What the upstream says of itself, and what the gateway says. */
  readonly by: string | undefined;
  readonly side: string | undefined;
  readonly route: string | undefined;
}

/** What the operator's API says of a gateway with workers, as far as tests read it; which of it depends on what is asked. */
export interface ApiBody {
  readonly ready: boolean;
  readonly warnings: readonly string[];
  readonly workers: { readonly wanted: number; readonly serving: number };
  readonly instances: readonly Instance[];
  readonly acknowledged: { readonly workers: number; readonly of: number };
  readonly entries: readonly { readonly action: string; readonly reason: string }[];
  readonly override: { readonly reason: string };
  readonly attention: readonly { readonly sentence: string }[];
  readonly openBreakers: Readonly<Record<Side, number>>;
  readonly streams: Readonly<Record<Side | 'oldSide', number>> & StreamEvidence;
  readonly traffic: Readonly<Record<Side, { readonly requests: number; readonly errors: number }>>;
  readonly eligible: number;
  readonly pending: number;
  readonly outcomes: Readonly<Record<Outcome, number>>;
  readonly settings: { readonly timeoutMs: number };
  readonly writesLegacyLacks: { readonly count: number };
  /** A rule's. */
  readonly id: string;
  /** A preview's. */
  readonly hidden: number;
  readonly of: number;
}

export interface WorkersGateway {
  readonly url: string;
  readonly server: SpawnedServer;
  readonly folder: string;
  api(method: string, path: string, body?: unknown): Promise<{ status: number; body: ApiBody }>;
  instances(): Promise<readonly Instance[]>;
  /** The sum of a metric's values over the labels that contain all of `labels`. */
  metric(name: string, ...labels: readonly string[]): Promise<number>;
  /** Waits until as many as wanted serve, none of them one of `without`. */
  whole(without?: readonly number[]): Promise<readonly Instance[]>;
  writeConfig(routes: readonly object[]): void;
  /** Stops the process, keeps its state. */
  stop(): Promise<void>;
  close(): Promise<void>;
}

export interface WorkersOptions {
  readonly workers: number;
  readonly sides: Readonly<Record<'legacy' | 'new', { readonly url: string }>>;
  readonly routes: readonly object[];
  /** The state of an earlier one. */
  readonly folder?: string;
  /** Where clients connect, when it matters. */
  readonly listen?: string;
  /** What else the configuration says. */
  readonly overrides?: object;
}

export async function startWorkers(options: WorkersOptions): Promise<WorkersGateway> {
  const folder = options.folder ?? mkdtempSync(join(tmpdir(), 'banyan-workers-'));
  const file = join(folder, 'banyan.json'); // JSON is YAML.
  const writeConfig = (routes: readonly object[]) =>
    writeFileSync(file, JSON.stringify(configOf(options, folder, routes)));
  writeConfig(options.routes);
  const server = await spawnServer({
    args: ['gateway/main.ts', '--config', file],
    cwd: ROOT,
    env: { TEST_TOKEN: TOKEN },
    readyMs: 30_000,
    stopMs: 20_000,
    ownGroup: true, // As a service manager and a terminal start it; the workers are of its group.
  });
  const operatorUrl = `http://${server.listening.operator}`;
  const api = async (method: string, path: string, body?: unknown) => {
    const response = await fetch(`${operatorUrl}${path}`, {
      method,
      headers: { authorization: `Bearer ${TOKEN}`, 'content-type': 'application/json', 'if-match': '*' },
      body: body === undefined ? null : JSON.stringify(body),
    });
    const answered: ApiBody = JSON.parse(await response.text());
    return { status: response.status, body: answered };
  };
  const instances = async (): Promise<readonly Instance[]> => (await api('GET', '/api/instances')).body.instances;
  return {
    url: `http://${server.listening.traffic}`,
    ...{ server, folder, api, instances, writeConfig },
    async metric(name, ...labels) {
      const text = await (await fetch(`${operatorUrl}/metrics`)).text();
      const lines = text.split('\n').filter((line) => line.startsWith(`${name} `) || line.startsWith(`${name}{`));
      const chosen = lines.filter((line) => labels.every((label) => line.includes(label)));
      return chosen.reduce((total, line) => total + Number(line.slice(line.lastIndexOf(' '))), 0);
    },
    whole: (without = []) =>
      eventually(
        async () => {
          const found = await instances();
          const serving = found.filter(({ pid, state }) => state === 'serving' && !without.includes(pid));
          return serving.length === options.workers && found.length === options.workers && serving;
        },
        `${options.workers} workers to serve`,
        20_000,
      ),
    async stop() {
      await server.stop();
    },
    async close() {
      await server.stop();
      if (options.folder === undefined) rmSync(folder, { recursive: true, force: true });
    },
  };
}

function configOf(
  { workers, sides, listen = '127.0.0.1:0', overrides = {} }: WorkersOptions,
  folder: string,
  routes: readonly object[],
) {
  return {
    version: 1,
    ...{ listen, workers, expose: true },
    operator: { listen: '127.0.0.1:0', tokens: [{ name: 'ops', role: 'operator', tokenEnv: 'TEST_TOKEN' }] },
    upstreams: { legacy: { url: sides.legacy.url }, new: { url: sides.new.url } },
    flags: { provider: 'file', file: join(folder, 'flags.json') },
    ledger: `sqlite:${join(folder, 'gateway.db')}`,
    identity: ['header:x-user-id', 'address'],
    log: { level: 'warn' },
    shutdown: { delayMs: 50 },
    routes,
    ...overrides,
  };
}

export interface Sides {
  readonly legacy: TestServer;
  readonly new: TestServer;
  close(): Promise<void>;
}

/** Both sides: they say who they are in a header and answer the same body. Requests below /held wait to be released. */
export async function startSides(held: (() => void)[] = []): Promise<Sides> {
  const start = (side: string) =>
    startUpstream((incoming, outgoing) => {
      incoming.resume();
      incoming.on('end', () => {
        outgoing.writeHead(200, { 'x-served-by': side, 'content-type': 'application/json' });
        const answer = () => outgoing.end(JSON.stringify({ path: incoming.url }));
        if (incoming.url?.startsWith('/held')) held.push(answer);
        else answer();
      });
    });
  const [legacy, fresh] = [await start('legacy'), await start('new')];
  return {
    legacy,
    new: fresh,
    async close() {
      await legacy.close();
      await fresh.close();
    },
  };
}

/** One request; over a connection of its own unless `agent` has one. */
export function ask(url: string, path: string, agent: Agent | false = false): Promise<ServedBy> {
  return new Promise((resolve, reject) => {
    const outgoing = get(`${url}${path}`, { agent }, (incoming) => {
      const header = (name: string) => incoming.headers[name] as string | undefined;
      incoming.resume();
      incoming.on('error', reject);
      incoming.on('end', () =>
        resolve({
          status: incoming.statusCode ?? 0,
          by: header('x-served-by'),
          side: header('x-banyan-side'),
          route: header('x-banyan-route'),
        }),
      );
    });
    outgoing.on('error', reject);
  });
}

/** `count` requests, `atOnce` at a time, each over a connection of its own. */
export async function askFresh(url: string, path: string, count: number, atOnce = 25): Promise<readonly ServedBy[]> {
  const answers: ServedBy[] = [];
  let begun = 0;
  const client = async () => {
    while (begun < count) {
      begun++;
      answers.push(await ask(url, path));
    }
  };
  await Promise.all(Array.from({ length: atOnce }, client));
  return answers;
}

export function keptAlive(connections: number): Agent {
  return new Agent({ keepAlive: true, maxSockets: connections });
}

export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

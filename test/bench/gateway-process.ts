// The gateway under test: a real process, run as in production, with the shipped comparing rules.
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse, stringify } from 'yaml';
import type { Processes, Running } from './processes.ts';
import type { Workload } from './workload.ts';

const REPOSITORY = join(import.meta.dirname, '..', '..');
/** Whose routes and comparing rules are used: those that the sandbox ships. */
const SHIPPED_CONFIG = join(REPOSITORY, 'config', 'sandbox.yaml');
const TOKEN = 'a-token-for-the-benchmark-only';

/** Routes beside the shipped ones: a table is never so short in earnest. */
const MORE_ROUTES = [
  { id: 'more.websockets', match: { methods: ['GET'], path: '/ws/:feed' } },
  { id: 'more.events', match: { methods: ['GET'], path: '/api/sse/:feed/:symbol' } },
  ...['depth', 'klines', 'balance', 'sniper', 'risk', 'token', 'account', 'fees'].map((name) => ({
    id: `more.${name}`,
    match: { methods: ['GET'], path: `/api/${name}/:id` },
  })),
];

const ROUTES: Readonly<Record<Workload, string>> = { order: 'trade.order.get', list: 'trade.orders.list' };

export interface GatewayOptions {
  readonly processes: Processes;
  readonly folder: string;
  /** `host:port` of the two sides. */
  readonly legacy: string;
  readonly new: string;
  /** Share of users whose requests are copied; 0: the route's stage is legacy. */
  readonly mirrorPercent: number;
}

export interface MirrorState {
  readonly requests: number;
  readonly eligible: number;
  /** Compared / eligible; null when nothing was eligible. */
  readonly coverage: number | null;
  /** Agreeing / compared; null when nothing was compared. */
  readonly parity: number | null;
  readonly outcomes: Readonly<Record<string, number>>;
  /** Copies waiting at this moment. */
  readonly waiting: number;
}

export interface GatewayProcess {
  readonly running: Running;
  readonly address: string;
  /** What the operator's API says of the route that a workload uses. */
  mirrorState(workload: Workload): Promise<MirrorState>;
}

export async function startGateway(name: string, options: GatewayOptions): Promise<GatewayProcess> {
  const folder = join(options.folder, name.replaceAll(/[^\w.-]/g, '-'));
  mkdirSync(folder, { recursive: true });
  const file = join(folder, 'gateway.yaml');
  writeFileSync(file, stringify(configOf(options, folder), { aliasDuplicateObjects: false }));
  const running = await options.processes.startNode({
    name,
    args: ['--max-semi-space-size=8', join(REPOSITORY, 'gateway', 'main.ts'), '--config', file], // As `npm run gateway`.
    env: { BENCH_TOKEN: TOKEN },
    pinned: true,
  });
  const { traffic = '', operator = '' } = running.listening;
  return { running, address: traffic, mirrorState: (workload) => readState(operator, ROUTES[workload]) };
}

function configOf(options: GatewayOptions, folder: string): unknown {
  const { mirrorPercent } = options;
  const shipped = parse(readFileSync(SHIPPED_CONFIG, 'utf8')) as { routes: object[]; identity: string[] };
  const stage = mirrorPercent > 0 ? { initialStage: 'shadow' } : { initialStage: 'legacy' };
  const mirror = { samplePercent: mirrorPercent > 0 ? mirrorPercent : 100 };
  return {
    version: 1,
    environment: 'benchmark',
    listen: '127.0.0.1:0',
    expose: false,
    operator: { listen: '127.0.0.1:0', tokens: [{ name: 'bench', role: 'viewer', tokenEnv: 'BENCH_TOKEN' }] },
    upstreams: { legacy: { url: `http://${options.legacy}` }, new: { url: `http://${options.new}` } },
    flags: { provider: 'file', file: join(folder, 'flags.json') },
    ledger: `sqlite:${join(folder, 'gateway.db')}`,
    identity: shipped.identity,
    log: { level: 'info' },
    routes: [...shipped.routes.map((route) => ({ ...route, ...stage, mirror })), ...MORE_ROUTES],
  };
}

interface RouteView {
  readonly traffic: Readonly<Record<string, { readonly requests: number }>>;
  readonly comparison: Omit<MirrorState, 'requests' | 'waiting'>;
}

async function readState(operator: string, route: string): Promise<MirrorState> {
  const [view, status] = await Promise.all([
    ask<RouteView>(operator, `/api/routes/${route}`),
    ask<{ readonly mirror: { readonly waiting: number } }>(operator, '/api/status'),
  ]);
  const { eligible, coverage, parity, outcomes } = view.comparison;
  const requests = Object.values(view.traffic).reduce((total, side) => total + side.requests, 0);
  return { requests, eligible, coverage, parity, outcomes, waiting: status.mirror.waiting };
}

async function ask<T>(operator: string, path: string): Promise<T> {
  const answer = await fetch(`http://${operator}${path}`, {
    headers: { authorization: `Bearer ${TOKEN}` },
    signal: AbortSignal.timeout(10_000),
  });
  if (!answer.ok) throw new Error(`the operator's API answered ${answer.status} to ${path}`);
  return (await answer.json()) as T;
}

// 9. The new backend on one core, without the time of a store's network and of an exchange: what is its own.
import { join } from 'node:path';
import type { BenchContext, ScenarioResult } from '../bench-context.ts';
import { drive, type Measured } from '../closed-loop.ts';
import { median } from '../statistics.ts';
import { BACKEND_WORKLOADS, type BackendWorkload, bytesOf } from './backend-requests.ts';

const SERVERS = ['backend', 'fastify', 'node'] as const;
type ServerName = (typeof SERVERS)[number];
const NAMES: Readonly<Record<ServerName, string>> = {
  backend: 'new backend',
  fastify: 'Fastify, the same answer',
  node: 'node:http, the same answer',
};
const MAIN = join(import.meta.dirname, '..', 'peers', 'order-api.ts');
/** The store in memory holds 200,000 items, an order some three; a server is started anew for each measurement. */
const ORDERS_MAX = 20_000;
const WARM_UP = 500;

async function measure(
  { processes, options }: BenchContext,
  server: ServerName,
  workload: BackendWorkload,
  connections: number,
): Promise<Measured> {
  const running = await processes.startNode({ name: `api ${server}`, args: [MAIN, server], pinned: true });
  try {
    const address = running.listening.http ?? '';
    const requests = bytesOf(workload, running.listening.order ?? '');
    await drive(address, requests, { connections: 8, seconds: 5, most: WARM_UP });
    return await drive(address, requests, { connections, seconds: options.seconds, most: ORDERS_MAX });
  } finally {
    await running.stop();
  }
}

export async function benchBackend(context: BenchContext): Promise<ScenarioResult> {
  const { options, say } = context;
  say('9. the new backend');
  const data: Record<string, Measured[]> = {};
  for (let round = 0; round < options.rounds; round++) {
    for (const workload of BACKEND_WORKLOADS) {
      for (const server of SERVERS) {
        const measured = await measure(context, server, workload, options.connections);
        data[`${workload} ${server}`] = [...(data[`${workload} ${server}`] ?? []), measured];
      }
    }
    data['create alone'] = [...(data['create alone'] ?? []), await measure(context, 'backend', 'create', 1)];
  }
  const of = (key: string, pick: (measured: Measured) => number) => median((data[key] ?? []).map(pick));
  const perSecond = (workload: BackendWorkload, server: ServerName) =>
    of(`${workload} ${server}`, (each) => each.perSecond);
  const rows = SERVERS.map((server) => [
    NAMES[server],
    ...BACKEND_WORKLOADS.flatMap((workload) => {
      const own = perSecond(workload, server);
      return [Math.round(own).toLocaleString('en'), (own / perSecond(workload, 'fastify')).toFixed(2)];
    }),
  ]);
  const milliseconds = (pick: (measured: Measured) => number) => `${of('create alone', pick).toFixed(2)} ms`;
  const wrong = Object.entries(data).flatMap(([key, all]) => {
    const count = all.reduce((sum, each) => sum + each.wrong, 0);
    return count > 0 ? [`backend: ${count} wrong answers (${key})`] : [];
  });
  return {
    title: '9. the new backend: requests a second on one core, and beside Fastify (x)',
    tables: [
      { title: 'server', columns: ['ticker', 'x', 'order read', 'x', 'order create', 'x'], rows },
      {
        title: 'an order alone',
        columns: ['p50', 'p99'],
        rows: [
          ['all that is the backend’s own', milliseconds((each) => each.p50Ms), milliseconds((each) => each.p99Ms)],
        ],
      },
    ],
    budgets: [],
    notes: [
      'The store is in memory and the exchange answers at once: what a network adds is not the backend’s own.',
      'An order is checked, reserved for, stored, sent, settled, taken into its position and answered; the others only answer.',
      'The load comes from Node on another core: node:http, and Fastify on reads, may be faster than it can ask.',
    ],
    data,
    broken: wrong,
  };
}

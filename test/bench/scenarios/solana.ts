// 14. Solana's reads: the new backend beside a naive client, with an RPC that answers at once and one that takes 20 ms.
import { join } from 'node:path';
import { getAddressDecoder } from '@solana/kit';
import { KNOWN_MINTS, KNOWN_TRANSFER, KNOWN_USERS } from '../../sandbox/solana/known.ts';
import type { BenchContext, ScenarioResult } from '../bench-context.ts';
import { drive, type Measured } from '../closed-loop.ts';
import { median } from '../statistics.ts';

const MAIN = join(import.meta.dirname, '..', 'peers', 'solana-api.ts');
const SERVERS = ['backend', 'naive'] as const;
const DELAYS_MS = [0, 20] as const;
const KEYS = 1000;
const WARM_UP = { connections: 8, seconds: 1, most: 2000 };
const CACHED_GOAL_PER_SECOND = 10_000;
const ADDED_GOAL_MS = 10;

const get = (path: string): Buffer => Buffer.from(`GET ${path} HTTP/1.1\r\nhost: bench\r\n\r\n`);
const body = JSON.stringify({ transaction: KNOWN_TRANSFER });
const post = `POST /api/transaction/simulate HTTP/1.1\r\nhost: bench\r\ncontent-type: application/json\r\ncontent-length: ${body.length}\r\n\r\n${body}`;
const addresses = Array.from({ length: KEYS }, (_, index) => {
  const bytes = Buffer.alloc(32, 7);
  bytes.writeUInt32BE(index);
  return getAddressDecoder().decode(bytes);
});
const WORKLOADS = {
  simulate: [Buffer.from(post)],
  balance: [get(`/api/account/${KNOWN_USERS[0]}/balance`)],
  'balance, 1000 keys': addresses.map((each) => get(`/api/account/${each}/balance`)),
  safety: [get(`/api/token/${KNOWN_MINTS.plain}/safety`)],
} as const;
type Workload = keyof typeof WORKLOADS;
const names = Object.keys(WORKLOADS) as Workload[];

export async function benchSolana({ options, processes, say }: BenchContext): Promise<ScenarioResult> {
  say('14. Solana');
  const data: Record<string, Measured[]> = {};
  for (const delayMs of DELAYS_MS) {
    const rpc = await processes.startNode({ name: `rpc ${delayMs} ms`, args: [MAIN, 'rpc', String(delayMs)] });
    const { http: rpcAddress, dex = '' } = rpc.listening;
    for (let round = 0; round < options.rounds; round++) {
      for (const server of SERVERS) {
        const args = [MAIN, server, `http://${rpcAddress}/rpc/a`, dex];
        const running = await processes.startNode({ name: `solana ${server}`, args, pinned: true });
        const address = running.listening.http ?? '';
        for (const workload of names) {
          await drive(address, WORKLOADS[workload], WARM_UP);
          const how = { connections: options.connections, seconds: options.seconds, most: Number.POSITIVE_INFINITY };
          const key = `${workload} ${delayMs} ${server}`;
          data[key] = [...(data[key] ?? []), await drive(address, WORKLOADS[workload], how)];
        }
        await running.stop();
      }
    }
    await rpc.stop();
  }
  const of = (workload: Workload, delayMs: number, server: string, pick: (measured: Measured) => number) =>
    median((data[`${workload} ${delayMs} ${server}`] ?? []).map(pick));
  const rate = (...of3: [Workload, number, string]) => of(...of3, ({ perSecond }) => perSecond);
  const p95 = (...of3: [Workload, number, string]) => of(...of3, ({ p95Ms }) => p95Ms);
  const rows = DELAYS_MS.flatMap((delayMs) =>
    names.map((workload) => [
      `${workload}, RPC ${delayMs} ms`,
      ...SERVERS.flatMap((server) => [
        Math.round(rate(workload, delayMs, server)).toLocaleString('en'),
        `${p95(workload, delayMs, server).toFixed(1)} ms`,
      ]),
      (rate(workload, delayMs, 'backend') / rate(workload, delayMs, 'naive')).toFixed(2),
    ]),
  );
  const cached = rate('balance', 0, 'backend');
  const addedMs = p95('simulate', 20, 'backend') - 20;
  const broken = Object.entries(data).flatMap(([key, all]) => {
    const wrong = all.reduce((sum, each) => sum + each.wrong, 0);
    return wrong > 0 ? [`solana: ${wrong} wrong answers (${key})`] : [];
  });
  return {
    title: '14. Solana: requests a second on one core, and p95',
    tables: [{ title: 'request', columns: ['backend /s', 'p95', 'naive /s', 'p95', 'x'], rows }],
    budgets: [
      {
        what: 'cached balance',
        goal: `>= ${CACHED_GOAL_PER_SECOND.toLocaleString('en')}/s`,
        measured: `${Math.round(cached).toLocaleString('en')}/s`,
        met: cached >= CACHED_GOAL_PER_SECOND,
      },
      {
        what: `simulate with an RPC of 20 ms adds, p95, ${options.connections} connections asking at once`,
        goal: `< ${ADDED_GOAL_MS} ms`,
        measured: `${addedMs.toFixed(1)} ms`,
        met: addedMs < ADDED_GOAL_MS,
      },
    ],
    notes: [
      'The naive client asks the node for each request, keeps nothing, checks nothing, and passes on what it is told; its safety is one account.',
      'Balances are kept for 400 ms and safety for 60 s; a simulation never. The RPC and the load share the other core.',
    ],
    data,
    broken,
  };
}

// 5. WebSockets: messages there and back one at a time, and a feed as fast as it is read; what an idle one costs in memory.
import { setTimeout as delay } from 'node:timers/promises';
import type { BenchContext, Budget, ScenarioResult, Table } from '../bench-context.ts';
import { type GatewayProcess, startGateway } from '../gateway-process.ts';
import { holdStreams } from '../load/held-streams.ts';
import { missingPeers, startPeer } from '../peers/start.ts';
import { atLeast, atMost, loadCells, loadColumns, ratioText } from '../report.ts';
import { errorsOf, type Measured, ratio, type Target } from '../rounds.ts';
import { measureStreams } from '../stream-rounds.ts';
import { residentMb } from '../usage.ts';

const PEERS = ['nginx', 'haproxy', 'http-proxy'] as const;
const KINDS = ['echo', 'feed'] as const;
const TITLES = {
  echo: 'a message of 116 bytes there and back, one at a time on each',
  feed: 'the same from the server, as fast as it is read',
} as const;
const IDLE_STREAMS = 9_000; // Two sockets each, and many systems let a process have 20,000.
const IDLE_BUDGET_STREAMS = 10_000;
const IDLE_SETTLE_MS = 1_000;

interface Idle {
  readonly beforeMb: number;
  readonly openMb: number;
}

export async function benchWebSocket(context: BenchContext): Promise<ScenarioResult> {
  const { options, processes, say } = context;
  const upstream = context.legacy.streams ?? '';
  const skipped = missingPeers(context);
  const peers = PEERS.filter((peer) => options.peers.includes(peer) && !(peer in skipped));
  say(`5. WebSockets: gateway, ${[...peers, 'ws-relay'].join(', ')}`);
  const sides = { legacy: upstream, new: context.new.streams ?? '', mirrorPercent: 0 };
  const gateway = await startGateway('gateway websockets', { ...context, ...sides });
  const targets: Target[] = [{ name: 'gateway', address: gateway.address, running: gateway.running, warmsUp: true }];
  for (const peer of [...peers, 'ws-relay'] as const) targets.push(await startPeer(peer, context, upstream));
  const runs: { kind: (typeof KINDS)[number]; measured: readonly Measured[] }[] = [];
  for (const kind of KINDS) {
    runs.push({ kind, measured: await measureStreams(context, targets, { kind, streams: options.connections }) });
  }
  await processes.stopAllBut('upstream');
  const idle = options.quick
    ? undefined
    : await measureIdle(context, await startGateway('gateway idle', { ...context, ...sides }));
  await processes.stopAllBut('upstream');
  const broken = runs.flatMap(({ kind, measured }) =>
    measured
      .filter((each) => each.target.name === 'gateway' && errorsOf(each) > 0)
      .map(() => `${kind}: streams through the gateway broke, or brought wrong bytes`),
  );
  return {
    title: `5. WebSockets: ${options.connections} open; gateway with flags, metrics and log on`,
    tables: runs.map(({ kind, measured }) => tableOf(TITLES[kind], measured)),
    budgets: [...runs.flatMap(({ kind, measured }) => budgetsOf(kind, measured)), ...idleBudget(idle)],
    notes: [
      ...Object.values(skipped),
      'ratios are of messages for the same CPU time of the proxy: load and upstream, on the other core, are often what is slower',
      ...limitNotes(runs[0]?.measured ?? []),
      'ws-relay: every message taken apart and put together anew by the ws package; http-proxy: joins the two sockets',
    ],
    data: { runs, idle },
    broken,
  };
}

async function measureIdle({ ending }: BenchContext, { running, address }: GatewayProcess): Promise<Idle> {
  const beforeMb = residentMb(running.pid);
  const held = await holdStreams({ kind: 'idle', streams: IDLE_STREAMS, target: address, seconds: 0 }, ending);
  await delay(IDLE_SETTLE_MS);
  const openMb = residentMb(running.pid);
  await held.close();
  return { beforeMb, openMb };
}

function idleBudget(idle: Idle | undefined): Budget[] {
  if (!idle) return [];
  const { beforeMb, openMb } = idle;
  const perStreamMb = (openMb - beforeMb) / IDLE_STREAMS;
  const what = `RSS with ${IDLE_BUDGET_STREAMS.toLocaleString('en')} idle (from ${IDLE_STREAMS.toLocaleString('en')}, ${(perStreamMb * 1024).toFixed(1)} KB each)`;
  return [atMost(what, 400, beforeMb + perStreamMb * IDLE_BUDGET_STREAMS, ' MB')];
}

/** What no proxy can do cannot be asked of one. */
function limitNotes(echo: readonly Measured[]): string[] {
  const named = (name: string) => echo.find(({ target }) => target.name === name);
  const best = perCpu(named('haproxy'), named('ws-relay'));
  return best
    ? [`of single messages even haproxy carries but ${ratioText(best)} x ws-relay: the rest is the kernel's`]
    : [];
}

/** How many messages one carries for the CPU time that another needs for one. */
function perCpu(each: Measured | undefined, other: Measured | undefined) {
  return ratio(other, each, 'cpuUs');
}

function tableOf(title: string, measured: readonly Measured[]): Table {
  const named = (name: string) => measured.find(({ target }) => target.name === name);
  const rows = measured.map((each) => [
    each.target.name,
    ratioText(perCpu(each, named('haproxy'))),
    ratioText(perCpu(each, named('ws-relay'))),
    ...loadCells(each),
  ]);
  return { title, columns: ['x haproxy', 'x ws-relay', ...loadColumns('msg')], rows };
}

function budgetsOf(kind: string, measured: readonly Measured[]): Budget[] {
  const named = (name: string) => measured.find(({ target }) => target.name === name);
  const gateway = named('gateway');
  return [
    atLeast(`${kind}: messages per CPU time, x ws relay by message`, 2, perCpu(gateway, named('ws-relay'))),
    atLeast(`${kind}: messages per CPU time, x haproxy`, 0.7, perCpu(gateway, named('haproxy'))),
  ];
}

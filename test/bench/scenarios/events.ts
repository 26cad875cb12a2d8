// 6. Event streams: many held open, each with a few events a second; what an event costs, and what a stream holds.
import { setTimeout as delay } from 'node:timers/promises';
import type { BenchContext, ScenarioResult } from '../bench-context.ts';
import { startGateway } from '../gateway-process.ts';
import { holdStreams } from '../load/held-streams.ts';
import { missingPeers, startPeer } from '../peers/start.ts';
import { ratioText } from '../report.ts';
import { errorsOf, type Measured, medianOf, ratio, type Target } from '../rounds.ts';
import { measureStreams } from '../stream-rounds.ts';
import { EVENTS_PER_SECOND } from '../stream-workload.ts';
import { residentMb } from '../usage.ts';

const PEERS = ['nginx', 'haproxy', 'http-proxy'] as const;
const STREAMS = 500;
const SETTLE_MS = 1_000;
/** Fewer events than this share of those sent: the proxy did not keep up. */
const KEPT_UP = 0.95;

export async function benchEvents(context: BenchContext): Promise<ScenarioResult> {
  const { options, processes, say } = context;
  const upstream = context.legacy.streams ?? '';
  const skipped = missingPeers(context);
  const peers = PEERS.filter((peer) => options.peers.includes(peer) && !(peer in skipped));
  say(`6. event streams: gateway, ${peers.join(', ')}`);
  const sides = { legacy: upstream, new: context.new.streams ?? '', mirrorPercent: 0 };
  const gateway = await startGateway('gateway events', { ...context, ...sides });
  const targets: Target[] = [{ name: 'gateway', address: gateway.address, running: gateway.running, warmsUp: true }];
  for (const peer of peers) targets.push(await startPeer(peer, context, upstream));
  const kbPerStream = new Map<string, number>();
  for (const target of targets) kbPerStream.set(target.name, await memoryOf(context, target));
  const measured = await measureStreams(context, targets, { kind: 'events', streams: STREAMS });
  await processes.stopAllBut('upstream');
  return reportOf(measured, kbPerStream, Object.values(skipped));
}

/** Kilobytes of resident memory that one stream adds, at first: before the process has grown for any other reason. */
async function memoryOf({ ending }: BenchContext, { address, running }: Target): Promise<number> {
  if (!running) return Number.NaN;
  const beforeMb = residentMb(running.pid);
  const held = await holdStreams({ kind: 'events', streams: STREAMS, target: address, seconds: 0 }, ending);
  await delay(SETTLE_MS);
  const openMb = residentMb(running.pid);
  await held.close();
  return ((openMb - beforeMb) * 1_024) / STREAMS;
}

function reportOf(
  measured: readonly Measured[],
  kbPerStream: ReadonlyMap<string, number>,
  skipped: readonly string[],
): ScenarioResult {
  const named = (name: string) => measured.find(({ target }) => target.name === name);
  const due = STREAMS * EVENTS_PER_SECOND;
  const rows = measured.map((each) => [
    each.target.name,
    ratioText(ratio(named('nginx'), each, 'cpuUs')),
    ratioText(ratio(named('http-proxy'), each, 'cpuUs')),
    Math.round(medianOf(each, 'requestsPerSecond') ?? 0).toLocaleString('en'),
    (medianOf(each, 'cpuUs') ?? Number.NaN).toFixed(1),
    (kbPerStream.get(each.target.name) ?? Number.NaN).toFixed(1),
    String(errorsOf(each)),
  ]);
  const gateway = named('gateway');
  const slow = measured.filter((each) => (medianOf(each, 'requestsPerSecond') ?? 0) < KEPT_UP * due);
  return {
    title: `6. Event streams: ${STREAMS} held open, ${due.toLocaleString('en')} events/s sent to them`,
    tables: [
      { title: '', columns: ['x nginx', 'x http-proxy', 'events/s', 'CPU us/event', 'KB/stream', 'errors'], rows },
    ],
    budgets: [],
    notes: [
      ...skipped,
      'ratios are of events for the same CPU time of the proxy; KB/stream is what resident memory grew by when they were opened',
      ...slow.map(
        ({ target }) => `${target.name} did not get all events through, or the machine was too busy to send them`,
      ),
    ],
    data: { measured, kbPerStream: Object.fromEntries(kbPerStream) },
    broken: gateway && errorsOf(gateway) > 0 ? ['event streams through the gateway broke'] : [],
  };
}

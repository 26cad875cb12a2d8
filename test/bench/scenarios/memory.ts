// 4. Memory, and large bodies: what the gateway holds idle, loaded, while much passes through, and when readers stall.
import { setTimeout as delay } from 'node:timers/promises';
import type { BenchContext, ScenarioResult } from '../bench-context.ts';
import { download, stalledReaders, upload } from '../big-body.ts';
import { startGateway } from '../gateway-process.ts';
import { startNginx } from '../peers/native.ts';
import type { Running } from '../processes.ts';
import { atLeast, atMost, ratioText } from '../report.ts';
import { median, ratioOf } from '../statistics.ts';
import { BIG_BODY_BYTES } from '../upstream/answers.ts';
import { residentMb, watchMemory } from '../usage.ts';

const MB = 1024 * 1024;
const STALLED_READERS = 50;
/** By then every buffer on the way is full: what the kernel takes of each answer has passed through the proxy. */
const FILL_MS = 500;
/** Long enough that a proxy that reads on would have taken everything. */
const STALL_MS = 2_000;
/** Start-up garbage is gone by then; a process that has just started is not idle. */
const SETTLE_MS = 1_000;

interface Proxy {
  readonly name: string;
  readonly address: string;
  readonly running: Running;
}

interface BigBodies {
  readonly name: string;
  readonly downMbPerSecond: readonly number[];
  readonly upMbPerSecond: readonly number[];
  /** The most resident memory during the transfers, beyond what it was before. */
  readonly growthMb: number;
  readonly stalled: StalledGrowth;
}

/** How much resident memory grew while buffers filled, and then while nothing moved any more. */
interface StalledGrowth {
  readonly fillingMb: number;
  readonly stalledMb: number;
}

export async function benchMemory(context: BenchContext): Promise<ScenarioResult> {
  const { options, processes, generate, machine, say } = context;
  say('4. memory and large bodies');
  const upstream = context.legacy.ok ?? '';
  const started = await startGateway('gateway memory', {
    ...context,
    legacy: upstream,
    new: context.new.ok ?? '',
    mirrorPercent: 0,
  });
  const gateway: Proxy = { name: 'gateway', ...started };
  await delay(SETTLE_MS);
  const { pid } = gateway.running;
  const idleMb = residentMb(pid);
  const watch = watchMemory(pid);
  const load = { workload: 'order', connections: options.connections, seconds: options.seconds } as const;
  await generate({ ...load, target: gateway.address });
  const loadedMb = watch.stop();
  const proxies = [gateway];
  if (machine.tools.nginx) {
    const native = await startNginx('nginx-memory', { ...context, upstream });
    proxies.push({ name: 'nginx', ...native });
  }
  const bodies = await measureBodies(proxies, options.rounds);
  await processes.stopAllBut('upstream');
  return reportOf(bodies, idleMb, loadedMb);
}

async function measureBodies(proxies: readonly Proxy[], rounds: number): Promise<readonly BigBodies[]> {
  const found = proxies.map((proxy) => ({ proxy, down: [] as number[], up: [] as number[], growth: 0 }));
  for (let round = 0; round < rounds; round++) {
    for (const each of found) {
      const { address, running } = each.proxy;
      const beforeMb = residentMb(running.pid);
      const watch = watchMemory(running.pid);
      each.down.push(BIG_BODY_BYTES / MB / (await download(address)));
      each.up.push(BIG_BODY_BYTES / MB / (await upload(address)));
      each.growth = Math.max(each.growth, watch.stop() - beforeMb);
    }
  }
  const results: BigBodies[] = [];
  for (const { proxy, down, up, growth } of found) {
    const stalled = await stall(proxy);
    results.push({ name: proxy.name, downMbPerSecond: down, upMbPerSecond: up, growthMb: growth, stalled });
  }
  return results;
}

async function stall({ address, running }: Proxy): Promise<StalledGrowth> {
  const beforeMb = residentMb(running.pid);
  const release = await stalledReaders(address, STALLED_READERS);
  await delay(FILL_MS);
  const filledMb = residentMb(running.pid);
  const watch = watchMemory(running.pid);
  await delay(STALL_MS);
  release();
  return { fillingMb: filledMb - beforeMb, stalledMb: watch.stop() - filledMb };
}

function reportOf(bodies: readonly BigBodies[], idleMb: number, loadedMb: number): ScenarioResult {
  const [gateway, nginx] = bodies;
  const against = (figure: 'downMbPerSecond' | 'upMbPerSecond') =>
    gateway && nginx && ratioOf(gateway[figure], nginx[figure]);
  const rows = bodies.map((each) => [
    each.name,
    ratioText(nginx && ratioOf(each.downMbPerSecond, nginx.downMbPerSecond)),
    ratioText(nginx && ratioOf(each.upMbPerSecond, nginx.upMbPerSecond)),
    median(each.downMbPerSecond).toFixed(0),
    median(each.upMbPerSecond).toFixed(0),
    each.growthMb.toFixed(1),
    each.stalled.fillingMb.toFixed(1),
    each.stalled.stalledMb.toFixed(1),
  ]);
  const columns = ['down x nginx', 'up x nginx', 'down MB/s', 'up MB/s', 'RSS growth MB', 'stalls: filling', 'then MB'];
  return {
    title: '4. Memory, and a body of 100 MB each way',
    tables: [{ title: '', columns, rows }],
    budgets: [
      atMost('gateway RSS idle', 80, idleMb, ' MB'),
      atMost('gateway RSS loaded (the most seen)', 160, loadedMb, ' MB'),
      atLeast('100 MB to the client, x nginx', 0.8, against('downMbPerSecond')),
      atLeast('100 MB from the client, x nginx', 0.8, against('upMbPerSecond')),
      atMost('RSS growth while 100 MB pass', 16, gateway?.growthMb, ' MB'),
      atMost(`RSS growth while ${STALLED_READERS} readers stand still`, 4, gateway?.stalled.stalledMb, ' MB'),
    ],
    notes: [
      `${STALLED_READERS} readers stop reading: growth while buffers fill (garbage that has passed included), and then while nothing moves`,
      ...(nginx ? [] : ['nginx is skipped: not installed (apt install nginx)']),
    ],
    data: { idleMb, loadedMb, bodies },
    broken: [],
  };
}

// 3. The hostile shadow: the new side misbehaves while everything is mirrored to it, and clients must not notice. Requests
// arrive at a fixed rate, so that a stall of the gateway is felt by all who come during it; every byte is checked.

import { freePort } from '../../helpers/free-port.ts';
import type { BenchContext, Budget, ScenarioResult } from '../bench-context.ts';
import { type GatewayProcess, type MirrorState, startGateway } from '../gateway-process.ts';
import type { LoadSpec } from '../load/load.ts';
import { LOAD_COLUMNS, loadCells, ratioText } from '../report.ts';
import { errorsOf, type Measured, measureRounds, medianOf, ratio, type Target } from '../rounds.ts';
import { residentMb } from '../usage.ts';

/** Half of what the gateway can do: a service that is in use but not at its end. */
const LOAD_SHARE = 0.5;
/** Differences below this are noise, even when two identical gateways happened to agree more closely. */
const NOISE_LEAST = 0.1;
/** Above this the machine is too unsteady for a verdict. */
const NOISE_MOST = 0.5;
const CONTROL = 'mirror off, again';
const OFF = 'mirror off';

interface Shadow {
  readonly name: string;
  readonly address: string;
  readonly mirrorPercent: number;
}

interface Hosted {
  readonly gateway: GatewayProcess;
  readonly rssBeforeMb: number;
  state: MirrorState | undefined;
}

export async function benchHostile(context: BenchContext): Promise<ScenarioResult> {
  const { options, processes, generateAtRate, say } = context;
  const hosted = new Map<string, Hosted>();
  const targets: Target[] = [];
  for (const { name, address, mirrorPercent } of await shadowsOf(context)) {
    const sides = { legacy: context.legacy.ok ?? '', new: address };
    const gateway = await startGateway(`gateway ${name}`, { ...context, ...sides, mirrorPercent });
    hosted.set(name, { gateway, rssBeforeMb: residentMb(gateway.running.pid), state: undefined });
    targets.push({ name, address: gateway.address, running: gateway.running, warmsUp: true });
  }
  const load = { workload: 'order', seconds: options.seconds, connections: options.connections } as const;
  const capacity = await capacityOf(context, load);
  const ratePerSecond = Math.floor(capacity * LOAD_SHARE);
  say(`3. hostile shadow: ${ratePerSecond} requests/s arrive, half of the gateway's capacity`);
  const measured = await measureRounds(targets, {
    generate: generateAtRate,
    load: { ...load, ratePerSecond },
    rounds: options.rounds,
    async afterEach({ name }) {
      const host = hosted.get(name);
      if (host) host.state = await host.gateway.mirrorState('order');
    },
  });
  await processes.stopAllBut('upstream');
  return reportOf(measured, hosted, ratePerSecond);
}

/** Of a gateway that takes no part otherwise: one that has been running longer would have an advantage. */
async function capacityOf(context: BenchContext, load: Omit<LoadSpec, 'target'>): Promise<number> {
  const sides = { legacy: context.legacy.ok ?? '', new: context.new.ok ?? '' };
  const gateway = await startGateway('gateway for its capacity', { ...context, ...sides, mirrorPercent: 0 });
  const target = { name: 'capacity', address: gateway.address, running: gateway.running, warmsUp: true };
  const [measured] = await measureRounds([target], { generate: context.generateAtRate, load, rounds: 1 });
  await gateway.running.stop();
  return (measured && medianOf(measured, 'requestsPerSecond')) ?? 0;
}

async function shadowsOf({ new: fresh, options }: BenchContext): Promise<readonly Shadow[]> {
  const ok = fresh.ok ?? '';
  const off = { address: ok, mirrorPercent: 0 };
  const on = (name: string, address: string | undefined) => ({ name, address: address ?? '', mirrorPercent: 100 });
  const shadows = [
    { name: OFF, ...off },
    { name: CONTROL, ...off },
    on('new side hangs', fresh.hang),
    on('new side refuses', `127.0.0.1:${await freePort()}`),
    on('new side resets', fresh.reset),
    on('new side answers garbage', fresh.garbage),
    on('new side answers', ok),
  ];
  return options.quick ? shadows.slice(0, 3) : shadows;
}

function reportOf(measured: readonly Measured[], hosted: ReadonlyMap<string, Hosted>, rate: number): ScenarioResult {
  const named = (name: string) => measured.find(({ target }) => target.name === name);
  const off = named(OFF);
  const noise = noiseOf(ratio(named(CONTROL), off, 'p99Ms'));
  const rows = measured.map((each) => {
    const host = hosted.get(each.target.name);
    const [, ...cells] = loadCells(each);
    return [
      each.target.name,
      ratioText(ratio(each, off, 'p99Ms')),
      Math.round(medianOf(each, 'requestsPerSecond') ?? 0).toLocaleString('en'),
      ...cells,
      host ? host.rssBeforeMb.toFixed(0) : '-',
      String(host?.state?.waiting ?? '-'),
      outcomes(host?.state),
    ];
  });
  const hostile = measured.filter(({ target }) => target.name !== OFF && target.name !== CONTROL);
  return {
    title: `3. The hostile shadow: everything mirrored, ${rate.toLocaleString('en')} requests/s arriving whatever happens`,
    tables: [{ title: '', columns: ['p99 x off', ...LOAD_COLUMNS, 'RSS before', 'waiting', 'outcomes'], rows }],
    budgets: hostile.map((each) => withinNoise(each, off, noise)),
    notes: [
      `two identical gateways with mirroring off differ by up to ${(noise * 100).toFixed(0)} % in p99: that is the noise${noise > NOISE_MOST ? ', and too much of it for a verdict' : ''}`,
      'waiting: copies in the queue right after the load; latency counts from when a request was due, not from when it was sent',
    ],
    data: { rate, measured, states: Object.fromEntries([...hosted].map(([name, { state }]) => [name, state])) },
    broken: measured.filter((each) => errorsOf(each) > 0).map(({ target }) => `${target.name}: clients saw errors`),
  };
}

/** How far two identical gateways lie apart in the worst of the rounds. */
function noiseOf(control: ReturnType<typeof ratio>): number {
  return Math.max(NOISE_LEAST, control ? Math.max(control.max - 1, 1 - control.min) : 0);
}

function withinNoise(each: Measured, off: Measured | undefined, noise: number): Budget {
  const p99 = ratio(each, off, 'p99Ms');
  return {
    what: `clients' p99, ${each.target.name}, x mirror off`,
    goal: `<= ${(1 + noise).toFixed(2)}`,
    measured: ratioText(p99),
    met: noise > NOISE_MOST ? undefined : p99 && p99.median <= 1 + noise,
  };
}

function outcomes(state: MirrorState | undefined): string {
  const counted = Object.entries(state?.outcomes ?? {}).filter(([, count]) => count > 0);
  return counted.map(([name, count]) => `${name} ${count}`).join(', ') || '-';
}

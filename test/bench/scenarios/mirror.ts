// 2. Mirroring and comparing: the gateway's throughput at several shares, against itself without; nginx's mirror beside,
// which throws the second answer away.
import type { BenchContext, ScenarioResult, Table } from '../bench-context.ts';
import { type GatewayProcess, type MirrorState, startGateway } from '../gateway-process.ts';
import { startNginx } from '../peers/native.ts';
import { atLeast, LOAD_COLUMNS, loadCells, ratioText } from '../report.ts';
import { errorsOf, type Measured, measureRounds, ratio, type Target } from '../rounds.ts';
import { WORKLOAD_LABELS, type Workload } from '../workload.ts';

const SHARES = [0, 1, 10, 100] as const;
const QUICK_SHARES: Readonly<Record<Workload, readonly number[]>> = { order: [0, 10, 100], list: [0, 10] };

interface MirrorRun {
  readonly workload: Workload;
  readonly measured: readonly Measured[];
  readonly states: Readonly<Record<string, MirrorState>>;
}

export async function benchMirror(context: BenchContext): Promise<ScenarioResult> {
  const { machine, options, say } = context;
  const runs: MirrorRun[] = [];
  for (const workload of ['order', 'list'] as const) {
    say(`2. mirroring: ${WORKLOAD_LABELS[workload]} answers`);
    runs.push(await run(context, workload));
  }
  const hundred = (workload: Workload, name: string, base: string) => {
    const found = runs.find((each) => each.workload === workload)?.measured;
    const named = (wanted: string) => found?.find(({ target }) => target.name === wanted);
    return ratio(named(name), named(base), 'requestsPerSecond');
  };
  return {
    title: '2. Mirroring and comparing: both sides answer the same data in different spellings',
    tables: runs.map(tableOf),
    budgets: [
      atLeast('mirror 10 %, 300 B, x unmirrored', 0.85, hundred('order', 'mirror 10 %', 'mirror 0 %')),
      atLeast('mirror 100 %, 300 B, x nginx mirroring 100 %', 1.2, hundred('order', 'mirror 100 %', 'nginx mirror')),
      atLeast('mirror 10 %, 50 KB, x unmirrored', 0.85, hundred('list', 'mirror 10 %', 'mirror 0 %')),
    ],
    notes: [
      'coverage: compared / chosen to be compared; the rest was dropped on purpose, or waits. parity: agreeing / compared',
      "comparing is on the proxy's own core, all of it",
      ...(machine.tools.nginx ? [] : ['nginx mirror is skipped: not installed (apt install nginx)']),
    ],
    data: { runs, options },
    broken: runs.flatMap(brokenIn),
  };
}

async function run(context: BenchContext, workload: Workload): Promise<MirrorRun> {
  const { options, processes, generate, machine } = context;
  const sides = { legacy: context.legacy.ok ?? '', new: context.new.ok ?? '' };
  const gateways = new Map<string, GatewayProcess>();
  const targets: Target[] = [];
  for (const mirrorPercent of options.quick ? QUICK_SHARES[workload] : SHARES) {
    const name = `mirror ${mirrorPercent} %`;
    const gateway = await startGateway(`gateway ${workload} ${name}`, { ...context, ...sides, mirrorPercent });
    gateways.set(name, gateway);
    targets.push({ name, address: gateway.address, running: gateway.running, warmsUp: true });
  }
  if (machine.tools.nginx) {
    const native = { ...context, upstream: sides.legacy, mirror: sides.new };
    const { running, address } = await startNginx(`nginx-mirror-${workload}`, native);
    targets.push({ name: 'nginx mirror', address, running, warmsUp: false });
  }
  const states: Record<string, MirrorState> = {};
  const measured = await measureRounds(targets, {
    generate,
    load: { workload, seconds: options.seconds, connections: options.connections },
    rounds: options.rounds,
    async afterEach({ name }) {
      const gateway = gateways.get(name);
      if (gateway) states[name] = await gateway.mirrorState(workload);
    },
  });
  await processes.stopAllBut('upstream');
  return { workload, measured, states };
}

function tableOf({ workload, measured, states }: MirrorRun): Table {
  const unmirrored = measured.find(({ target }) => target.name === 'mirror 0 %');
  const nginx = measured.find(({ target }) => target.name === 'nginx mirror');
  const rows = measured.map((each) => {
    const state = states[each.target.name];
    return [
      each.target.name,
      ratioText(ratio(each, unmirrored, 'requestsPerSecond')),
      ratioText(ratio(each, nginx, 'requestsPerSecond')),
      ...loadCells(each),
      ...(state
        ? [share(Math.min(1, state.eligible / state.requests)), share(state.coverage), share(state.parity)]
        : ['', '', '']),
    ];
  });
  const columns = ['x unmirrored', 'x nginx mirror', ...LOAD_COLUMNS, 'chosen', 'coverage', 'parity'];
  return { title: WORKLOAD_LABELS[workload], columns, rows };
}

function share(value: number | null): string {
  return value === null || !Number.isFinite(value) ? '-' : `${(value * 100).toFixed(1)} %`;
}

/** Speed never fails a run; a wrong answer, or a comparison that sees differences where there are none, does. */
function brokenIn({ workload, measured, states }: MirrorRun): string[] {
  const label = WORKLOAD_LABELS[workload];
  const wrong = measured.filter((each) => each.target.name in states && errorsOf(each) > 0);
  const unlike = Object.entries(states).filter(([, { parity }]) => parity !== null && parity < 1);
  return [
    ...wrong.map(({ target }) => `${label}, ${target.name}: clients saw errors`),
    ...unlike.map(([name, { parity }]) => `${label}, ${name}: parity is ${parity} where both sides agree`),
  ];
}

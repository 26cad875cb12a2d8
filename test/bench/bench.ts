// npm run bench: the gateway side by side with its peers, on this machine, in one run. Prints ratios, and beside them the
// budgets with met or not met. Slow is not an error: it exits 1 only when something broke.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { BenchContext, ScenarioResult } from './bench-context.ts';
import { createOwnGenerator } from './load/own.ts';
import { createWrk } from './load/wrk.ts';
import { leaveProxyCore, lookAtMachine } from './machine.ts';
import { type BenchOptions, readOptions, type ScenarioName, USAGE } from './options.ts';
import { createProcesses, type Processes } from './processes.ts';
import { machineLines, scenarioLines } from './report.ts';
import { benchBackend } from './scenarios/backend.ts';
import { benchCompare } from './scenarios/compare.ts';
import { benchDecisions } from './scenarios/decisions.ts';
import { benchEvents } from './scenarios/events.ts';
import { benchFanout } from './scenarios/fanout.ts';
import { benchForward } from './scenarios/forward.ts';
import { benchHostile } from './scenarios/hostile.ts';
import { benchMarketData } from './scenarios/market-data.ts';
import { benchMemory } from './scenarios/memory.ts';
import { benchMigration } from './scenarios/migration.ts';
import { benchMirror } from './scenarios/mirror.ts';
import { benchSniper } from './scenarios/sniper.ts';
import { benchSolana } from './scenarios/solana.ts';
import { benchWebSocket } from './scenarios/websocket.ts';

const SCENARIOS: Readonly<Record<ScenarioName, (context: BenchContext) => Promise<ScenarioResult>>> = {
  forward: benchForward,
  mirror: benchMirror,
  hostile: benchHostile,
  memory: benchMemory,
  websocket: benchWebSocket,
  events: benchEvents,
  compare: benchCompare,
  backend: benchBackend,
  'market-data': benchMarketData,
  decisions: benchDecisions,
  fanout: benchFanout,
  migration: benchMigration,
  sniper: benchSniper,
  solana: benchSolana,
};
const UPSTREAM_MAIN = join(import.meta.dirname, 'upstream', 'main.ts');

async function main(argv: readonly string[]): Promise<number> {
  let options: BenchOptions | 'help';
  try {
    options = readOptions(argv);
  } catch (error) {
    console.error(`${(error as Error).message}\n\n${USAGE}`);
    return 2;
  }
  if (options === 'help') {
    console.log(USAGE);
    return 0;
  }
  const machine = lookAtMachine();
  if (machine.pinning) leaveProxyCore(machine.pinning);
  const folder = mkdtempSync(join(tmpdir(), 'banyan-bench-'));
  const ending = new AbortController();
  const processes = createProcesses(folder, machine.pinning);
  endOnSignals(ending, processes, folder);
  try {
    console.log(machineLines(machine, options.connections).join('\n'));
    const [legacy, fresh] = await Promise.all(['legacy', 'new'].map((side) => startUpstream(processes, side)));
    const generateAtRate = createOwnGenerator(ending.signal);
    const generate = machine.tools.wrk ? createWrk(join(folder, 'wrk'), ending.signal) : generateAtRate;
    const say = (line: string) => console.error(`... ${line}`);
    const tools = { options, machine, processes, folder, generate, generateAtRate, say, ending: ending.signal };
    return await runScenarios({ ...tools, legacy: legacy ?? {}, new: fresh ?? {} });
  } catch (error) {
    // Everything fails that is under way when we are told to end; the handler of the signal has the last word.
    if (ending.signal.aborted) return new Promise<never>(() => {});
    throw error;
  } finally {
    await processes.stopAll();
    rmSync(folder, { recursive: true, force: true });
  }
}

async function runScenarios(context: BenchContext): Promise<number> {
  const { options, machine } = context;
  const results: ScenarioResult[] = [];
  for (const name of options.scenarios) {
    const result = await SCENARIOS[name](context);
    results.push(result);
    console.log(scenarioLines(result).join('\n'));
  }
  const broken = results.flatMap((result) => result.broken);
  if (options.jsonFile !== undefined) {
    const document = { at: new Date().toISOString(), machine, options, scenarios: results };
    writeFileSync(options.jsonFile, `${JSON.stringify(document, null, 2)}\n`);
    console.log(`\nwritten to ${options.jsonFile}`);
  }
  for (const line of broken) console.error(`BROKEN: ${line}`);
  return broken.length > 0 ? 1 : 0;
}

async function startUpstream(processes: Processes, side: string): Promise<Readonly<Record<string, string>>> {
  const { listening } = await processes.startNode({ name: `upstream ${side}`, args: [UPSTREAM_MAIN, side] });
  return listening;
}

const SIGNALS = { SIGINT: 130, SIGTERM: 143, SIGHUP: 129 } as const;

/** Ctrl-C and SIGTERM end everything that was started, in order; whatever else ends us, processes.ts has a guard for. */
function endOnSignals(ending: AbortController, processes: Processes, folder: string): void {
  process.on('exit', () => ending.abort());
  for (const [signal, code] of Object.entries(SIGNALS)) {
    process.on(signal, () => {
      if (ending.signal.aborted) return; // npm and the terminal both send it: the second one must not cut the first short.
      ending.abort();
      void processes.stopAll().finally(() => {
        rmSync(folder, { recursive: true, force: true });
        process.exit(code);
      });
    });
  }
}

process.exitCode = await main(process.argv.slice(2));

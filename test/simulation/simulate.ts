// `npm run simulate -- [RUNS] [SEED]`: how often plans and guards are wrong, by what is wrong with the new side.
import { BAD, countOf, GOOD, SUDDEN, simulate, type Tally } from './scenarios.ts';

const [runs = 100, seed = 1] = process.argv.slice(2).map(Number);

const HEADER = ['NEW SIDE', 'RUNS', 'PROMOTED', 'ROLLED BACK', 'HELD', 'REACHED 50 %', 'MEDIAN', 'P95'];

function minutes(ms: number | undefined): string {
  return ms === undefined ? '-' : ms < 120_000 ? `${Math.round(ms / 1000)} s` : `${Math.round(ms / 60_000)} min`;
}

function rowOf(tally: Tally): string[] {
  const times = tally.runs.flatMap(({ toRollbackMs }) => toRollbackMs ?? []).sort((a, b) => a - b);
  const at = (share: number) => times[Math.floor(share * (times.length - 1))];
  const end = (name: string) => String(countOf(tally, (run) => run.end === name));
  const reached = String(countOf(tally, ({ reachedPercent }) => reachedPercent >= 50));
  const ends = [end('promoted'), end('rolled_back'), end('held'), reached];
  return [tally.scenario.name, String(tally.runs.length), ...ends, minutes(at(0.5)), minutes(at(0.95))];
}

const rows = [HEADER];
for (const [index, scenario] of [...GOOD, ...BAD, ...SUDDEN].entries()) {
  console.error(`simulating: ${scenario.name}`);
  rows.push(rowOf(simulate(scenario, runs, seed + index)));
}
const widths = HEADER.map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
for (const row of rows) {
  console.log(
    row
      .map((cell, column) => (column === 0 ? cell.padEnd(widths[0] ?? 0) : cell.padStart(widths[column] ?? 0)))
      .join('  '),
  );
}
console.log(
  '\nMEDIAN and P95: from the first user of the new side that could meet the fault, until the route is back.',
);

// `npm run simulate -- [RUNS] [SEED] [good | bad | sudden | PART OF A NAME]`: how often plans and guards are wrong, by what is wrong with the new
// side. The same arguments give the same table.
import { BAD, countOf, GOOD, isWrong, type Scenario, SUDDEN, simulate, type Tally } from './scenarios.ts';
import { upperBound } from './upper-bound.ts';

const [runsText = '100', seedText = '1', part = ''] = process.argv.slice(2);
const [runs, seed] = [Number(runsText), Number(seedText)];

const HEADER = ['NEW SIDE', 'RUNS', 'PROMOTED', 'ROLLED BACK', 'HELD', 'AT 50 %', 'MEDIAN', 'P95', 'WRONG', 'AT MOST'];

function minutes(ms: number | undefined): string {
  return ms === undefined ? '-' : ms < 120_000 ? `${Math.round(ms / 1000)} s` : `${Math.round(ms / 60_000)} min`;
}

function rowOf(tally: Tally): string[] {
  const times = tally.runs.flatMap(({ toRollbackMs }) => toRollbackMs ?? []).sort((a, b) => a - b);
  const at = (share: number) => times[Math.floor(share * (times.length - 1))];
  const end = (name: string) => String(countOf(tally, (run) => run.end === name));
  const reached = String(countOf(tally, ({ reachedPercent }) => reachedPercent >= 50));
  const wrong = countOf(tally, (run) => isWrong(tally.scenario, run));
  const ends = [end('promoted'), end('rolled_back'), end('held'), reached];
  return [
    ...[tally.scenario.name, String(tally.runs.length), ...ends, minutes(at(0.5)), minutes(at(0.95))],
    ...[String(wrong), `${(upperBound(wrong, tally.runs.length) * 100).toFixed(2)} %`],
  ];
}

const rows = [HEADER];
const good: Tally[] = [];
const sudden: Tally[] = [];
const all: readonly Scenario[] = [...GOOD, ...BAD, ...SUDDEN];
for (const [index, scenario] of all.entries()) {
  if (scenario.kind !== part && !scenario.name.includes(part)) continue;
  console.error(`simulating: ${scenario.name}`);
  const tally = simulate(scenario, runs, seed + index);
  if (scenario.kind === 'good') good.push(tally);
  if (scenario.kind === 'sudden') sudden.push(tally);
  rows.push(rowOf(tally));
}
const widths = HEADER.map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
for (const row of rows) {
  const cells = row.map((cell, column) =>
    column === 0 ? cell.padEnd(widths[0] ?? 0) : cell.padStart(widths[column] ?? 0),
  );
  console.log(cells.join('  '));
}
console.log(`
MEDIAN and P95: from the first user of the new side that could meet the fault, until the route is back.
WRONG: a good side was rolled back; a bad one was promoted or served half of the users; one that became bad suddenly was
not back within ten minutes. AT MOST: what that share can be in truth, with 95 % confidence (Clopper and Pearson).`);
const isEarly = (run: Tally['runs'][number]) => run.end === 'rolled_back' && run.toRollbackMs === undefined;
const early = sudden.reduce((sum, tally) => sum + countOf(tally, isEarly), 0);
const suddenRuns = sudden.reduce((sum, tally) => sum + tally.runs.length, 0);
if (suddenRuns > 0)
  console.log(`Rolled back while they were good yet: ${early} of ${suddenRuns} runs that become bad suddenly.`);
const goodRuns = good.reduce((sum, tally) => sum + tally.runs.length, 0);
const taken = good.reduce((sum, tally) => sum + countOf(tally, (run) => isWrong(tally.scenario, run)), 0);
if (goodRuns > 0) {
  const atMost = (upperBound(taken, goodRuns) * 100).toFixed(2);
  console.log(`Good sides rolled back: ${taken} of ${goodRuns} runs, at most ${atMost} % with 95 % confidence.`);
}

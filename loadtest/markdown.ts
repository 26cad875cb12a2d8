// A comparison as Markdown, and its tables as rows for the page too. Pure.
import type { Arm, Report, Verdict } from './report.ts';
import type { Estimate } from './statistics.ts';

export const METHOD =
  'Percentiles: nearest rank of all answers, with 95 % intervals by order statistics. Ratios and differences: one figure a round, its ' +
  "two values taken moments apart; mean and 95 % interval by Student's t over the rounds. Met: the whole interval is within the limit. " +
  'Missed: all of it is beyond. Unclear: neither; more rounds may tell.';

const DIGITS = { x: 2, ms: 2, share: 5 } as const;

/** `3.21 (3.02 to 3.40)`; a bound that is not known is `?`. */
export function estimateText(estimate: Estimate | null, unit: Verdict['unit']): string {
  if (estimate === null) return 'nothing measured';
  const digits = DIGITS[unit];
  const text = (bound: number | null) => bound?.toFixed(digits) ?? '?';
  const { value, low, high } = estimate;
  return low === high && low !== null ? text(value) : `${text(value)} (${text(low)} to ${text(high)})`;
}

const UNITS = { x: ' x', ms: ' ms', share: '' } as const;

export const ARM_HEAD = ['route', 'asked', 'answered by', 'requests', 'failed', 'p50 ms', 'p95 ms', 'p99 ms'] as const;
export function armRow({ route, target, side, count, failed, p50, p95, p99 }: Arm): readonly string[] {
  const times = [p50, p95, p99].map((each) => (each === null ? '-' : estimateText(each, 'ms')));
  return [route, target, side, String(count), String(failed), ...times];
}

export const VERDICT_HEAD = ['limit', 'at most', 'measured', 'outcome'] as const;
export function verdictRow({ what, unit, limit, measured, outcome }: Verdict): readonly string[] {
  return [
    what,
    `${limit}${UNITS[unit]}`,
    `${estimateText(measured, unit)}${measured === null ? '' : UNITS[unit]}`,
    outcome,
  ];
}

/** What it was measured on, in one sentence. */
export function circumstances({ at, machine, load }: Report): string {
  const { rate, seconds, rounds, writes } = load;
  return (
    `${at}: ${rounds} rounds of ${seconds} s at ${rate} journeys/s${writes ? '' : ', reads only'}; ` +
    `${machine.cores} cores, ${machine.cpu}; k6 ${machine.k6}`
  );
}

export function markdownOf(report: Report): string {
  return [
    `# Load comparison: ${report.met ? 'every limit is met' : 'not every limit is met'}`,
    '',
    `${circumstances(report)}.`,
    '',
    ...table(VERDICT_HEAD, report.verdicts.map(verdictRow)),
    '',
    ...table(ARM_HEAD, report.arms.map(armRow)),
    '',
    METHOD,
    '',
  ].join('\n');
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): readonly string[] {
  const line = (cells: readonly string[]) => `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`;
  return [line(head), `|${'---|'.repeat(head.length)}`, ...rows.map(line)];
}

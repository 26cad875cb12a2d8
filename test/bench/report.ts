// The result as text.
import type { Budget, ScenarioResult, Table } from './bench-context.ts';
import type { Machine } from './machine.ts';
import { errorsOf, type Measured, medianOf } from './rounds.ts';
import type { Ratio } from './statistics.ts';

export function machineLines(machine: Machine, connections: number): string[] {
  const { cores, cpu, memoryGb, node, nodeFlags, tools, pinning, loadBefore } = machine;
  const found = (name: keyof typeof tools) => (tools[name] ? `${name} ${tools[name]}` : undefined);
  return [
    `machine    ${cores} cores, ${cpu}, ${memoryGb} GB; Node ${node} ${nodeFlags.join(' ')}`.trimEnd(),
    `tools      ${[found('wrk'), found('nginx'), found('haproxy')].filter(Boolean).join(', ') || 'none'}`,
    pinning
      ? `cores      the proxy under test on core ${pinning.proxy}; load and upstreams on core ${pinning.rest}`
      : 'cores      nothing is pinned (one core, or no taskset): proxy, load and upstream compete, so ratios are blurred',
    `load       ${connections} keep-alive connections; ${tools.wrk ? 'wrk' : 'our own generator (apt install wrk: it is faster, and nginx looks slower than it is without it)'}`,
    ...(loadBefore > 1
      ? [
          `WARNING    the machine was busy before this began (load ${loadBefore.toFixed(1)}): do not trust these numbers`,
        ]
      : []),
  ];
}

export function scenarioLines({ title, tables, budgets, notes }: ScenarioResult): string[] {
  return [
    '',
    title,
    ...tables.flatMap(tableLines),
    ...(budgets.length > 0 ? ['', ...tableText(['  budget', 'goal', 'measured', ''], budgets.map(budgetRow))] : []),
    ...(notes.length > 0 ? ['', ...notes.map((note) => `  * ${note}`)] : []),
  ];
}

function tableLines({ title, columns, rows }: Table): string[] {
  return [
    '',
    ...tableText(
      [`  ${title}`, ...columns],
      rows.map(([name, ...cells]) => [`  ${name}`, ...cells]),
    ),
  ];
}

function budgetRow({ what, goal, measured, met }: Budget): string[] {
  return [`  ${what}`, goal, measured, met === undefined ? 'not measured' : met ? 'met' : 'NOT MET'];
}

/** Columns as wide as their widest cell; the first to the left, figures to the right. */
export function tableText(head: readonly string[], rows: readonly (readonly string[])[]): string[] {
  const widths = head.map((title, column) => Math.max(title.length, ...rows.map((row) => row[column]?.length ?? 0)));
  return [head, ...rows].map((row) =>
    widths
      .map((width, column) => (column === 0 ? (row[0] ?? '').padEnd(width) : (row[column] ?? '').padStart(width)))
      .join('  ')
      .trimEnd(),
  );
}

/** `0.41 (0.39-0.43)`: the median and the range over the rounds. */
export function ratioText(ratio: Ratio | undefined): string {
  if (!ratio) return '-';
  const range = `${ratio.min.toFixed(2)}-${ratio.max.toFixed(2)}`;
  return ratio.min === ratio.max ? ratio.median.toFixed(2) : `${ratio.median.toFixed(2)} (${range})`;
}

export const LOAD_COLUMNS = loadColumns('req');

export function loadColumns(unit: string): readonly string[] {
  return [`${unit}/s`, 'p50 ms', 'p99 ms', 'p99.9 ms', `CPU us/${unit}`, 'RSS MB', 'errors'];
}

export function loadCells(measured: Measured): string[] {
  const figure = (name: Parameters<typeof medianOf>[1], digits: number) => {
    const value = medianOf(measured, name);
    return value === undefined ? '-' : value.toFixed(digits);
  };
  return [
    Math.round(medianOf(measured, 'requestsPerSecond') ?? 0).toLocaleString('en'),
    figure('p50Ms', 2),
    figure('p99Ms', 2),
    figure('p999Ms', 2),
    figure('cpuUs', 1),
    figure('rssMb', 0),
    String(errorsOf(measured)),
  ];
}

export function atLeast(what: string, goal: number, ratio: Ratio | undefined): Budget {
  return { what, goal: `>= ${goal}`, measured: ratioText(ratio), met: ratio && ratio.median >= goal };
}

export function atMost(what: string, goal: number, value: number | undefined, unit = ''): Budget {
  const measured = value === undefined ? '-' : `${value.toFixed(unit ? 0 : 2)}${unit}`;
  return { what, goal: `<= ${goal}${unit}`, measured, met: value === undefined ? undefined : value <= goal };
}

// What people read on a terminal; scripts take --json. Pure.
import { z } from 'zod';

const sideTraffic = z.object({
  requests: z.number(),
  errors: z.number(),
  perSecond: z.number(),
  latencyMs: z.object({ p50: z.number(), p95: z.number(), p99: z.number() }).nullable(),
});

export const planSchema = z.looseObject({
  plan: z.string(),
  mode: z.string(),
  status: z.string(),
  step: z.number(),
  steps: z.array(z.string()),
  note: z.string().nullable(),
  holds: z.string().nullable(),
  gates: z.array(z.looseObject({ gate: z.string(), status: z.string(), sentence: z.string() })),
});
export type PlanView = z.output<typeof planSchema>;

export const routeSchema = z.looseObject({
  id: z.string(),
  stage: z.string(),
  percent: z.number(),
  mirrorPercent: z.number(),
  /** Of those for whom the mirror is on. */
  samplePercent: z.number(),
  revision: z.number(),
  override: z.looseObject({ side: z.string(), actor: z.string(), reason: z.string() }).nullable(),
  traffic: z.object({ legacy: sideTraffic, new: sideTraffic }),
  comparison: z.looseObject({
    eligible: z.number(),
    coverage: z.number().nullable(),
    parity: z.number().nullable(),
    parityLowerBound: z.number().nullable(),
  }),
  attention: z.array(z.looseObject({ sentence: z.string() })),
  plan: planSchema.nullish(),
});
export type RouteView = z.output<typeof routeSchema>;

export const comparisonsSchema = z.looseObject({
  eligible: z.number(),
  coverage: z.number().nullable(),
  parity: z.number().nullable(),
  parityLowerBound: z.number().nullable(),
  outcomes: z.record(z.string(), z.number()),
  differences: z.array(
    z.looseObject({
      path: z.string(),
      kind: z.string(),
      count: z.number(),
      noise: z.number(),
      share: z.number(),
      critical: z.boolean(),
      rule: z.string().optional(),
    }),
  ),
  streams: z
    .looseObject({
      begun: z.number(),
      ended: z.record(z.string(), z.number()),
      refused: z.record(z.string(), z.number()),
      messages: z.record(z.string(), z.number()),
      lagMs: z.object({ p50: z.number(), p95: z.number(), p99: z.number() }).nullable(),
      differences: z.array(
        z.looseObject({
          path: z.string(),
          kind: z.string(),
          count: z.number(),
          critical: z.boolean(),
          rule: z.string().optional(),
        }),
      ),
    })
    .optional(),
});
export type ComparisonsView = z.output<typeof comparisonsSchema>;

/** Columns padded to their widest cell; the last one is not. */
export function table(header: readonly string[], rows: readonly (readonly string[])[]): string {
  const all = [header, ...rows];
  const widths = header.map((_, column) => Math.max(...all.map((row) => row[column]?.length ?? 0)));
  const line = (row: readonly string[]) =>
    row
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join('  ')
      .trimEnd();
  return all.map(line).join('\n');
}

export function percent(share: number | null, digits = 2): string {
  return share === null ? '-' : `${(share * 100).toFixed(digits)} %`;
}

export function routesTable(routes: readonly RouteView[]): string {
  const rows = routes.map((route) => [
    route.id,
    route.override ? `${route.stage} (forced)` : route.stage,
    `${route.percent} %`,
    `${copiedPercent(route)} %`,
    (route.traffic.legacy.perSecond + route.traffic.new.perSecond).toFixed(1),
    latencies(route),
    percent(route.comparison.parity),
    percent(route.comparison.coverage, 1),
    route.attention.length > 0 ? `! ${route.attention[0]?.sentence}` : '',
  ]);
  return table(['ROUTE', 'STAGE', 'NEW', 'MIRROR', 'REQ/S', 'P95 MS L/N', 'PARITY', 'COVERAGE', 'ATTENTION'], rows);
}

function copiedPercent({ mirrorPercent, samplePercent }: RouteView): number {
  return Number(((mirrorPercent * samplePercent) / 100).toPrecision(3));
}

function latencies({ traffic }: RouteView): string {
  return [traffic.legacy, traffic.new].map(({ latencyMs }) => (latencyMs ? latencyMs.p95.toFixed(1) : '-')).join(' / ');
}

export function routeText(route: RouteView): string {
  const { comparison, override } = route;
  const lines = [
    `${route.id}  ${route.stage}  (revision ${route.revision})`,
    `  new serves      ${route.percent} % of users`,
    `  copied          ${copiedPercent(route)} % of users`,
    ...(override ? [`  forced to       ${override.side} by ${override.actor}: ${override.reason}`] : []),
    ...(['legacy', 'new'] as const).map((side) => {
      const { requests, errors, perSecond } = route.traffic[side];
      return `  ${side.padEnd(15)} ${requests} requests, ${errors} errors, ${perSecond.toFixed(1)}/s`;
    }),
    `  latency p95     ${latencies(route)} ms (legacy / new)`,
    `  compared        ${comparison.eligible} eligible, coverage ${percent(comparison.coverage, 1)}`,
    `  parity          ${percent(comparison.parity)} (at least ${percent(comparison.parityLowerBound)} with 95 % confidence)`,
    ...(route.plan ? planLines(route.plan) : []),
    ...route.attention.map(({ sentence }) => `  ! ${sentence}`),
  ];
  return lines.join('\n');
}

/** Where a plan is, what its gates say, and what holds it. */
export function planLines({ plan, mode, status, step, steps, note, holds, gates }: PlanView): string[] {
  const at = step > 0 ? `, step ${step} of ${steps.length} (${steps[step - 1]})` : '';
  return [
    `  plan            ${plan}${mode === 'dry-run' ? ' (dry run)' : ''}: ${status.replaceAll('_', ' ')}${at}`,
    ...(note === null ? [] : [`    because       ${note}`]),
    ...gates.map(({ gate, status: answer, sentence }) => `    ${gate.padEnd(13)} ${answer}: ${sentence}`),
    ...(holds === null ? [] : [`    holds         ${holds}`]),
  ];
}

export interface RouteComparisons {
  readonly id: string;
  readonly comparisons: ComparisonsView;
}

/** The differences of several routes. Those that a rule covers are only shown when asked for. */
export function diffsText(found: readonly RouteComparisons[], showRuled: boolean): string {
  const rows = found.flatMap(({ id, comparisons }) =>
    shownOf(comparisons.differences, showRuled).map((difference) => [
      id,
      ...differenceCells(difference, String(difference.noise), percent(difference.share)),
    ]),
  );
  const summary = found.map(({ id, comparisons }) => [
    id,
    String(comparisons.eligible),
    percent(comparisons.coverage, 1),
    percent(comparisons.parity),
    percent(comparisons.parityLowerBound),
    countsText(comparisons.outcomes),
  ]);
  const differences =
    rows.length > 0 ? table(['ROUTE', 'PATH', 'KIND', 'COUNT', 'NOISE', 'SHARE', '', ''], rows) : 'no differences';
  const requests = table(['ROUTE', 'ELIGIBLE', 'COVERAGE', 'PARITY', 'AT LEAST', 'OUTCOMES'], summary);
  return [differences, requests, ...streamsText(found, showRuled)].join('\n\n');
}

/** What comparing streams has found; nothing where none was to be compared. */
function streamsText(found: readonly RouteComparisons[], showRuled: boolean): string[] {
  const compared = found.flatMap(({ id, comparisons: { streams } }) => (streams ? [{ id, streams }] : []));
  const summary = compared.map(({ id, streams: { begun, lagMs, messages, ended, refused } }) => [
    ...[id, String(begun), lagMs ? `${lagMs.p50} / ${lagMs.p95} / ${lagMs.p99}` : '-'],
    ...[countsText(messages), countsText(ended), countsText(refused)],
  ]);
  const rows = compared.flatMap(({ id, streams }) =>
    shownOf(streams.differences, showRuled).map((difference) => [id, ...differenceCells(difference)]),
  );
  return [
    ...(rows.length > 0 ? [table(['ROUTE', 'IN MESSAGES', 'KIND', 'COUNT', '', ''], rows)] : []),
    ...(summary.length > 0
      ? [table(['ROUTE', 'STREAMS', 'LAG MS P50 / 95 / 99', 'MESSAGES', 'ENDED', 'NOT BEGUN'], summary)]
      : []),
  ];
}

interface ShownDifference {
  readonly path: string;
  readonly kind: string;
  readonly count: number;
  readonly critical: boolean;
  readonly rule?: string | undefined;
}

function shownOf<D extends ShownDifference>(differences: readonly D[], showRuled: boolean): readonly D[] {
  return differences.filter(({ rule }) => showRuled || rule === undefined);
}

function differenceCells({ path, kind, count, critical, rule }: ShownDifference, ...more: readonly string[]): string[] {
  return [path, kind, String(count), ...more, critical ? 'critical' : '', rule ? `ignored by ${rule}` : ''];
}

/** Those that are not zero. */
function countsText(counts: Readonly<Record<string, number>>): string {
  return Object.entries(counts)
    .filter(([, count]) => count > 0)
    .map(([name, count]) => `${name} ${count}`)
    .join(', ');
}

// What people read on a terminal; scripts take --json. Pure.
import { z } from 'zod';
import { type Table, table } from './table.ts';

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
    streams: z
      .looseObject({
        begun: z.number(),
        coverage: z.number().nullable(),
        parity: z.number().nullable(),
        parityLowerBound: z.number().nullable(),
      })
      .optional(),
  }),
  writesLegacyLacks: z.looseObject({ count: z.number(), since: z.string().nullable() }),
  attention: z.array(z.looseObject({ sentence: z.string() })),
  plan: planSchema.nullish(),
});
export type RouteView = z.output<typeof routeSchema>;

export function percent(share: number | null, digits = 2): string {
  return share === null ? '-' : `${(share * 100).toFixed(digits)} %`;
}

export function routesTable(routes: readonly RouteView[]): Table {
  const rows = routes.map((route) => [
    route.id,
    route.override ? `${route.stage} (forced)` : route.stage,
    `${route.percent} %`,
    `${copiedPercent(route)} %`,
    (route.traffic.legacy.perSecond + route.traffic.new.perSecond).toFixed(1),
    latencies(route),
    percent(shownRates(route).parity),
    percent(shownRates(route).coverage, 1),
    route.attention.length > 0 ? `! ${route.attention[0]?.sentence}` : '',
  ]);
  return table(['ROUTE', 'STAGE', 'NEW', 'MIRROR', 'REQ/S', 'P95 MS L/N', 'PARITY', 'COVERAGE', 'ATTENTION'], rows);
}

/** Of messages where nothing else was compared: a route that serves streams alone. */
function shownRates({ comparison }: RouteView): { readonly parity: number | null; readonly coverage: number | null } {
  return comparison.eligible === 0 && comparison.streams ? comparison.streams : comparison;
}

function copiedPercent({ mirrorPercent, samplePercent }: RouteView): number {
  return Number(((mirrorPercent * samplePercent) / 100).toPrecision(3));
}

function latencies({ traffic }: RouteView): string {
  return [traffic.legacy, traffic.new].map(({ latencyMs }) => (latencyMs ? latencyMs.p95.toFixed(1) : '-')).join(' / ');
}

export function routeText(route: RouteView): string {
  const { comparison, override, writesLegacyLacks } = route;
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
    `  parity          ${parityText(comparison)}`,
    ...(comparison.streams
      ? [
          `  streams         ${comparison.streams.begun} compared, coverage ${percent(comparison.streams.coverage, 1)}`,
          `  their parity    ${parityText(comparison.streams)}`,
        ]
      : []),
    ...(writesLegacyLacks.count > 0 ? [`  legacy lacks    ${lackedText(writesLegacyLacks)}`] : []),
    ...(route.plan ? planLines(route.plan) : []),
    ...route.attention.map(({ sentence }) => `  ! ${sentence}`),
  ];
  return lines.join('\n');
}

function parityText({
  parity,
  parityLowerBound,
}: Pick<RouteView['comparison'], 'parity' | 'parityLowerBound'>): string {
  return `${percent(parity)} (at least ${percent(parityLowerBound)} with 95 % confidence)`;
}

/** What a rollback would leave on the new side only. */
export function lackedText({ count, since }: { readonly count: number; readonly since: string | null }): string {
  return `${count} writes that new has accepted${since === null ? '' : `, since ${since}`}`;
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

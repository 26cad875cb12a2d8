// What people read of what comparing has found. Pure.
import { z } from 'zod';
import { percent } from './render.ts';
import { type Table, table } from './table.ts';

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
      coverage: z.number().nullable(),
      parity: z.number().nullable(),
      parityLowerBound: z.number().nullable(),
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

export interface RouteComparisons {
  readonly id: string;
  readonly comparisons: ComparisonsView;
}

/** The differences of several routes. Those that a rule covers are only shown when asked for. */
export function diffsText(found: readonly RouteComparisons[], showRuled: boolean): readonly Table[] {
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
  const heads = ['ROUTE', 'PATH', 'KIND', 'COUNT', 'NOISE', 'SHARE', '', ''];
  const differences = table(heads, rows, 'no differences');
  const requests = table(['ROUTE', 'ELIGIBLE', 'COVERAGE', 'PARITY', 'AT LEAST', 'OUTCOMES'], summary);
  return [differences, requests, ...streamTables(found, showRuled)];
}

/** What comparing streams has found; nothing where none was to be compared. */
function streamTables(found: readonly RouteComparisons[], showRuled: boolean): Table[] {
  const compared = found.flatMap(({ id, comparisons: { streams } }) => (streams ? [{ id, streams }] : []));
  const summary = compared.map(({ id, streams: { begun, lagMs, messages, ended, refused, ...rates } }) => [
    ...[id, String(begun), percent(rates.coverage, 1), percent(rates.parity), percent(rates.parityLowerBound)],
    ...[lagMs ? `${lagMs.p50} / ${lagMs.p95} / ${lagMs.p99}` : '-'],
    ...[countsText(messages), countsText(ended), countsText(refused)],
  ]);
  const rows = compared.flatMap(({ id, streams }) =>
    shownOf(streams.differences, showRuled).map((difference) => [id, ...differenceCells(difference)]),
  );
  return [
    ...(rows.length > 0 ? [table(['ROUTE', 'IN MESSAGES', 'KIND', 'COUNT', '', ''], rows)] : []),
    ...(summary.length > 0
      ? [
          table(
            [
              'ROUTE',
              'STREAMS',
              'COVERAGE',
              'PARITY',
              'AT LEAST',
              'LAG MS P50 / 95 / 99',
              'MESSAGES',
              'ENDED',
              'NOT BEGUN',
            ],
            summary,
          ),
        ]
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

// What a list says of a load comparison: its verdict, what was missed, and the few figures that runs are followed by. Pure.
import type { LOAD_TARGETS, LoadReport } from '../../config/load-report.ts';

type Verdict = LoadReport['verdicts'][number];
type Estimate = Verdict['measured'];

export interface BriefRun extends Pick<LoadReport, 'at' | 'met' | 'machine' | 'load'> {
  readonly id: string;
  /** How many limits had each outcome. */
  readonly limits: Readonly<Record<Verdict['outcome'], number>>;
  /** What the gateway adds, mean of all routes, in milliseconds; null where that was not measured. */
  readonly overheadMs: { readonly p50: Estimate; readonly p95: Estimate };
  /** The mean of the p95 of its routes, by target; null for one that was not asked. */
  readonly meanP95Ms: Readonly<Record<(typeof LOAD_TARGETS)[number], number | null>>;
}

export function briefOf(id: string, { at, met, machine, load, arms, verdicts }: LoadReport): BriefRun {
  const limits = { met: 0, missed: 0, unclear: 0 };
  for (const { outcome } of verdicts) limits[outcome]++;
  const measured = (measure: Verdict['measure']) => verdicts.find((each) => each.measure === measure)?.measured ?? null;
  const p95Of = (target: (typeof LOAD_TARGETS)[number]) =>
    meanOf(arms.flatMap((arm) => (arm.target === target && arm.p95 ? [arm.p95.value] : [])));
  const [legacy, fresh, gateway] = [p95Of('legacy'), p95Of('new'), p95Of('gateway')];
  return {
    ...{ id, at, met, machine, load, limits },
    overheadMs: { p50: measured('overheadP50'), p95: measured('overheadP95') },
    meanP95Ms: { legacy, new: fresh, gateway },
  };
}

function meanOf(values: readonly number[]): number | null {
  return values.length === 0 ? null : values.reduce((sum, value) => sum + value, 0) / values.length;
}

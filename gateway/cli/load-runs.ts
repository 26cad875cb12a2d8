// What `banyan loads` does: list the load comparisons that were kept, and show one.
import type { Command } from 'commander';
import { z } from 'zod';
import { loadEstimate, loadReport } from '../../config/load-report.ts';
import type { Answer, Result, Watching } from './answer.ts';
import type { ApiClient } from './client.ts';
import { watchable } from './repeat.ts';
import { table } from './table.ts';

const milliseconds = z.number().nullable();
const { at, met, load, arms, overheads, verdicts } = loadReport.shape;
const briefSchema = z.looseObject({
  ...{ id: z.string(), met, load },
  limits: z.looseObject({ met: z.number(), missed: z.number(), unclear: z.number() }),
  overheadMs: z.looseObject({ p50: loadEstimate.nullable(), p95: loadEstimate.nullable() }),
  meanP95Ms: z.looseObject({ legacy: milliseconds, new: milliseconds, gateway: milliseconds }),
});
const listSchema = z.looseObject({
  runs: z.array(briefSchema),
  problems: z.array(z.looseObject({ run: z.string(), problem: z.string() })),
});
const runSchema = z.looseObject({ id: z.string(), at, met, load, arms, overheads, verdicts });
type BriefRun = z.output<typeof briefSchema>;
type Run = z.output<typeof runSchema>;
type Estimate = z.output<typeof loadEstimate>;

const LIST_HEADS = ['RUN', 'VERDICT', 'MISSED', 'UNCLEAR', 'LOAD', 'ADDS P50 MS', 'ADDS P95 MS', 'P95 MS L/N/G'];
const ARM_HEADS = ['ROUTE', 'ASKED', 'ANSWERED BY', 'REQUESTS', 'FAILED', 'P50 MS', 'P95 MS', 'P99 MS'];
const LIMIT_HEADS = ['LIMIT', 'AT MOST', 'MEASURED', 'OUTCOME'];

async function listRuns(api: ApiClient): Promise<Result> {
  const { body } = await api.get('/api/load-runs');
  const { runs, problems } = listSchema.parse(body);
  const notes = problems.map(({ run, problem }) => `${run}: ${problem}`);
  const text = table(LIST_HEADS, runs.toReversed().map(row), 'no load run was kept');
  return { json: body, text, ...(notes.length > 0 ? { notes } : {}) };
}

const verdictText = (isMet: boolean) => (isMet ? 'every limit met' : 'not every limit met');

function row({ id, met: isMet, load: of, limits, overheadMs, meanP95Ms }: BriefRun): string[] {
  const p95 = [meanP95Ms.legacy, meanP95Ms.new, meanP95Ms.gateway].map((ms) => ms?.toFixed(1) ?? '-');
  return [
    ...[id, verdictText(isMet), String(limits.missed), String(limits.unclear)],
    `${of.rounds} x ${of.seconds} s at ${of.rate}/s`,
    ...[estimateText(overheadMs.p50), estimateText(overheadMs.p95), p95.join(' / ')],
  ];
}

/** `0.62 (0.58 to 0.66)`; a bound that is not known is `?`. */
function estimateText(estimate: Estimate | null, digits = 2): string {
  if (estimate === null) return '-';
  const { value, low, high } = estimate;
  const bound = (of: number | null) => of?.toFixed(digits) ?? '?';
  return low === high && low !== null ? bound(value) : `${bound(value)} (${bound(low)} to ${bound(high)})`;
}

async function showRun(api: ApiClient, id: string): Promise<Result> {
  const { body } = await api.get(`/api/load-runs/${encodeURIComponent(id)}`);
  const run = runSchema.parse(body);
  const text = [
    `${run.id}  ${verdictText(run.met)}`,
    table(LIMIT_HEADS, run.verdicts.map(limitRow)),
    table(ARM_HEADS, run.arms.map(armRow)),
    table(['ROUTE', 'SERVED BY', 'GATEWAY ADDS P50 MS', 'P95 MS'], run.overheads.map(overheadRow)),
  ];
  return { json: body, text };
}

function limitRow({ what, unit, limit, measured, outcome }: Run['verdicts'][number]): string[] {
  const digits = unit === 'share' ? 5 : 2;
  return [what, `${limit}${unit === 'share' ? '' : ` ${unit}`}`, estimateText(measured, digits), outcome];
}

function armRow({ route, target, side, count, failed, p50, p95, p99 }: Run['arms'][number]): string[] {
  return [route, target, side, String(count), String(failed), ...[p50, p95, p99].map((each) => estimateText(each))];
}

function overheadRow({ route, side, p50, p95 }: Run['overheads'][number]): string[] {
  return [route, side, estimateText(p50), estimateText(p95)];
}

export function addLoadCommands(program: Command, answer: Answer): void {
  watchable(program.command('loads [run]'))
    .description('list the load comparisons that were kept, the latest first; or show one, with limits and percentiles')
    .action((run: string | undefined, watching: Watching) =>
      answer((api) => (run === undefined ? listRuns(api) : showRun(api, run)), watching)(),
    );
}

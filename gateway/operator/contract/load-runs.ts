// Load comparisons, as the API says them.
import { z } from 'zod';
import { loadEstimate, loadReport } from '../../../config/load-report.ts';
import { count, instant, list, named } from './named.ts';

const { machine, load, met, urls, lost, arms, overheads, verdicts } = loadReport.shape;
const milliseconds = z.number().nullable();

const inBrief = { id: z.string().describe('By when it began.'), at: instant, met, machine, load };
const briefRun = z.strictObject({
  ...inBrief,
  limits: z.strictObject({ met: count, missed: count, unclear: count }).describe('How many had each outcome.'),
  overheadMs: z
    .strictObject({ p50: loadEstimate.nullable(), p95: loadEstimate.nullable() })
    .describe('What the gateway adds, mean of all routes, with 95 % intervals.'),
  meanP95Ms: z
    .strictObject({ legacy: milliseconds, new: milliseconds, gateway: milliseconds })
    .describe('The mean of the p95 of its routes; null for who was not asked.'),
});

export const loadRunList = named(
  'LoadRunList',
  z.strictObject({
    runs: list(named('LoadRunInBrief', briefRun)).describe('The oldest first.'),
    problems: list(z.strictObject({ run: z.string(), problem: z.string() })).describe('Files that are no report.'),
  }),
);
/** Without the seconds, which its page draws. */
export const loadRun = named(
  'LoadRun',
  z.strictObject({
    ...inBrief,
    ...{ urls, lost, arms, overheads, verdicts },
  }),
);

// A load comparison as it is kept: the shape of its JSON, which a later comparison and the gateway read, and where it lies.
import { join } from 'node:path';
import { z } from 'zod';

/** A larger file is no report. */
export const LOAD_REPORT_BYTES_MAX = 8_388_608;
/** Comparisons that are kept; of more the latest. */
export const LOAD_RUNS_MAX = 100;

/** Whom a comparison asks: a side itself, or the gateway. */
export const LOAD_TARGETS = ['legacy', 'new', 'gateway'] as const;
/** What limits are on. */
export const LOAD_MEASURES = [
  'failed',
  'lost',
  'readP95',
  'ratioP95',
  'overheadP50',
  'overheadP95',
  'baselineP95',
] as const;

const target = z.enum(LOAD_TARGETS);
const count = z.number().int().min(0);

/** A figure and its 95 % interval; a bound is null where too little is known. */
export const loadEstimate = z.object({ value: z.number(), low: z.number().nullable(), high: z.number().nullable() });
const figures = z.object({ p50: z.number(), p95: z.number() });

/** Requests of one route, sent to one target, answered by one side. */
const arm = z.object({
  target,
  route: z.string(),
  side: z.string(),
  count,
  failed: count,
  p50: loadEstimate.nullable(),
  p95: loadEstimate.nullable(),
  p99: loadEstimate.nullable(),
  rounds: z.array(figures.nullable()).describe('By round; null where no request was answered.'),
});

const verdict = z.object({
  measure: z.enum(LOAD_MEASURES),
  route: z.string().nullable().describe('Null where it is of all routes.'),
  what: z.string().describe('The limit in words.'),
  unit: z.enum(['x', 'ms', 'share']).describe('A ratio, milliseconds, or a share of requests.'),
  limit: z.number(),
  measured: loadEstimate.nullable(),
  outcome: z
    .enum(['met', 'missed', 'unclear'])
    .describe('missed: the whole interval is beyond the limit. unclear: more rounds may settle it.'),
});

/** What the way through the gateway takes beside the direct one, for a route and the side that served it. */
const overhead = z.object({
  route: z.string(),
  side: z.string(),
  p50: loadEstimate.nullable(),
  p95: loadEstimate.nullable(),
});

/** One second of one target. */
const moment = z.object({
  second: z.number().describe('Since the comparison began.'),
  target,
  count,
  p50: z.number(),
  p95: z.number(),
});

export const loadReport = z.object({
  version: z.literal(2),
  at: z.iso.datetime(),
  met: z.boolean().describe('Whether every limit was met.'),
  machine: z.object({ cores: z.number(), cpu: z.string(), node: z.string(), k6: z.string() }),
  load: z.object({ rate: z.number(), seconds: z.number(), rounds: z.number(), writes: z.boolean() }),
  urls: z.partialRecord(target, z.string()),
  lost: z.partialRecord(target, z.number()).describe('Arrivals that found no free client, so were not sent.'),
  arms: z.array(arm),
  overheads: z.array(overhead),
  verdicts: z.array(verdict),
  series: z.array(moment),
});
export type LoadReport = z.output<typeof loadReport>;

/** Why a text is no report, or the report. */
export type ReadReport = { readonly report: LoadReport } | { readonly problem: string };

export function parseLoadReport(text: string): ReadReport {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    return { problem: 'it is not JSON' };
  }
  const { data, error } = loadReport.safeParse(json);
  if (data !== undefined) return { report: data };
  const [issue] = error.issues;
  return {
    problem: `it is no report of this version: ${issue?.path.join('.') ?? ''}: ${issue?.message ?? 'not valid'}`,
  };
}

const RUN_ID = /^\d{8}T\d{9}Z$/;

/** A run is called by when it began, so that names are in the order of time. */
export const loadRunId = (at: string): string => new Date(at).toISOString().replaceAll(/[-:.]/g, '');

/** The folder of the runs that are kept, in the one that reports go to. */
export const loadRunsFolder = (folder: string): string => join(folder, 'runs');

/** A kept run's file. @throws for what is no run's name, which could lead elsewhere. */
export function loadRunFile(folder: string, id: string, kind: 'json' | 'html'): string {
  if (!RUN_ID.test(id)) throw new RangeError(`no run is called ${id}`);
  return join(loadRunsFolder(folder), `${id}.${kind}`);
}

/** The run that a file of that folder is the report of; undefined for any other file. */
export function loadRunOfFile(file: string): string | undefined {
  const id = file.endsWith('.json') ? file.slice(0, -'.json'.length) : '';
  return RUN_ID.test(id) ? id : undefined;
}

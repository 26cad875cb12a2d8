// What a comparison leaves: the shape of its JSON, which a later comparison reads as its baseline.
import { z } from 'zod';
import { TARGETS } from './k6/settings.ts';

const estimate = z.object({ value: z.number(), low: z.number().nullable(), high: z.number().nullable() });
const figures = z.object({ p50: z.number(), p95: z.number() });

/** Requests of one route, sent to one target, answered by one side. */
const arm = z.object({
  target: z.enum(TARGETS),
  route: z.string(),
  side: z.string(),
  count: z.number().int(),
  failed: z.number().int(),
  p50: estimate.nullable(),
  p95: estimate.nullable(),
  p99: estimate.nullable(),
  /** By round; null where no request was answered. */
  rounds: z.array(figures.nullable()),
});

const verdict = z.object({
  what: z.string(),
  /** A ratio, milliseconds, or a share of requests. */
  unit: z.enum(['x', 'ms', 'share']),
  limit: z.number(),
  measured: estimate.nullable(),
  outcome: z.enum(['met', 'missed', 'unclear']),
});

/** One second of one target. */
const moment = z.object({
  second: z.number().describe('Since the comparison began.'),
  target: z.enum(TARGETS),
  count: z.number().int(),
  p50: z.number(),
  p95: z.number(),
});

export const reportSchema = z.object({
  version: z.literal(1),
  at: z.iso.datetime(),
  /** Whether every limit was met. */
  met: z.boolean(),
  machine: z.object({ cores: z.number(), cpu: z.string(), node: z.string(), k6: z.string() }),
  load: z.object({ rate: z.number(), seconds: z.number(), rounds: z.number(), writes: z.boolean() }),
  urls: z.partialRecord(z.enum(TARGETS), z.string()),
  /** Arrivals that found no free client, so were not sent. */
  lost: z.partialRecord(z.enum(TARGETS), z.number()),
  arms: z.array(arm),
  verdicts: z.array(verdict),
  series: z.array(moment),
});

export type Report = z.output<typeof reportSchema>;
export type Arm = z.output<typeof arm>;
export type Verdict = z.output<typeof verdict>;
export type Moment = z.output<typeof moment>;

/** A report from its JSON; undefined when it is none. */
export function parseReport(text: string): Report | undefined {
  try {
    return reportSchema.safeParse(JSON.parse(text)).data;
  } catch {
    return undefined;
  }
}

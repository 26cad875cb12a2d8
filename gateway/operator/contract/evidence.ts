// What comparing has found of a route, as the API says it; see mirror/evidence.ts for what the numbers mean.
import { z } from 'zod';
import { OUTCOMES } from '../../mirror/observation.ts';
import { MESSAGE_OUTCOMES } from '../../mirror/stream-counts.ts';
import { WINDOWS } from '../../mirror/windows.ts';
import { count, countsOf, instant, list, named, share } from './named.ts';

const counts = z.record(z.string(), count);
const kind = z.enum(['changed', 'type', 'missing', 'extra', 'order', 'length']);
const path = z
  .string()
  .describe('`status`, `header:NAME`, or a JSONPath with `[*]`, or `[?key]` where members are paired.');
const rule = z.string().optional().describe('The ignore rule that covers it.');
export const outcome = z.enum(OUTCOMES);
export const latency = named('Latency', z.strictObject({ p50: z.number(), p95: z.number(), p99: z.number() }));

export const difference = named(
  'Difference',
  z.strictObject({
    path,
    at: z.string(),
    kind,
    legacy: z.string().optional(),
    new: z.string().optional(),
    critical: z.boolean(),
    rule,
    noise: z.literal(true).optional().describe('Legacy does not agree with itself here.'),
  }),
);

const differenceCount = named(
  'DifferenceCount',
  z.strictObject({
    path,
    kind,
    count: count.describe('Requests in which it was found.'),
    noise: count.describe('Of those, in how many legacy did not agree with itself there.'),
    confirmed: count.describe('Of those, in how many it did.'),
    share,
    critical: z.boolean(),
    rule,
  }),
);

const messages = countsOf([...MESSAGE_OUTCOMES, 'reordered', 'late']);
const streamRates = {
  begun: count.describe('Streams that were compared.'),
  messages,
  coverage: share.nullable().describe('The share of messages of which is known whether the other side sent the same.'),
  parity: share.nullable().describe('The share of those that agree; null before any was judged.'),
  parityLowerBound: share.nullable().describe('What parity is at least, at 95 % confidence.'),
};

const requestRates = {
  eligible: count,
  outcomes: named('Outcomes', countsOf(OUTCOMES)),
  coverage: share.nullable().describe('comparable / eligible; null before anything was eligible.'),
  parity: share.nullable().describe('(match + ignored) / comparable; null before anything was comparable.'),
  parityLowerBound: share.nullable().describe('What parity is at least, at 95 % confidence.'),
};
export const rates = {
  ...requestRates,
  streams: named('StreamRates', z.strictObject(streamRates))
    .optional()
    .describe('The same of streams, where any was compared.'),
};

export const differences = list(differenceCount);

const streamSample = z.strictObject({
  n: count.describe('Grows with each sample of the route.'),
  at: instant,
  requestId: z.string(),
  outcome: z.enum(['different', 'missing', 'extra', 'reordered', 'late']),
  differences: list(difference),
  legacy: z.string().nullable(),
  new: z.string().nullable(),
});

const streamEvidence = named(
  'StreamEvidence',
  z.strictObject({
    ...streamRates,
    refused: counts,
    ended: counts,
    dropped: counts,
    lagMs: latency.nullable(),
    differences: list(z.strictObject({ path, kind, count, critical: z.boolean(), rule })),
    differencesDropped: count,
    samples: list(streamSample),
  }),
);

export const window = z.enum(WINDOWS);

export const comparisons = named(
  'Comparisons',
  z.strictObject({
    window,
    since: instant,
    ...requestRates,
    pending: count,
    dropped: counts.describe('Why copies were dropped.'),
    bracketed: z.strictObject({ comparable: count, agreeing: count }),
    timed: z
      .strictObject({ pairs: count, slower: count })
      .describe("Requests of which both sides' times are known; in how many new was later than the guard bears."),
    differences,
    differencesDropped: count,
    streams: streamEvidence.optional(),
  }),
);

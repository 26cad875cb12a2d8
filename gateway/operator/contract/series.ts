// What a route has done lately, in buckets of time, for charts.
import { z } from 'zod';
import { AUDIT_ACTIONS } from '../../ledger/ledger.ts';
import { instant, list, named, share } from './named.ts';

/** How far a chart reaches back at most. */
export const SERIES_MINUTES_MAX = 60;

const side = named(
  'SeriesSide',
  z.strictObject({ perSecond: z.number(), errorShare: share, p95Ms: z.number().nullable() }),
);

export const seriesQuery = z.strictObject({
  minutes: z.coerce.number().int().min(1).max(SERIES_MINUTES_MAX).default(SERIES_MINUTES_MAX),
});

export const series = named(
  'Series',
  z.strictObject({
    id: z.string(),
    bucketSeconds: z.number().int(),
    points: list(
      z.strictObject({
        at: instant.describe('When the bucket begins.'),
        legacy: side.nullable().describe('Null where the side served nothing.'),
        new: side.nullable(),
      }),
    ).describe('Buckets in which the route served anything, oldest first.'),
    flips: list(
      z.strictObject({
        at: instant,
        actor: z.string(),
        action: z.enum(AUDIT_ACTIONS),
        scope: z.string(),
        reason: z.string(),
      }),
    ).describe('Changes of the route, or of all, oldest first.'),
  }),
);
export type Series = z.output<typeof series>;

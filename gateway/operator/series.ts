// The series of a route: what both sides served over time, with the flips between.
import { ALL_ROUTES, type StoredAuditEntry } from '../ledger/ledger.ts';
import { BUCKET_MS, type Bucket, type ServedInBucket } from '../traffic-history.ts';
import type { OperatorDeps } from './context.ts';
import type { Series } from './contract/series.ts';
import { FLIPS } from './last-flips.ts';

/** Flips of a route, and of all, that are looked at. */
const FLIPS_MAX = 200;

export interface SeriesDeps extends Pick<OperatorDeps, 'history' | 'now'> {
  readonly ledger: Pick<OperatorDeps['ledger'], 'audit'>;
}

export async function seriesOf({ history, ledger, now }: SeriesDeps, id: string, minutes: number): Promise<Series> {
  const sinceMs = now().getTime() - minutes * 60_000;
  const changes = await Promise.all([id, ALL_ROUTES].map((scope) => ledger.audit({ scope, limit: FLIPS_MAX })));
  return {
    id,
    bucketSeconds: BUCKET_MS / 1_000,
    points: history.of(id, sinceMs).map(pointOf),
    flips: flipsSince(changes.flat(), new Date(sinceMs).toISOString()),
  };
}

function pointOf({ atMs, served }: Bucket): Series['points'][number] {
  return { at: new Date(atMs).toISOString(), legacy: figuresOf(served.legacy), new: figuresOf(served.new) };
}

function figuresOf(served: ServedInBucket | undefined): Series['points'][number]['legacy'] {
  if (!served) return null;
  const { requests, errors, p95Ms } = served;
  return { perSecond: requests / (BUCKET_MS / 1_000), errorShare: errors / requests, p95Ms: p95Ms ?? null };
}

function flipsSince(entries: readonly StoredAuditEntry[], since: string): Series['flips'] {
  return entries
    .filter(({ action, at }) => FLIPS.includes(action) && at >= since)
    .sort((a, b) => a.id - b.id)
    .map(({ at, actor, action, scope, reason }) => ({ at, actor, action, scope, reason }));
}

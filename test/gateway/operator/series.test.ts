import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { ALL_ROUTES, type AuditQuery, type StoredAuditEntry } from '../../../gateway/ledger/ledger.ts';
import { seriesOf } from '../../../gateway/operator/series.ts';
import type { Bucket } from '../../../gateway/traffic-history.ts';

const NOW = new Date('2026-01-05T10:00:00.000Z');
const minutesAgo = (minutes: number) => new Date(NOW.getTime() - minutes * 60_000);
const entry = (id: number, minutes: number, given: Partial<StoredAuditEntry>): StoredAuditEntry => ({
  ...{
    id,
    at: minutesAgo(minutes).toISOString(),
    actor: 'ops',
    source: 'api',
    action: 'stage',
    scope: 'a',
    reason: 'x',
  },
  ...{ before: null, after: null, evidence: null, requestId: undefined, instance: undefined },
  ...{ prev: '', hash: '' },
  ...given,
});
const ENTRIES = [
  entry(5, 1, { action: 'add_rule' }),
  entry(4, 2, { action: 'rollback', scope: ALL_ROUTES, reason: 'outage' }),
  entry(3, 3, { scope: 'b' }),
  entry(2, 4, { reason: 'canary' }),
  entry(1, 30, { reason: 'long ago' }),
];

function series(minutes: number, buckets: readonly Bucket[] = []) {
  const ledger = {
    audit: async ({ scope }: AuditQuery) => ENTRIES.filter((each) => each.scope === scope),
  };
  const history = {
    of: (_route: string, sinceMs: number) => buckets.filter(({ atMs }) => atMs >= sinceMs),
    mark() {},
    close() {},
  };
  return seriesOf({ ledger, history, now: () => NOW }, 'a', minutes);
}

describe('the series of a route', () => {
  it('has its flips and those of all routes, oldest first, and nothing else of the audit log', async () => {
    const { flips } = await series(10);
    assert.deepEqual(
      flips.map(({ action, scope, reason }) => [action, scope, reason]),
      [
        ['stage', 'a', 'canary'],
        ['rollback', ALL_ROUTES, 'outage'],
      ],
    );
  });

  it('has rates, shares and percentiles of both sides, and null where a side served nothing', async () => {
    const served = { legacy: { requests: 25, errors: 5, p95Ms: 12.5 } };
    const { points, bucketSeconds } = await series(10, [{ atMs: minutesAgo(5).getTime(), served }]);
    assert.equal(bucketSeconds, 10);
    assert.deepEqual(points, [
      { at: minutesAgo(5).toISOString(), legacy: { perSecond: 2.5, errorShare: 0.2, p95Ms: 12.5 }, new: null },
    ]);
  });

  it('begins as many minutes ago as was asked for', async () => {
    const bucket = (minutes: number): Bucket => ({
      atMs: minutesAgo(minutes).getTime(),
      served: { new: { requests: 1, errors: 0, p95Ms: 1 } },
    });
    const { points, flips } = await series(3, [bucket(20), bucket(2)]);
    assert.deepEqual([points.length, flips.length], [1, 1]);
  });
});

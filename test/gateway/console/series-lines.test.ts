import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { seriesLines } from '../../../gateway/console/series-lines.ts';

const side = (perSecond: number) => ({ perSecond, errorShare: 0.5, p95Ms: null });

describe('the lines of a chart', () => {
  const series = {
    bucketSeconds: 10,
    points: [
      { at: '2026-11-20T18:00:00.000Z', legacy: side(3), new: null },
      { at: '2026-11-20T18:00:10.040Z', legacy: side(4), new: side(1) }, // A little late.
      { at: '2026-11-20T18:00:30.000Z', legacy: side(5), new: null },
    ],
  };

  it('have a value for every bucket, 0 for a rate where nothing was served', () => {
    const { timesMs, legacy, new: fresh } = seriesLines(series, 'perSecond');
    assert.deepEqual(legacy, [3, 4, 0, 5]);
    assert.deepEqual(fresh, [0, 1, 0, 0]);
    assert.equal(new Date(timesMs[3] ?? 0).toISOString(), '2026-11-20T18:00:30.000Z');
  });

  it('break where there is nothing to measure', () => {
    assert.deepEqual(seriesLines(series, 'errorShare').legacy, [0.5, 0.5, null, 0.5]);
    assert.deepEqual(seriesLines(series, 'p95Ms').legacy, [null, null, null, null]);
  });

  it('are empty where there is no bucket', () => {
    assert.deepEqual(seriesLines({ bucketSeconds: 10, points: [] }, 'perSecond'), { timesMs: [], legacy: [], new: [] });
  });

  it('stop at a limit, whatever buckets a gateway names', () => {
    const far = { at: '2036-11-20T18:00:00.000Z', legacy: side(1), new: null };
    assert.equal(seriesLines({ ...series, points: [...series.points, far] }, 'perSecond').timesMs.length, 2_000);
  });
});

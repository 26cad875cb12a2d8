import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { createMergedEvidence, merge } from '../../../gateway/cluster/merged-evidence.ts';
import { createEvidence, type Evidence } from '../../../gateway/mirror/evidence.ts';
import { OUTCOMES, type Outcome } from '../../../gateway/mirror/observation.ts';
import { anObservation } from '../../helpers/observations.ts';

const now = () => new Date('2026-01-05T10:00:00.000Z');
const SINCE = now().toISOString();
const PAIR = { legacy: anObservation('legacy'), new: anObservation('new'), copied: 'new' } as const;

interface Event {
  readonly worker: number;
  readonly kind: 'pending' | 'drop' | Outcome;
  readonly path: string;
}

function play(evidence: Evidence, { kind, path }: Event): void {
  evidence.begin('r');
  if (kind === 'pending') return;
  if (kind === 'drop' || kind === 'dropped') {
    evidence.drop('r', path);
    return;
  }
  const values = { legacy: '1', new: '2' };
  const difference = { path, at: '', kind: 'changed', ...values, critical: false, rule: undefined } as const;
  const differences = kind === 'mismatch' ? [difference] : [];
  evidence.record('r', { requestId: path, method: 'GET', target: '/' }, PAIR, {
    outcome: kind,
    differences,
    detail: undefined,
  });
}

const events = fc.array(
  fc.record({
    worker: fc.nat({ max: 3 }),
    kind: fc.constantFrom('pending' as const, 'drop' as const, ...OUTCOMES),
    path: fc.constantFrom('$.a', '$.b', '$.c'),
  }),
  { maxLength: 60 },
);

const inOrder = (evidence: ReturnType<Evidence['of']>) => ({
  ...evidence,
  differences: evidence.differences.toSorted((a, b) => (a.path < b.path ? -1 : 1)),
});

describe('the evidence of several workers', () => {
  it('is what one process would have found', () => {
    fc.assert(
      fc.property(events, (all) => {
        const one = createEvidence(now);
        const several = Array.from({ length: 4 }, () => createEvidence(now));
        for (const event of all) {
          play(one, event);
          play(several[event.worker] as Evidence, event);
        }
        const merged = merge(
          several.map((evidence) => evidence.of('r')),
          SINCE,
        );
        assert.deepEqual(inOrder(merged), inOrder(one.of('r')));
      }),
    );
  });

  it('has every eligible request in exactly one outcome once its workers have ended, whenever they do', () => {
    fc.assert(
      fc.property(events, fc.nat({ max: 3 }), (all, ended) => {
        const several = Array.from({ length: 4 }, () => createEvidence(now));
        const merged = createMergedEvidence(now);
        for (const event of all) {
          const evidence = several[event.worker] as Evidence;
          play(evidence, event);
          merged.update(event.worker, 'r', evidence.of('r'));
        }
        const before = merged.of('r');
        const lost = merged.retire(ended).get('r') ?? 0;
        const { eligible, pending, outcomes, dropped } = merged.of('r');
        assert.equal(eligible, before.eligible);
        assert.equal(pending, before.pending - lost);
        assert.equal(outcomes.dropped, before.outcomes.dropped + lost);
        assert.equal(dropped.worker_lost ?? 0, lost);
        const settled = OUTCOMES.reduce((sum, outcome) => sum + outcomes[outcome], 0);
        assert.equal(settled + pending, eligible);
      }),
    );
  });

  it('replaces what a worker said before, and keeps what those said that have ended', () => {
    const merged = createMergedEvidence(now);
    const worker = createEvidence(now);
    play(worker, { worker: 1, kind: 'match', path: '$' });
    merged.update(1, 'r', worker.of('r'));
    play(worker, { worker: 1, kind: 'match', path: '$' });
    merged.update(1, 'r', worker.of('r'));
    assert.equal(merged.of('r').outcomes.match, 2);
    merged.retire(1);
    merged.update(2, 'r', worker.of('r'));
    assert.equal(merged.of('r').outcomes.match, 4);
    assert.equal(merged.of('other').eligible, 0);
  });

  it('has the latest samples of all workers, numbered anew, the newest first', () => {
    const merged = createMergedEvidence(now);
    for (const requestId of ['a', 'b']) {
      const worker = createEvidence(now);
      for (let i = 0; i < 15; i++) play(worker, { worker: 0, kind: 'mismatch', path: requestId });
      for (const sample of worker.samples('r').toReversed()) merged.addSample('r', sample);
    }
    const samples = merged.samples('r');
    assert.deepEqual(
      samples.map(({ n }) => n),
      Array.from({ length: 20 }, (_, index) => 30 - index),
    );
    assert.equal(samples[0]?.requestId, 'b');
  });
});

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { createMergedEvidence } from '../../../gateway/cluster/merged-evidence.ts';
import { createEvidence, type Evidence } from '../../../gateway/mirror/evidence.ts';
import { OUTCOMES, type Outcome } from '../../../gateway/mirror/observation.ts';
import { anObservation } from '../../helpers/observations.ts';

const now = () => new Date('2026-01-05T10:00:00.000Z');
const PAIR = { legacy: anObservation('legacy'), new: anObservation('new'), copied: 'new' } as const;

interface Event {
  readonly worker: number;
  readonly kind: 'pending' | 'drop' | Outcome;
  readonly path: string;
  readonly isBracketed: boolean;
  readonly isNoise: boolean;
}

function play(evidence: Evidence, { kind, path, isBracketed, isNoise }: Event): void {
  evidence.begin('r');
  if (kind === 'pending') return;
  if (kind === 'drop' || kind === 'dropped') {
    evidence.drop('r', path);
    return;
  }
  const values = { legacy: '1', new: '2' };
  const difference = { path, at: '', kind: 'changed', ...values, critical: false, rule: undefined } as const;
  const differences =
    kind === 'mismatch' ? [isBracketed && isNoise ? { ...difference, noise: true as const } : difference] : [];
  const request = { requestId: path, method: 'GET', target: '/', headers: [], body: undefined };
  evidence.record('r', request, PAIR, {
    outcome: kind,
    differences,
    detail: undefined,
    ...(isBracketed ? { bracketed: true as const } : {}),
  });
}

const PLAIN = { path: '$', isBracketed: false, isNoise: false };

const events = fc.array(
  fc.record({
    worker: fc.nat({ max: 3 }),
    kind: fc.constantFrom('pending' as const, 'drop' as const, ...OUTCOMES),
    path: fc.constantFrom('$.a', '$.b', '$.c'),
    isBracketed: fc.boolean(),
    isNoise: fc.boolean(),
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
        const merged = createMergedEvidence(now);
        for (const [worker, evidence] of several.entries()) merged.add(worker, evidence.take());
        assert.deepEqual(inOrder(merged.of('r')), inOrder(one.of('r')));
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
          merged.add(event.worker, evidence.take());
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

  it('adds what a worker says to what it said before, and keeps what those said that have ended', () => {
    const merged = createMergedEvidence(now);
    const worker = createEvidence(now);
    for (const matches of [1, 2]) {
      play(worker, { worker: 1, kind: 'match', ...PLAIN });
      merged.add(1, worker.take());
      assert.equal(merged.of('r').outcomes.match, matches);
    }
    merged.retire(1);
    const next = createEvidence(now);
    play(next, { worker: 2, kind: 'match', ...PLAIN });
    merged.add(2, next.take());
    assert.equal(merged.of('r').outcomes.match, 3);
    assert.equal(merged.of('other').eligible, 0);
  });

  it('counts for the windows of the stage that is in force, which the workers do not know', () => {
    const merged = createMergedEvidence(now);
    merged.enter('r', 'shadow');
    const worker = createEvidence(now);
    play(worker, { worker: 1, kind: 'match', ...PLAIN });
    merged.add(1, worker.take());
    merged.enter('r', 'live');
    assert.equal(merged.of('r').eligible, 0);
    play(worker, { worker: 1, kind: 'match', ...PLAIN });
    merged.add(1, worker.take());
    assert.equal(merged.of('r', '1m').outcomes.match, 1);
  });

  it('has samples of all workers, numbered anew, the newest first', () => {
    const merged = createMergedEvidence(now);
    for (const [id, requestId] of ['a', 'b'].entries()) {
      const worker = createEvidence(now);
      for (let i = 0; i < 15; i++) play(worker, { worker: id, kind: 'mismatch', ...PLAIN, path: `$.${requestId}` });
      merged.add(id, worker.take());
    }
    assert.deepEqual(
      merged.samples('r').map(({ n, requestId }) => `${n} ${requestId}`),
      Array.from({ length: 10 }, (_, index) => `${10 - index} $.${index < 5 ? 'b' : 'a'}`),
    );
  });
});

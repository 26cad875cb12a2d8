import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { createRing, type OperatorEvent } from '../../../../gateway/operator/events/ring.ts';

const event = (revision: number): OperatorEvent => ({
  name: 'rules',
  data: { at: '2026-01-05T10:00:00.000Z', revision },
});
const revisions = (events: ReturnType<ReturnType<typeof createRing>['since']>) =>
  events?.map(({ event }) => (event.name === 'rules' ? event.data.revision : undefined));

describe('the ring of events', () => {
  it('answers what came after an event, and nothing after the latest', () => {
    const ring = createRing();
    const [first, second] = [1, 2, 3].map((n) => ring.add(event(n)).id);
    assert.deepEqual(revisions(ring.since(first ?? '')), [2, 3]);
    assert.deepEqual(revisions(ring.since(second ?? '')), [3]);
    assert.deepEqual(ring.since(ring.latest), []);
  });

  it('answers everything to whoever was told of the ring before it had any event', () => {
    const ring = createRing();
    const { latest } = ring;
    ring.add(event(1));
    assert.deepEqual(revisions(ring.since(latest)), [1]);
  });

  it('says that it does not know what it has forgotten, never had, or another ring had', () => {
    const ring = createRing(2);
    const { latest: before } = ring;
    const [first] = [1, 2, 3].map((n) => ring.add(event(n)).id);
    assert.equal(ring.since(before), undefined);
    assert.deepEqual(revisions(ring.since(first ?? '')), [2, 3]);
    assert.equal(ring.since(''), undefined);
    assert.equal(ring.since(createRing().latest), undefined);
  });
});

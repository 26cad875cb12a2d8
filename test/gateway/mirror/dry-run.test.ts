// Whom writes are copied to: a backend that has shown that it knows a dry run, whatever its side was before or is later.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { createDryRuns, type DryRun } from '../../../gateway/mirror/dry-run.ts';
import { anObservation } from '../../helpers/observations.ts';
import { SHADOW_KEYS } from '../../helpers/shadow.ts';

const WRITE = { routeId: 'r', method: 'POST', target: '/orders', body: Buffer.from('{}') };
const CONFIRMED = anObservation('new', { status: 201, headers: ['x-dry-run', '1'] });
const CARRIED_OUT = anObservation('new', { status: 201, headers: [] });
const REFUSED = anObservation('new', { status: 400, headers: [] });

function aWorld() {
  let url = 'http://one';
  const legacy = { url: 'http://legacy', verifiesShadow: false };
  const upstreams = () => ({ legacy, new: { url, verifiesShadow: true } });
  const dryRuns = createDryRuns({ keys: SHADOW_KEYS, upstreams, nowMs: () => 0 });
  return {
    dryRuns,
    moveTo(next: string) {
      url = next;
    },
    begin: (): DryRun => dryRuns.begin('new', WRITE),
  };
}

describe('a backend that has been sent its first dry run', () => {
  test('gets no other before it has answered', () => {
    const { dryRuns, begin } = aWorld();
    const first = begin();
    assert.equal(dryRuns.allows('new'), false);
    assert.throws(begin, /may not be copied/);
    first.answered(CONFIRMED);
    assert.equal(dryRuns.allows('new'), true);
  });

  test('answers neither well nor as to a dry run, then it is tried again', () => {
    const { dryRuns, begin } = aWorld();
    begin().answered(REFUSED);
    assert.equal(dryRuns.allows('new'), true);
    begin();
    assert.equal(dryRuns.allows('new'), false, 'one at a time');
  });
});

describe('a side that becomes another backend during its first dry run', () => {
  test("is tried by itself: the other one's confirmation says nothing of it", () => {
    const { dryRuns, begin, moveTo } = aWorld();
    const first = begin();
    moveTo('http://two');
    const second = begin();
    first.answered(CONFIRMED);
    assert.equal(dryRuns.allows('new'), false, 'still on trial');
    assert.throws(() => second.answered(CARRIED_OUT), /without x-dry-run/);
    assert.equal(dryRuns.allows('new'), false);
  });

  test('does not lose its trust by what the other one has done', () => {
    const { dryRuns, begin, moveTo } = aWorld();
    const first = begin();
    moveTo('http://two');
    begin().answered(CONFIRMED);
    assert.throws(() => first.answered(CARRIED_OUT), /without x-dry-run/);
    assert.equal(dryRuns.allows('new'), true);
  });
});

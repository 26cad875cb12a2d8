// Which side was later with one request, and what a gateway counts of it.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import type { Observation } from '../../../gateway/mirror/observation.ts';
import { isSlower } from '../../../gateway/mirror/timed.ts';
import { eventually } from '../../helpers/deadline.ts';
import { routeOn, startTestGateway } from '../../helpers/gateway.ts';
import { aFailure, anObservation } from '../../helpers/observations.ts';
import { sendJson, startUpstream } from '../../helpers/upstream.ts';

const pair = (legacy: Partial<Omit<Observation, 'body'>>, fresh: Partial<Omit<Observation, 'body'>>) => ({
  legacy: anObservation('legacy', legacy),
  new: anObservation('new', fresh),
  copied: 'new' as const,
});

describe('the new side', () => {
  test('is slower when its answer begins later than so many times as long as legacy took, and a millisecond', () => {
    assert.equal(isSlower(pair({ firstByteMs: 100 }, { firstByteMs: 152 }), 1.5), true);
    assert.equal(isSlower(pair({ firstByteMs: 100 }, { firstByteMs: 150.9 }), 1.5), false);
    assert.equal(isSlower(pair({ firstByteMs: 0.2 }, { firstByteMs: 1.2 }), 1.5), false);
    assert.equal(isSlower(pair({ firstByteMs: 100, durationMs: 1 }, { firstByteMs: 1, durationMs: 900 }), 1.5), false);
  });

  test('is nothing where a side has failed, or was not timed', () => {
    assert.equal(isSlower(pair({ firstByteMs: 1 }, { firstByteMs: 90, status: 500 }), 1.5), undefined);
    assert.equal(isSlower(pair({}, { firstByteMs: 90 }), 1.5), undefined);
    const failed = { legacy: aFailure('legacy', 'connect_failed'), new: anObservation('new', { firstByteMs: 9 }) };
    assert.equal(isSlower({ ...failed, copied: 'legacy' }, 1.5), undefined);
  });
});

describe('a gateway in live', () => {
  test('counts how often new was later than legacy with the copy of the same request, and not of writes', async () => {
    const legacy = await startUpstream((_, outgoing) => sendJson(outgoing, 200, {}));
    const fresh = await startUpstream(async (_, outgoing) => {
      await delay(300);
      sendJson(outgoing, 200, {});
    });
    const gateway = await startTestGateway({ legacy: legacy.url, new: fresh.url, routes: [routeOn('/a')] });
    try {
      const ifMatch = { 'if-match': '*' };
      await gateway.api('PUT', '/api/routes/test.route/stage', { stage: 'live', reason: 'test' }, ifMatch);
      await (await fetch(`${gateway.url}/a`)).text();
      await Promise.all(Array.from({ length: 4 }, async () => (await fetch(`${gateway.url}/a`)).text()));
      await (await fetch(`${gateway.url}/a`, { method: 'POST' })).text();
      const timed = await eventually(async () => {
        const { body } = await gateway.api('GET', '/api/routes/test.route/comparisons');
        return body.outcomes.match === 5 && body.timed;
      }, 'five comparisons');
      assert.deepEqual(timed, { pairs: 5, slower: 5 });
    } finally {
      await gateway.close();
      await legacy.close();
      await fresh.close();
    }
  });
});

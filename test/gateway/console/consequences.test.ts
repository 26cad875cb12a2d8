import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { RouteDetail } from '../../../gateway/console/answers.ts';
import { consequencesOf, dangerOf, type Target } from '../../../gateway/console/consequences.ts';

const SIDE = { requests: 0, errors: 0, perSecond: 0, errorShare: null, latencyMs: null };
const TO_CANARY: Target = { stage: 'canary', percent: 10, mirrorPercent: 100 };

/** As much of a route as consequences look at. */
type Given = Pick<RouteDetail, 'stage' | 'percent' | 'mirrorPercent' | 'streams'> & {
  readonly perSecond: number;
  readonly comparison: Pick<RouteDetail['comparison'], 'eligible' | 'parityLowerBound'>;
  readonly differences: RouteDetail['evidence']['differences'];
};

function aRoute(given: Partial<Given> = {}) {
  const { perSecond = 20, comparison, differences = [], streams, ...place } = given;
  const outcomes = { match: 90, ignored: 0, mismatch: 10, new_error: 0 };
  return {
    ...{ stage: 'shadow', percent: 0, mirrorPercent: 100, ...place },
    traffic: { legacy: { ...SIDE, perSecond }, new: SIDE },
    streams: streams ?? { legacy: 0, new: 0, oldSide: 0, oldest: null },
    comparison: { outcomes, ...(comparison ?? { eligible: 100, parityLowerBound: 0.999 }) },
    evidence: { differences },
    settings: { streams: { onFlip: 'drain' } },
  } as unknown as RouteDetail; // The rest says nothing of a move.
}

const texts = (route: RouteDetail, to: Target) => consequencesOf(route, to).map(({ text }) => text);

describe('what a move changes', () => {
  it('is told in requests a second, and in copies', () => {
    assert.deepEqual(texts(aRoute(), TO_CANARY), [
      'New serves 10 % of users instead of 0 %: about 2.0 of 20.0 requests a second go from legacy to new.',
      'The side that does not serve gets copies, and the answers are compared.',
    ]);
  });

  it('tells of open streams what the route does with them', () => {
    const streams = { legacy: 3, new: 0, oldSide: 0, oldest: null };
    const told = texts(aRoute({ streams }), TO_CANARY);
    assert.ok(
      told.includes('3 open streams may have to move: they are closed one by one and come back on the other side.'),
    );
  });

  it('warns where nothing was compared, where parity is low, and of what is critical', () => {
    const warned = (given: Partial<Given>) =>
      consequencesOf(aRoute(given), TO_CANARY).flatMap(({ text, tone }) => (tone === 'warn' ? [text] : []));
    assert.deepEqual(warned({ comparison: { eligible: 0, parityLowerBound: null } }), [
      'Nothing has been compared on this route yet.',
    ]);
    assert.deepEqual(warned({ comparison: { eligible: 100, parityLowerBound: 0.85 } }), [
      'Parity is only certain to be above 85.00 %, over 100 compared.',
    ]);
    const critical = {
      path: '$.fee',
      kind: 'changed',
      count: 12,
      noise: 0,
      confirmed: 0,
      share: 0.1,
      critical: true,
    } as const;
    assert.deepEqual(warned({ differences: [critical] }), ['Critical: $.fee differs (changed) in 12 requests.']);
    assert.deepEqual(warned({ differences: [{ ...critical, rule: '$.fee' }] }), []);
  });

  it('warns of nothing on the way back', () => {
    const back: Target = { stage: 'legacy', percent: 0, mirrorPercent: 0 };
    const route = aRoute({ stage: 'live', percent: 100, comparison: { eligible: 0, parityLowerBound: null } });
    assert.deepEqual(
      consequencesOf(route, back).map(({ tone }) => tone),
      ['plain', 'plain'],
    );
  });
});

describe('a move wants the name typed', () => {
  const at = (stage: RouteDetail['stage'], percent: number) => ({ stage, percent });

  it('where nothing has been compared', () => assert.equal(dangerOf(at('legacy', 0), TO_CANARY), 'typed'));
  it('where the way back is given up', () => {
    assert.equal(dangerOf(at('live', 100), { stage: 'complete', percent: 0, mirrorPercent: 0 }), 'typed');
  });
  it('and not otherwise', () => assert.equal(dangerOf(at('shadow', 0), TO_CANARY), 'plain'));
});

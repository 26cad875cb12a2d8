import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { type Asked, askBracketed } from '../../../gateway/mirror/bracket.ts';
import type { Observation } from '../../../gateway/mirror/observation.ts';
import type { Side } from '../../../gateway/routing/side.ts';
import { aFailure, anObservation } from '../../helpers/observations.ts';

interface Scene {
  readonly served: Side;
  /** How long ago the serving side was asked. */
  readonly sinceMs: number;
  readonly tookMs: Readonly<Record<Side, number>>;
  /** What the n-th copy to a side is answered. */
  readonly answers?: Readonly<Partial<Record<`${Side} ${number}`, Observation>>>;
}

/** Asks by a clock that moves only while a side answers, or somebody waits. */
async function ask({ served, sinceMs, tookMs, answers = {} }: Scene): Promise<{ asked: Asked; trail: string[] }> {
  let now = 1_000;
  const trail: string[] = [];
  const copies = { legacy: 0, new: 0 };
  const asked = await askBracketed({
    served: anObservation(served, { body: 'served' }),
    servedAtMs: now - sinceMs,
    nowMs: () => now,
    async wait(ms) {
      now += ms;
    },
    async send(side) {
      trail.push(`${side} at ${now - 1_000}`);
      now += tookMs[side];
      const name = `${side} ${++copies[side]}` as const;
      return answers[name] ?? anObservation(side, { body: name });
    },
  });
  return { asked, trail };
}
const bodies = ({ pair, again }: Asked) => [pair.legacy, pair.new, again].map((each) => each?.body?.toString());

describe('a bracketed request', () => {
  test('legacy serves, then new and legacy again, as far apart as the first two', async () => {
    const { asked, trail } = await ask({ served: 'legacy', sinceMs: 30, tookMs: { legacy: 5, new: 5 } });
    assert.deepEqual(trail, ['new at 0', 'legacy at 30']);
    assert.deepEqual(bodies(asked), ['served', 'new 1', 'legacy 1']);
  });

  test('new answers later than the gap, then legacy only after it: the two legacy answers enclose it', async () => {
    const { trail } = await ask({ served: 'legacy', sinceMs: 30, tookMs: { legacy: 5, new: 100 } });
    assert.deepEqual(trail, ['new at 0', 'legacy at 100']);
  });

  test('new serves, then legacy, new again between, and legacy again; what was served is not compared', async () => {
    const { asked, trail } = await ask({ served: 'new', sinceMs: 30, tookMs: { legacy: 20, new: 5 } });
    assert.deepEqual(trail, ['legacy at 0', 'new at 20', 'legacy at 40']);
    assert.deepEqual(bodies(asked), ['legacy 1', 'new 1', 'legacy 2']);
  });

  test('too long ago, then legacy is not asked again', async () => {
    const { asked, trail } = await ask({ served: 'legacy', sinceMs: 1_001, tookMs: { legacy: 5, new: 5 } });
    assert.deepEqual(trail, ['new at 0']);
    assert.deepEqual(bodies(asked), ['served', 'new 1', undefined]);
  });

  const failures: readonly (readonly [name: string, scene: Pick<Scene, 'served' | 'answers'>, sent: string[]])[] = [
    ['new fails', { served: 'legacy', answers: { 'new 1': aFailure('new', 'upstream_timeout') } }, ['new']],
    ['new answers 500', { served: 'legacy', answers: { 'new 1': anObservation('new', { status: 500 }) } }, ['new']],
    ['legacy fails', { served: 'new', answers: { 'legacy 1': aFailure('legacy', 'upstream_reset') } }, ['legacy']],
  ];
  for (const [name, scene, sent] of failures) {
    test(`${name}, then it is left at that`, async () => {
      const { asked, trail } = await ask({ sinceMs: 10, tookMs: { legacy: 5, new: 5 }, ...scene });
      assert.deepEqual(
        trail.map((text) => text.split(' ')[0]),
        sent,
      );
      assert.equal(asked.again, undefined);
    });
  }

  test('a later answer fails, then what was served is compared as though nobody had asked again', async () => {
    const times = { sinceMs: 10, tookMs: { legacy: 5, new: 5 } };
    const newAgain = await ask({ served: 'new', ...times, answers: { 'new 1': aFailure('new', 'upstream_timeout') } });
    assert.deepEqual(bodies(newAgain.asked), ['legacy 1', 'served', undefined]);
    const last = await ask({
      served: 'new',
      ...times,
      answers: { 'legacy 2': anObservation('legacy', { status: 503 }) },
    });
    assert.deepEqual(bodies(last.asked), ['legacy 1', 'served', undefined]);
  });
});

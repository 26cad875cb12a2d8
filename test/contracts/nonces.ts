import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { after, before, describe, test } from 'node:test';
import type { Nonces } from '../../backend/shadow/nonces.ts';

/** Two instances that share one memory (or are one), and a way to end them. */
export type NoncesSubject = {
  readonly instances: readonly [Nonces, Nonces];
  readonly close: () => Promise<void>;
};

/** The port's promises, for any implementation. */
export function noncesContract(name: string, start: () => Promise<NoncesSubject>): void {
  describe(`nonces contract: ${name}`, () => {
    let subject: NoncesSubject;
    before(async () => {
      subject = await start();
    });
    after(() => subject.close());
    const nonce = () => randomBytes(16).toString('hex');

    test('a nonce comes twice, then the second one is a replay, at whichever instance', async () => {
      const [one, other] = subject.instances;
      const [nowMs, seen] = [Date.now(), nonce()];
      assert.equal(await one.take(seen, nowMs, nowMs), 'fresh');
      assert.equal(await one.take(seen, nowMs, nowMs), 'replayed');
      assert.equal(await other.take(seen, nowMs, nowMs), 'replayed');
      assert.equal(await other.take(nonce(), nowMs, nowMs), 'fresh');
    });

    test('a nonce comes many times at once, then exactly one of them is fresh', async () => {
      const [nowMs, seen] = [Date.now(), nonce()];
      const takes = Array.from({ length: 50 }, (_, i) =>
        subject.instances[i % 2 === 0 ? 0 : 1].take(seen, nowMs, nowMs),
      );
      const verdicts = await Promise.all(takes);
      assert.equal(verdicts.filter((verdict) => verdict === 'fresh').length, 1);
    });
  });
}

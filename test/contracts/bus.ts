import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { Bus } from '../../backend/bus/bus.ts';
import { eventually } from '../helpers/deadline.ts';

export type BusSubject = {
  readonly bus: Bus;
  /** Operations of the failures reported so far. */
  readonly raised: readonly string[];
  readonly drops: () => number;
  readonly close: () => Promise<void>;
};

/** The port's promises, for any implementation. `start` gives a bus that can publish. */
export function busContract(name: string, start: () => Promise<BusSubject>): void {
  describe(`bus contract: ${name}`, () => {
    let subject: BusSubject;
    before(async () => {
      subject = await start();
    });
    after(() => subject.close());

    test('messages arrive in order at every listener of their channel, and at no other', async () => {
      const { bus } = subject;
      const [one, two, other]: [string[], string[], string[]] = [[], [], []];
      await bus.subscribe('orders:a', (message) => one.push(message));
      await bus.subscribe('orders:a', (message) => two.push(message));
      await bus.subscribe('orders:b', (message) => other.push(message));
      const sent = Array.from({ length: 100 }, (_, i) => `message ${i} ünïcödé`);
      for (const message of sent) bus.publish('orders:a', message);
      bus.publish('orders:b', 'end');
      await eventually(() => other.length === 1 && two.length === 100 && one.length === 100, 'all messages');
      assert.deepEqual(one, sent);
      assert.deepEqual(two, sent);
      assert.deepEqual(other, ['end']);
    });

    test('a listener that left hears no more, and the others still do', async () => {
      const { bus } = subject;
      const [left, stayed]: [string[], string[]] = [[], []];
      const unsubscribe = await bus.subscribe('orders:c', (message) => left.push(message));
      await bus.subscribe('orders:c', (message) => stayed.push(message));
      bus.publish('orders:c', 'one');
      await eventually(() => left.length === 1 && stayed.length === 1, 'the first message');
      await unsubscribe();
      bus.publish('orders:c', 'two');
      await eventually(() => stayed.length === 2, 'the second message');
      assert.deepEqual(left, ['one']);
    });

    test('a listener that throws is reported and harms no other', async () => {
      const { bus, raised } = subject;
      const heard: string[] = [];
      await bus.subscribe('orders:d', () => {
        throw new Error('a bad listener');
      });
      await bus.subscribe('orders:d', (message) => heard.push(message));
      bus.publish('orders:d', 'one');
      await eventually(() => heard.length === 1, 'the message');
      assert.deepEqual(raised, ['bus.listener']);
    });

    test('publishing to nobody is fine; after closing it is a counted drop', async () => {
      const { bus, drops } = subject;
      assert.equal(await bus.ping(), undefined);
      bus.publish('orders:nobody', 'unheard');
      assert.equal(drops(), 0);
      await bus.close();
      bus.publish('orders:a', 'too late');
      assert.equal(drops(), 1);
      assert.notEqual(await bus.ping(), undefined);
    });
  });
}

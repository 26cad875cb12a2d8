import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { Bus } from '../../backend/bus/bus.ts';
import { HISTORY_MAX, idOf, isNext, newsOf } from '../../backend/bus/news.ts';
import { eventually } from '../helpers/deadline.ts';

export type BusSubject = {
  readonly bus: Bus;
  /** Another instance's, where there can be one. */
  readonly another?: Bus;
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

    test('channels are named while anybody listens to them, in whichever instance', async () => {
      const { bus, another = bus } = subject;
      assert.deepEqual(await another.listened('token_info:'), []);
      const leave = await bus.subscribe('token_info:A', () => {});
      await bus.subscribe('other:A', () => {});
      assert.deepEqual(await another.listened('token_info:'), ['token_info:A']);
      await leave();
      assert.deepEqual(await another.listened('token_info:'), []);
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

    test('news of several instances have one sequence, arrive in its order, and are kept', async () => {
      const { bus, another = bus } = subject;
      const heard: string[] = [];
      await bus.subscribe('market:A', (message) => heard.push(message));
      for (let i = 0; i < 50; i++) {
        bus.tell('market:A', 'market_update', { price: `${i}`, by: 'one "é"' });
        another.tell('market:A', 'market_update', { price: `${i}`, by: 'another' });
      }
      await eventually(() => heard.length === 100, 'all news');
      const news = heard.flatMap((text) => newsOf(text) ?? []);
      assert.deepEqual(
        news.map(({ seq }) => seq),
        Array.from({ length: 100 }, (_, i) => i + 1),
      );
      assert.deepEqual(await another.recent('market:A'), news);
      const [first] = news;
      assert.ok(first);
      const { timestamp, ...envelope } = JSON.parse(first.text);
      assert.equal(typeof timestamp, 'number');
      assert.equal(envelope.type, 'market_update');
      assert.deepEqual([envelope.seq, envelope.id], [1, idOf(first)]);
    });

    test('more news than are kept, then the latest are', async () => {
      const { bus } = subject;
      const count = 2 * HISTORY_MAX;
      const upTo = (seq: number) =>
        eventually(async () => {
          const kept = await bus.recent('market:B');
          return kept.at(-1)?.seq === seq && kept;
        }, `news ${seq}`);
      // A part at a time: a Redis in JavaScript on a busy machine takes longer for all than a command may.
      for (let i = 1; i <= count; i++) {
        bus.tell('market:B', 'market_update', { i });
        if (i % 64 === 0) await upTo(i);
      }
      const recent = await upTo(count);
      assert.equal(recent.length, HISTORY_MAX);
      assert.ok(recent.every((news, i) => i === 0 || isNext(news, recent[i - 1] ?? news)));
    });

    test('news that are too long are dropped, counted, and leave a hole in the numbers', async () => {
      const { bus, drops } = subject;
      const before = drops();
      bus.tell('market:C', 'market_update', { i: 1 });
      bus.tell('market:C', 'market_update', { i: 'x'.repeat(20_000) });
      bus.tell('market:C', 'market_update', { i: 3 });
      const recent = await eventually(async () => {
        const kept = await bus.recent('market:C');
        return kept.length === 2 && kept;
      }, 'both news');
      assert.deepEqual(
        recent.map(({ seq }) => seq),
        [1, 3],
      );
      assert.equal(drops() - before, 1);
    });

    test('news told once under their key are told once, by whichever instance and however often', async () => {
      const { bus, another = bus } = subject;
      const heard: string[] = [];
      await bus.subscribe('migrations:A', (message) => heard.push(message));
      const tellings = [bus, another, bus, another].map((each) =>
        each.tellOnce('key', 'migrations:A', 'migration', { i: 1 }),
      );
      const told = await Promise.all(tellings);
      assert.deepEqual(told.filter(Boolean).length, 1);
      assert.equal(await bus.tellOnce('another key', 'migrations:A', 'migration', { i: 2 }), true);
      await eventually(() => heard.length === 2, 'both news');
      assert.deepEqual(
        heard.map((text) => [JSON.parse(text).seq, JSON.parse(text).data.i]),
        [
          [1, 1],
          [2, 2],
        ],
      );
      assert.equal((await another.recent('migrations:A')).length, 2);
    });

    test('told under no fence: as any news, and a number left out shows', async () => {
      const { bus } = subject;
      const newsroom = bus.under(undefined);
      newsroom.tell('market:D', 'market_update', { i: 1 });
      newsroom.skip('market:D');
      newsroom.tell('market:D', 'market_update', { i: 3 });
      assert.equal(await newsroom.tellOnce('under', 'market:D', 'market_update', { i: 4 }), true);
      assert.equal(await bus.tellOnce('under', 'market:D', 'market_update', { i: 5 }), false);
      assert.deepEqual(
        (await bus.recent('market:D')).map(({ seq }) => seq),
        [1, 3, 4],
      );
    });

    test('publishing to nobody is fine; after closing it is a counted drop', async () => {
      const { bus, drops } = subject;
      const before = drops();
      assert.equal(await bus.ping(), undefined);
      bus.publish('orders:nobody', 'unheard');
      assert.equal(drops(), before);
      await bus.close();
      bus.publish('orders:a', 'too late');
      bus.tell('orders:a', 'order', {});
      assert.equal(drops() - before, 2);
      await assert.rejects(bus.tellOnce('late', 'orders:a', 'order', {}));
      assert.notEqual(await bus.ping(), undefined);
    });
  });
}

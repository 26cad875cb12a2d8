// Comparing streams over real sockets: each difference is found exactly where it was planted, on event streams and on
// WebSockets alike, and equal streams give none.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { type Closable, closingAfterEach } from '../../helpers/closing.ts';
import { eventually } from '../../helpers/deadline.ts';
import type { TestGateway } from '../../helpers/gateway.ts';
import {
  type ComparingGiven,
  connectEvents,
  connectSocket,
  counted,
  found,
  type ScriptedSide,
  type ScriptedStream,
  settled,
  startComparing,
  startEventsSide,
  startSocketsSide,
  streamsOf,
  WINDOW_MS,
} from './compared.ts';

const kept = closingAfterEach();

interface Kind {
  start(): Promise<ScriptedSide>;
  connect(gateway: TestGateway): Promise<Closable>;
}

const KINDS: Readonly<Record<string, Kind>> = {
  'event streams': { start: startEventsSide, connect: connectEvents },
  WebSockets: { start: startSocketsSide, connect: connectSocket },
};

for (const [name, { start, connect }] of Object.entries(KINDS)) {
  /** A client with a stream, and both sides' ends of it. */
  const opened = async (given: ComparingGiven = {}) => {
    const [legacy, fresh] = [await kept(start()), await kept(start())];
    const gateway = await kept(startComparing({ legacy, new: fresh }, given));
    const client = await kept(connect(gateway));
    const both = [await legacy.stream(), await fresh.stream()] as const;
    return { gateway, client, legacy: both[0], fresh: both[1], both, sides: { legacy, new: fresh } };
  };
  const sendAll = (stream: ScriptedStream, ids: readonly string[]) => ids.map((id) => stream.send({ id, price: 1 }));

  describe(`comparing ${name}`, () => {
    it('finds nothing in two that say the same', async () => {
      const { gateway, both } = await opened();
      await settled(gateway, both);
      for (const each of both) sendAll(each, ['a', 'b', 'c', 'd']);
      const streams = await found(gateway, ({ messages }) => messages.match === 5, 'five pairs');
      assert.deepEqual(counted(streams), { match: 5 });
      assert.deepEqual([streams.begun, streams.refused, streams.ended], [1, {}, {}]);
      assert.deepEqual([streams.differences, streams.samples], [[], []]);
      const { p50 = 0, p99 = 0 } = streams.lagMs ?? {};
      assert.ok(Math.abs(p50) < WINDOW_MS && Math.abs(p99) < WINDOW_MS, JSON.stringify(streams.lagMs));
    });

    it('finds the message that the new side lacks, and the one that only it sends', async () => {
      const { gateway, both, legacy, fresh } = await opened();
      await settled(gateway, both);
      sendAll(legacy, ['a', 'b', 'c']);
      sendAll(fresh, ['a', 'c', 'x']);
      const isThere = ({ messages }: { messages: { missing: number; extra: number } }) =>
        messages.missing + messages.extra === 2;
      const streams = await found(gateway, isThere, 'both findings');
      assert.deepEqual(counted(streams), { match: 3, missing: 1, extra: 1 });
      const shown = streams.samples.map(({ outcome, legacy: a, new: b }) => [outcome, a, b]);
      assert.deepEqual(shown.toSorted(), [
        ['extra', null, '{"id":"x","price":1}'],
        ['missing', '{"id":"b","price":1}', null],
      ]);
    });

    it('finds the message that was overtaken', async () => {
      const { gateway, both, legacy, fresh } = await opened();
      await settled(gateway, both);
      sendAll(legacy, ['a', 'b', 'c', 'd']);
      sendAll(fresh, ['a', 'c', 'b', 'd']);
      const streams = await found(gateway, ({ messages }) => messages.match === 5, 'five pairs');
      assert.deepEqual(counted(streams), { match: 5, reordered: 1 });
    });

    it('finds the message that comes after the window', async () => {
      const { gateway, both, legacy, fresh } = await opened();
      await settled(gateway, both);
      sendAll(legacy, ['a', 'b']);
      sendAll(fresh, ['a']);
      await delay(WINDOW_MS + 50);
      sendAll(fresh, ['b']);
      const streams = await found(gateway, ({ messages }) => messages.match === 3, 'three pairs');
      assert.deepEqual(counted(streams), { match: 3, late: 1 });
      assert.ok((streams.lagMs?.p99 ?? 0) > WINDOW_MS);
    });

    it('finds the value that differs, under the rules of the route, and shows no secret', async () => {
      const reviewed = { reason: 'test', owner: 'tests' };
      const compare = { ignore: [{ path: '$.at', ...reviewed }], critical: ['$.price'] };
      const { gateway, both, legacy, fresh } = await opened({ route: { compare } });
      await settled(gateway, both);
      legacy.send({ id: 'a', price: 1, at: 1, api_key: 'mine' });
      fresh.send({ id: 'a', price: 2, at: 2, api_key: 'mine' });
      legacy.send({ id: 'b', price: 1, at: 1 });
      fresh.send({ id: 'b', price: 1.0, at: 2 });
      const streams = await found(gateway, ({ messages }) => messages.ignored === 1, 'three pairs');
      assert.deepEqual(counted(streams), { match: 1, ignored: 1, different: 1 });
      assert.deepEqual(streams.differences, [
        { path: '$.at', kind: 'changed', count: 2, critical: false, rule: '$.at' },
        { path: '$.price', kind: 'changed', count: 1, critical: true },
      ]);
      assert.deepEqual(
        streams.samples.map(({ outcome }) => outcome),
        ['different'],
      );
      assert.ok(!JSON.stringify(streams.samples).includes('mine'));
      const metrics = (await gateway.api('GET', '/metrics')).body;
      const line = /banyan_compared_stream_messages_total\{route="test\.route",outcome="different"\} 1/;
      assert.match(metrics, line);
      assert.match(metrics, /banyan_compared_streams_total\{route="test\.route",outcome="begun"\} 1/);
      assert.match(metrics, /banyan_compared_stream_lag_seconds_count\{route="test\.route"\} 3/);
    });

    it('opens the other side as the client asked, marked as a copy, and ends it with the client', async () => {
      const { gateway, client, fresh } = await opened();
      assert.equal(fresh.incoming.headers['x-banyan-copy'], '1');
      assert.equal(fresh.incoming.headers['x-user-id'], 'u');
      assert.ok(['/events', '/ws'].includes(fresh.incoming.url ?? ''));
      client.close();
      await eventually(() => fresh.isClosed, 'the other stream to be closed');
      assert.deepEqual((await streamsOf(gateway))?.ended, { client_stream: 1 });
    });

    it('ends with a rollback, and leaves the client its stream', async () => {
      const { gateway, both, legacy, fresh } = await opened();
      await settled(gateway, both);
      await gateway.api('POST', '/api/routes/test.route/rollback', { reason: 'test' });
      await eventually(() => fresh.isClosed, 'the other stream to be closed');
      assert.equal(legacy.isClosed, false);
    });

    it('ends when the gateway stops', async () => {
      const { gateway, fresh } = await opened();
      const stopping = gateway.close();
      await eventually(() => fresh.isClosed, 'the other stream to be closed');
      await stopping;
    });

    it('ends after as many messages as it may compare', async () => {
      const { gateway, both, fresh } = await opened({ compare: { messagesMax: 3 } });
      for (const each of both) sendAll(each, ['a', 'b', 'c', 'd', 'e']);
      const streams = await found(gateway, ({ ended }) => ended.messages_max === 1, 'the end');
      assert.equal(streams.messages.match + streams.messages.unsettled, 3);
      await eventually(() => fresh.isClosed, 'the other stream to be closed');
    });

    it('ends after as long as it may compare', async () => {
      // Long enough for a busy machine to open the other side's stream before it ends.
      const { gateway, fresh } = await opened({ compare: { durationMs: 2_000 } });
      await found(gateway, ({ ended }) => ended.duration_max === 1, 'the end');
      await eventually(() => fresh.isClosed, 'the other stream to be closed');
    });

    it('compares no more streams at once than it may', async () => {
      const { gateway, sides } = await opened({ compare: { streamsMax: 1 } });
      await kept(connect(gateway));
      await sides.legacy.stream(1);
      const streams = await found(gateway, ({ refused }) => refused.streams_max === 1, 'the refusal');
      assert.equal(streams.begun, 1);
      assert.equal(sides.new.streams.length, 1);
    });

    it('compares only what is to be copied', async () => {
      const [legacy, fresh] = [await kept(start()), await kept(start())];
      const gateway = await kept(startComparing({ legacy, new: fresh }, { stage: 'legacy' }));
      await kept(connect(gateway));
      await legacy.stream();
      assert.equal(await streamsOf(gateway), undefined);
      assert.equal(fresh.streams.length, 0);
    });

    it('has the new side serve and legacy compared in the stage live', async () => {
      const { gateway, both, legacy } = await opened({ stage: 'live' });
      assert.equal(legacy.incoming.headers['x-banyan-copy'], '1');
      await settled(gateway, both);
      legacy.send({ id: 'a' });
      const streams = await found(gateway, ({ messages }) => messages.missing === 1, 'the finding');
      assert.deepEqual(counted(streams), { match: 1, missing: 1 });
    });
  });
}

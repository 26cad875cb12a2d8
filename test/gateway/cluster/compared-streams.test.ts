// What workers find in comparing streams, as one.
import assert from 'node:assert/strict';
import { request } from 'node:http';
import { describe, it } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { SAMPLES_EACH } from '../../../gateway/mirror/sample-shelf.ts';
import type { StreamEvidence } from '../../../gateway/mirror/stream-evidence.ts';
import { closingAfterEach } from '../../helpers/closing.ts';
import { eventually } from '../../helpers/deadline.ts';
import { type ScriptedSide, startEventsSide } from '../streams/compared.ts';
import { startWorkers } from './start-workers.ts';

const kept = closingAfterEach();
const WORKERS = 2;
const CLIENTS = 8;
const WINDOW_MS = 500;
/** However busy the machine is. */
const UNHURRIED = { mirror: { compareCpuPercent: 100 } };

/** A client of an event stream on a connection of its own, so that any worker may get it. */
function listen(url: string) {
  const outgoing = request(`${url}/events`, { agent: false, headers: { accept: 'text/event-stream' } }, (incoming) => {
    incoming.on('error', () => {});
    incoming.resume();
  });
  outgoing.on('error', () => {});
  outgoing.end();
  return { close: () => void outgoing.destroy() };
}

describe('streams that are compared by several workers', () => {
  it('are counted together, with their differences, lags and samples', async () => {
    const sides = { legacy: await kept(startEventsSide()), new: await kept(startEventsSide()) };
    const compare = { key: ['$.id'], windowMs: WINDOW_MS, streamsMax: WORKERS * CLIENTS };
    const match = { methods: ['GET'], path: '/events' };
    const routes = [{ id: 'feed', initialStage: 'shadow', match, streams: { compare } }];
    const gateway = await kept(startWorkers({ workers: WORKERS, sides, routes, overrides: UNHURRIED }));
    const evidence = async (): Promise<StreamEvidence | undefined> =>
      (await gateway.api('GET', '/api/routes/feed/comparisons')).body.streams;
    for (let i = 0; i < CLIENTS; i++) await kept(listen(gateway.url));
    const all = (side: ScriptedSide) => side.streams.length === CLIENTS;
    await eventually(() => all(sides.legacy) && all(sides.new), 'all streams of both sides');
    const say = (side: ScriptedSide, message: object) => {
      for (const stream of side.streams) stream.send(message);
    };
    for (const side of [sides.legacy, sides.new]) say(side, { id: 'first' });
    await delay(WINDOW_MS + 50);
    say(sides.legacy, { id: 'a', price: 1 });
    say(sides.new, { id: 'a', price: 2 });
    const streams = await eventually(async () => {
      const now = await evidence();
      return now && now.messages.match + now.messages.different === 2 * CLIENTS && now;
    }, 'all messages');
    assert.equal(streams.begun, CLIENTS);
    assert.equal(streams.messages.different, CLIENTS);
    assert.deepEqual(streams.differences, [{ path: '$.price', kind: 'changed', count: CLIENTS, critical: false }]);
    assert.ok(streams.lagMs);
    const different = streams.samples.filter(({ outcome }) => outcome === 'different').length;
    assert.ok(different >= SAMPLES_EACH && different <= CLIENTS, `${different} samples`);
    assert.equal(await gateway.metric('banyan_compared_stream_messages_total', 'outcome="different"'), CLIENTS);
  });
});

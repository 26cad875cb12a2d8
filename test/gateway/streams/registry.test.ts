import assert from 'node:assert/strict';
import { afterEach, beforeEach, describe, it, mock } from 'node:test';
import { createStreamRegistry, type StreamInfo } from '../../../gateway/streams/registry.ts';

type Policy = Parameters<typeof createStreamRegistry>[0]['policyOf'] extends (id: string) => infer P ? P : never;

describe('the stream registry', () => {
  let side: 'legacy' | 'new' | undefined;
  let version: string | undefined;
  let policy: Policy;
  let closed: { name: string; code: number; deadlineMs: number }[];
  let gauges: Record<string, number>;
  beforeEach(() => {
    mock.timers.enable({ apis: ['setTimeout'] });
    side = 'legacy';
    version = 'blue';
    policy = { onFlip: 'drain', drainMs: 1_000, jitterMs: 400 };
    closed = [];
    gauges = {};
  });

  afterEach(() => mock.timers.reset());

  function create(streamsMax?: number) {
    const count = (name: string, change: number) => {
      gauges[name] = (gauges[name] ?? 0) + change;
    };
    return createStreamRegistry({
      sideOf: () => side,
      versionOf: () => version,
      policyOf: () => policy,
      random: () => 0.5,
      metrics: {
        open: ({ side, kind }, change) => count(`${side} ${kind}`, change),
        oldSide: (_, change) => count('old', change),
      },
      ...(streamsMax === undefined ? {} : { streamsMax }),
    });
  }

  function stream(name: string, given: Partial<StreamInfo> = {}): StreamInfo {
    return {
      ...{ routeId: 'r', kind: 'websocket', side: 'legacy', decided: 'legacy', identity: 'u', pinned: undefined },
      version: undefined,
      startedAt: new Date('2026-01-05T10:00:00Z'),
      close: (how) => void closed.push({ name, ...how }),
      ...given,
    };
  }

  it('counts open streams by side, and says since when', () => {
    const registry = create();
    const remove = registry.add(stream('a'));
    registry.add(
      stream('b', { side: 'new', decided: 'new', kind: 'sse', startedAt: new Date('2026-01-05T11:00:00Z') }),
    );
    assert.deepEqual(registry.counts('r'), { legacy: 1, new: 1, oldSide: 1, oldest: '2026-01-05T10:00:00.000Z' });
    remove();
    remove();
    assert.deepEqual(registry.counts('r'), { legacy: 0, new: 1, oldSide: 1, oldest: '2026-01-05T11:00:00.000Z' });
    assert.deepEqual(gauges, { 'legacy websocket': 0, 'new sse': 1, old: 1 });
    assert.deepEqual(registry.counts('other'), { legacy: 0, new: 0, oldSide: 0, oldest: null });
  });

  it('flipped, then a draining stream closes after its jitter, with the rest of the time', () => {
    const registry = create();
    registry.add(stream('a'));
    side = 'new';
    registry.redecide();
    assert.equal(registry.counts('r').oldSide, 1);
    mock.timers.tick(199);
    assert.deepEqual(closed, []);
    mock.timers.tick(1);
    assert.deepEqual(closed, [{ name: 'a', code: 1012, deadlineMs: 800 }]);
    registry.redecide();
    assert.equal(closed.length, 1);
  });

  it('its version gone, then a stream of the new side closes, and one of legacy stays', () => {
    const registry = create();
    side = 'new';
    registry.add(stream('old', { side: 'new', decided: 'new', version: 'blue' }));
    registry.add(stream('legacy', { version: 'blue', decided: 'new' }));
    version = 'green';
    registry.redecide();
    mock.timers.tick(200);
    assert.deepEqual(closed, [{ name: 'old', code: 1012, deadlineMs: 800 }]);
  });

  it('flipped back before a close has begun, then the stream stays', () => {
    const registry = create();
    registry.add(stream('a'));
    side = 'new';
    registry.redecide();
    mock.timers.tick(199);
    side = 'legacy';
    registry.redecide();
    mock.timers.tick(1_000);
    assert.deepEqual(closed, []);
    assert.equal(registry.counts('r').oldSide, 0);
    assert.equal(gauges.old, 0);
  });

  it('flipped with pin, then the stream stays and is counted as on the old side', () => {
    policy = { ...policy, onFlip: 'pin' };
    const registry = create();
    const remove = registry.add(stream('a'));
    side = 'new';
    registry.redecide();
    mock.timers.tick(60_000);
    assert.deepEqual(closed, []);
    assert.deepEqual(gauges, { 'legacy websocket': 1, old: 1 });
    remove();
    assert.deepEqual(gauges, { 'legacy websocket': 0, old: 0 });
  });

  it('flipped while a stream was being opened, then it closes like the others', () => {
    policy = { ...policy, onFlip: 'close' };
    const registry = create();
    side = 'new';
    registry.add(stream('late'));
    assert.deepEqual(closed, [{ name: 'late', code: 1012, deadlineMs: 2_000 }]);
  });

  it('leaves a stream alone that is on another side than decided, because that side stood in', () => {
    policy = { ...policy, onFlip: 'close' };
    const registry = create();
    registry.add(stream('a', { side: 'new', decided: 'legacy' }));
    registry.redecide();
    side = 'new';
    registry.redecide();
    assert.deepEqual(closed, []);
    assert.equal(registry.counts('r').oldSide, 0);
  });

  it('leaves a stream alone whose route is gone', () => {
    policy = { ...policy, onFlip: 'close' };
    const registry = create();
    registry.add(stream('a'));
    side = undefined;
    registry.redecide();
    assert.deepEqual(closed, []);
  });

  it('removed while its close was planned, then nothing is closed', () => {
    const registry = create();
    const remove = registry.add(stream('a'));
    side = 'new';
    registry.redecide();
    remove();
    mock.timers.tick(1_000);
    assert.deepEqual(closed, []);
  });

  it('drained, then pinned streams and those yet to come close as well', () => {
    policy = { onFlip: 'pin', drainMs: 30_000, jitterMs: 0 };
    const registry = create();
    registry.add(stream('a'));
    registry.drain(5_000);
    registry.add(stream('b'));
    assert.deepEqual(
      closed.map(({ name, code }) => [name, code]),
      [
        ['a', 1001],
        ['b', 1001],
      ],
    );
  });

  it('full, then it has no room and takes no more', () => {
    const registry = create(1);
    const remove = registry.add(stream('a'));
    assert.equal(registry.hasRoom, false);
    assert.throws(() => registry.add(stream('b')), /more than 1 streams would be open/);
    remove();
    assert.equal(registry.hasRoom, true);
  });
});

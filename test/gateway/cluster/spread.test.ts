// Versions, acknowledgements and deadlines, without processes.
import assert from 'node:assert/strict';
import { afterEach, beforeEach, describe, it, mock } from 'node:test';
import type { SharedState, ToWorker } from '../../../gateway/cluster/messages.ts';
import { createSpread, type Follower } from '../../../gateway/cluster/spread.ts';
import { aGatewayConfig } from '../../helpers/gateway-config.ts';

const FOLLOW_TIMEOUT_MS = 1_000;

const healthy = { healthy: true, problem: undefined };
const initial: SharedState = {
  versions: null,
  config: aGatewayConfig(),
  features: { version: 2, features: [] },
  forced: { all: undefined, routes: {} },
  health: { legacy: healthy, new: healthy },
};

/** A follower that keeps what it is sent; `dismissed` counts how often it was. */
function aFollower() {
  const messages: ToWorker[] = [];
  const follower = {
    messages,
    dismissed: 0,
    send: (message: ToWorker) => void messages.push(message),
    dismiss: () => void follower.dismissed++,
  } satisfies Follower & { messages: ToWorker[]; dismissed: number };
  return follower;
}

describe('a change', () => {
  beforeEach(() => mock.timers.enable({ apis: ['setTimeout'] }));
  afterEach(() => mock.timers.reset());

  function aSpread(followers: number) {
    let state = initial;
    const spread = createSpread({ state: () => state });
    const all = Array.from({ length: followers }, aFollower);
    for (const follower of all) {
      spread.add(follower);
      spread.applied(follower, 1);
      assert.equal(spread.admit(follower), true);
    }
    const force = (side: 'legacy' | 'new' | undefined) => {
      state = { ...state, forced: { all: side, routes: {} } };
      return spread.publish();
    };
    return { spread, all, force };
  }

  it('is sent to all, only what changed of it, and settles when the last has acknowledged', async () => {
    const { spread, all, force } = aSpread(2);
    const settled = force('legacy');
    for (const { messages } of all) {
      assert.deepEqual(messages.at(-1), {
        kind: 'change',
        version: 2,
        change: { forced: { all: 'legacy', routes: {} } },
      });
    }
    let isSettled = false;
    void settled.then(() => (isSettled = true));
    spread.applied(all[0] as Follower, 2);
    await Promise.resolve();
    assert.equal(isSettled, false);
    spread.applied(all[1] as Follower, 2);
    assert.deepEqual(await settled, { version: 2, workers: 2, of: 2 });
  });

  it('that is none is sent to nobody, and settles with what is in force', async () => {
    const { spread, all } = aSpread(2);
    assert.deepEqual(await spread.publish(), { version: 1, workers: 2, of: 2 });
    assert.ok(all.every(({ messages }) => messages.length === 1));
  });

  it('waits for one that was published before and is not followed yet', async () => {
    const { spread, all, force } = aSpread(1);
    const first = force('legacy');
    const again = spread.publish();
    spread.applied(all[0] as Follower, 2);
    assert.deepEqual(await Promise.all([first, again]), [
      { version: 2, workers: 1, of: 1 },
      { version: 2, workers: 1, of: 1 },
    ]);
  });

  it('dismisses who does not follow in time, and settles once it is gone', async () => {
    const { spread, all, force } = aSpread(2);
    const settled = force('legacy');
    spread.applied(all[0] as Follower, 2);
    mock.timers.tick(FOLLOW_TIMEOUT_MS - 1);
    assert.equal(all[1]?.dismissed, 0);
    mock.timers.tick(1);
    assert.deepEqual(
      all.map(({ dismissed }) => dismissed),
      [0, 1],
    );
    spread.remove(all[1] as Follower);
    assert.deepEqual(await settled, { version: 2, workers: 1, of: 2 });
  });

  it('is not held up for ever by one that cannot even be ended', async () => {
    const { force } = aSpread(1);
    const settled = force('legacy');
    mock.timers.tick(FOLLOW_TIMEOUT_MS);
    mock.timers.tick(FOLLOW_TIMEOUT_MS);
    assert.deepEqual(await settled, { version: 2, workers: 0, of: 1 });
  });

  it('reaches who has just begun, and lets it serve only once it follows what is in force', async () => {
    const { spread, force } = aSpread(0);
    const late = aFollower();
    spread.add(late);
    assert.deepEqual(
      await force('legacy'),
      { version: 2, workers: 0, of: 0 },
      'nobody serves, so nobody is waited for',
    );
    spread.applied(late, 1);
    assert.equal(spread.admit(late), false);
    spread.applied(late, 2);
    assert.equal(spread.admit(late), true);
    assert.equal(spread.admit(late), false, 'it is told once');
    assert.deepEqual(
      late.messages.map(({ kind }) => kind),
      ['state', 'change'],
    );
  });
});

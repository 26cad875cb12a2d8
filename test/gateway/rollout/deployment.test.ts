// What a deployment does next, by what both versions have served.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { deploy } from '../../../config/deploy-schema.ts';
import {
  type Deployment,
  type DeploymentFacts,
  deploymentIn,
  documentOf,
  nextMove,
} from '../../../gateway/rollout/deployment.ts';
import { Durations } from '../../../gateway/rollout/durations.ts';

const LIMITS = deploy.parse({
  versions: { blue: 'http://127.0.0.1:1', green: 'http://127.0.0.1:2' },
  ...{ canaryMs: 1_000, watchMs: 2_000, samplesMin: 30 },
});
const CANARY: Deployment = {
  ...{ from: 'blue', to: 'green', status: 'canary', percent: 10 },
  ...{ enteredAt: '2026-01-05T10:00:00.000Z', actor: 'ops', reason: 'release' },
};
const WATCHING: Deployment = { ...CANARY, status: 'watching' };

function served(requests: number, errors: number, ms = 10) {
  const durations = new Durations();
  for (let i = 0; i < requests; i++) durations.add(ms);
  return { requests, errors, durations };
}

function facts(given: Partial<DeploymentFacts> = {}): DeploymentFacts {
  const windows = [{ legacy: served(500, 0), new: served(100, 0) }];
  return { windows, requests: 100, healthy: { from: true, to: true }, ageMs: 5_000, ...given };
}

describe('a deployment', () => {
  it('goes on from the canary, and is done after the watch, while nothing speaks against it', () => {
    const forward = nextMove(CANARY, facts(), LIMITS);
    assert.equal(forward.kind === 'move' && forward.status, 'watching');
    const done = nextMove(WATCHING, facts({ requests: 0 }), LIMITS);
    assert.equal(done.kind === 'move' && done.status, 'done');
  });

  it('holds before its time, and without enough requests', () => {
    assert.deepEqual(nextMove(CANARY, facts({ ageMs: 999 }), LIMITS), {
      ...{ kind: 'hold', sentence: 'for 1000 ms at least' },
    });
    assert.deepEqual(nextMove(CANARY, facts({ requests: 29 }), LIMITS), {
      ...{ kind: 'hold', sentence: 'inconclusive: green has served 29 requests, 30 are needed' },
    });
  });

  it('goes back on errors, on latency, and when its health check is not answered', () => {
    const bad = (windows: DeploymentFacts['windows']) => nextMove(CANARY, facts({ windows, ageMs: 0 }), LIMITS);
    const failing = bad([{ legacy: served(500, 0), new: served(100, 50) }]);
    assert.equal(failing.kind === 'move' && failing.status, 'returned');
    assert.match(failing.sentence, /^green failed 50 of 100 served requests: [\d.]+ % more than blue beyond doubt/);
    const slow = bad([{ legacy: served(500, 0, 10), new: served(100, 0, 100) }]);
    assert.match(slow.sentence, /^green p95 [\d.]+ ms is [\d.]+ x blue's [\d.]+ ms/);
    assert.equal(slow.kind, 'move');
    const down = nextMove(WATCHING, facts({ healthy: { from: true, to: false } }), LIMITS);
    assert.deepEqual(down, { kind: 'move', status: 'returned', sentence: 'green does not answer its health check' });
  });

  it('stays, and says so, where the version before is down too', () => {
    const move = nextMove(WATCHING, facts({ healthy: { from: false, to: false } }), LIMITS);
    assert.equal(move.kind, 'hold');
    assert.match(move.sentence, /it stays, since blue does not answer its health check either/);
  });

  it('is read as it was stored, and not as another release would have it', () => {
    assert.deepEqual(deploymentIn(documentOf(CANARY)), CANARY);
    assert.throws(() => deploymentIn('{"layout":2,"deployment":{}}'), /stored by another release/);
  });
});

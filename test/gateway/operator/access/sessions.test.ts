import assert from 'node:assert/strict';
import { beforeEach, describe, it } from 'node:test';
import type { Caller, Credential } from '../../../../gateway/operator/access/caller.ts';
import {
  createSessions,
  SESSIONS_EACH_MAX,
  SESSIONS_MAX,
  type Sessions,
} from '../../../../gateway/operator/access/sessions.ts';

const MINUTE_MS = 60_000;
const credential = (digest: string): Credential => ({ kind: 'token', digest });

describe('sessions', () => {
  let nowMs = 0;
  let callers: Map<string, Caller>;
  let sessions: Sessions;
  beforeEach(() => {
    nowMs = 1_000_000;
    callers = new Map([['a', { name: 'ops', role: 'operator' }]]);
    sessions = createSessions({
      callerOf: (given) => (given.kind === 'token' ? callers.get(given.digest) : undefined),
      limits: () => ({ idleMinutes: 60, hoursMax: 12 }),
      nowMs: () => nowMs,
    });
  });
  const start = () => sessions.start(credential('a'));

  it('are found by their secret alone, and each has its own', () => {
    const [one, other] = [start(), start()];
    assert.notEqual(one, other);
    assert.equal(Buffer.from(one, 'base64url').length, 32);
    assert.deepEqual(sessions.find(one)?.caller, { name: 'ops', role: 'operator' });
    assert.equal(sessions.find(`${one}x`), undefined);
    assert.equal(sessions.find(''), undefined);
  });

  it('end when nobody uses them, and not while somebody does', () => {
    const secret = start();
    for (let used = 0; used < 3; used++) {
      nowMs += 60 * MINUTE_MS - 1;
      assert.ok(sessions.find(secret));
    }
    nowMs += 60 * MINUTE_MS;
    assert.equal(sessions.find(secret), undefined);
    nowMs -= 60 * MINUTE_MS;
    assert.equal(sessions.find(secret), undefined, 'what has ended stays so');
  });

  it('end some time after their login, however often they are used', () => {
    const secret = start();
    for (let half = 1; half < 24; half++) {
      nowMs += 30 * MINUTE_MS;
      assert.ok(sessions.find(secret), `${half}`);
    }
    nowMs += 30 * MINUTE_MS;
    assert.equal(sessions.find(secret), undefined);
  });

  it('follow what their credential is worth, and end with it', () => {
    const secret = start();
    callers.set('a', { name: 'ops', role: 'viewer' });
    assert.equal(sessions.find(secret)?.caller.role, 'viewer');
    callers.delete('a');
    assert.equal(sessions.find(secret), undefined);
    callers.set('a', { name: 'ops', role: 'operator' });
    assert.equal(sessions.find(secret), undefined, 'it has ended');
  });

  it('end when they are told to', () => {
    const secret = start();
    sessions.end(secret);
    assert.equal(sessions.find(secret), undefined);
  });

  it('of one credential are bounded: the one that was not used for longest makes room', () => {
    const first = start();
    const second = start();
    sessions.find(first);
    for (let n = 2; n <= SESSIONS_EACH_MAX; n++) start();
    assert.equal(sessions.size, SESSIONS_EACH_MAX);
    assert.ok(sessions.find(first));
    assert.equal(sessions.find(second), undefined);
  });

  it('are bounded all together', () => {
    const first = start();
    for (let n = 1; n <= SESSIONS_MAX; n++) {
      callers.set(`c${n}`, { name: 'x', role: 'viewer' });
      sessions.start(credential(`c${n}`));
    }
    assert.equal(sessions.size, SESSIONS_MAX);
    assert.equal(sessions.find(first), undefined);
  });
});

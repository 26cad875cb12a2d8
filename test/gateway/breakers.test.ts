// When a side is left alone, and when it is tried again.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { createBreakers, type Ending } from '../../gateway/breakers.ts';

const WELL: Ending = { status: 200, failure: undefined };
const DOWN: Ending = { status: undefined, failure: 'connect_failed' };
const LEFT: Ending = { status: undefined, failure: 'client_left' };

/** One breaker, whose time stands still, and what it told of itself. */
function oneBreaker() {
  const clock = { nowMs: 0 };
  const changes: boolean[] = [];
  const breakers = createBreakers(
    (_route, _side, open) => changes.push(open),
    () => clock.nowMs,
  );
  const run = (request: () => Promise<Ending>) => breakers.run('a.route', 'new', request);
  return { clock, changes, breakers, run, ends: (ending: Ending) => run(() => Promise.resolve(ending)) };
}

async function openBreaker() {
  const breaker = oneBreaker();
  for (let i = 0; i < 5; i++) assert.equal(await breaker.ends(DOWN), DOWN);
  assert.deepEqual(breaker.changes, [true]);
  return breaker;
}

describe('a side that fails five times in a row', () => {
  it('is left alone for five seconds, and then tried with one request', async () => {
    const { clock, ends, breakers } = await openBreaker();
    assert.deepEqual(breakers.open('a.route'), ['new']);
    clock.nowMs = 4_999;
    assert.equal(await ends(WELL), undefined);
    clock.nowMs = 5_000;
    assert.equal(await ends(DOWN), DOWN);
    assert.equal(await ends(WELL), undefined);
  });

  it('is used again once it has answered', async () => {
    const { clock, ends, changes, breakers } = await openBreaker();
    clock.nowMs = 5_000;
    assert.equal(await ends(WELL), WELL);
    assert.deepEqual(changes, [true, false]);
    assert.deepEqual(breakers.open('a.route'), []);
    assert.equal(await ends(DOWN), DOWN);
    assert.equal(await ends(WELL), WELL, 'one failure does not open it again');
  });

  it('is not held to be well by a request whose client left', async () => {
    const { clock, ends, changes } = await openBreaker();
    clock.nowMs = 5_000;
    assert.equal(await ends(LEFT), LEFT);
    assert.deepEqual(changes, [true]);
    assert.equal(await ends(WELL), undefined);
  });

  it('is not held to be well by an answer that began before', async () => {
    const { run, ends, changes } = oneBreaker();
    let end = (_: Ending) => {};
    const download = run(() => new Promise((resolve) => (end = resolve)));
    for (let i = 0; i < 5; i++) await ends(DOWN);
    end(WELL);
    assert.equal(await download, WELL);
    assert.deepEqual(changes, [true]);
    assert.equal(await ends(WELL), undefined);
  });

  it('keeps no request waiting for the one that it is tried with, and is tried again when that lasts', async () => {
    const { clock, run, ends, changes } = await openBreaker();
    clock.nowMs = 5_000;
    let end = (_: Ending) => {};
    const stream = run(() => new Promise((resolve) => (end = resolve)));
    assert.equal(await ends(WELL), undefined);
    clock.nowMs = 10_000;
    assert.equal(await ends(WELL), WELL);
    assert.deepEqual(changes, [true, false]);
    end(LEFT);
    assert.equal(await stream, LEFT);
    assert.deepEqual(changes, [true, false]);
  });
});

it('a side that fails now and then is not left alone', async () => {
  const { ends, changes } = oneBreaker();
  for (let i = 0; i < 20; i++) await ends(i % 5 === 4 ? WELL : DOWN);
  assert.deepEqual(changes, []);
});

// Changes sent again: done once for each key, whoever waits, and never mixed up.
import assert from 'node:assert/strict';
import { beforeEach, describe, it } from 'node:test';
import { Hono } from 'hono';
import { type OperatorEnv, Refusal } from '../../../gateway/operator/context.ts';
import { createIdempotency, KEPT_MS } from '../../../gateway/operator/idempotency.ts';

describe('a change with an Idempotency-Key', () => {
  let nowMs: number;
  let done: string[];
  let release: (() => void) | undefined;
  let app: Hono<OperatorEnv>;
  let outcome: number;
  beforeEach(() => {
    [nowMs, done, release, outcome] = [1_000_000, [], undefined, 200];
    app = new Hono<OperatorEnv>();
    app.onError((error, c) => c.json({ detail: error.message }, error instanceof Refusal ? error.status : 500));
    app.use(async function known(c, next) {
      c.set('caller', { name: c.req.header('who') ?? 'ops', role: 'operator' });
      await next();
    });
    app.use(createIdempotency(() => nowMs, 3));
    app.post('/change/:what', async (c) => {
      const { what } = c.req.param();
      done.push(what);
      if (what === 'slow') {
        await new Promise<void>((resolve) => {
          release = resolve;
        });
      }
      if (outcome !== 200) throw outcome === 500 ? new Error('broken') : new Refusal(409, 'not now');
      c.header('etag', `"${done.length}"`);
      return c.json({ n: done.length });
    });
  });

  const send = (what: string, key: string | undefined, { body = '{}', who = 'ops' } = {}) =>
    app.request(`/change/${what}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', who, ...(key === undefined ? {} : { 'idempotency-key': key }) },
      body,
    });

  it('is done once, and answered as the first time', async () => {
    const first = await send('a', 'k1');
    const second = await send('a', 'k1');
    assert.deepEqual(done, ['a']);
    assert.deepEqual([second.status, second.headers.get('etag')], [200, '"1"']);
    assert.deepEqual(await second.json(), await first.json());
    assert.deepEqual(
      [first, second].map(({ headers }) => headers.get('idempotency-replayed')),
      [null, 'true'],
    );
  });

  it('is done each time without a key, and once for each key', async () => {
    await send('a', undefined);
    await send('a', undefined);
    await send('a', 'k1');
    await send('a', 'k2');
    assert.equal(done.length, 4);
  });

  it('is refused with another body or another target, and is not done', async () => {
    await send('a', 'k1');
    assert.equal((await send('a', 'k1', { body: '{"more":1}' })).status, 422);
    assert.equal((await send('b', 'k1')).status, 422);
    assert.deepEqual(done, ['a']);
  });

  it("is another caller's own affair", async () => {
    await send('a', 'k1');
    const other = await send('a', 'k1', { who: 'desk' });
    assert.deepEqual(await other.json(), { n: 2 });
  });

  it('waits for the first that is under way', async () => {
    const first = send('slow', 'k1');
    const second = send('slow', 'k1');
    while (!release) await new Promise((resolve) => setImmediate(resolve));
    release();
    assert.deepEqual(await (await first).json(), await (await second).json());
    assert.deepEqual(done, ['slow']);
  });

  it('may be tried again when it was refused, or failed', async () => {
    for (const [tries, status] of [409, 500].entries()) {
      outcome = status;
      assert.equal((await send('a', 'k1')).status, status);
      assert.equal(done.length, tries + 1);
    }
    outcome = 200;
    assert.equal((await send('a', 'k1')).status, 200);
    assert.equal(done.length, 3);
  });

  it('is tried by one who waited for a first that failed', async () => {
    outcome = 500;
    const first = send('slow', 'k1');
    const second = send('slow', 'k1');
    while (!release) await new Promise((resolve) => setImmediate(resolve));
    const fail = release;
    release = undefined;
    fail();
    assert.equal((await first).status, 500);
    while (!release) await new Promise((resolve) => setImmediate(resolve));
    outcome = 200;
    (release as () => void)();
    assert.equal((await second).status, 200);
    assert.deepEqual(done, ['slow', 'slow']);
  });

  it('is forgotten after its time, and when there are too many', async () => {
    await send('a', 'k1');
    nowMs += KEPT_MS - 1;
    await send('a', 'k1');
    assert.equal(done.length, 1);
    nowMs += 1;
    await send('a', 'k1');
    assert.equal(done.length, 2);
    for (const key of ['k2', 'k3', 'k4']) await send('a', key);
    await send('a', 'k1');
    assert.equal(done.length, 6);
  });

  it('needs a key that is one', async () => {
    for (const key of ['with blank', 'x'.repeat(256), '\u00e9']) assert.equal((await send('a', key)).status, 400, key);
    assert.deepEqual(done, []);
  });
});

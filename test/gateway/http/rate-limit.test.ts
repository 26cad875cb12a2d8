import assert from 'node:assert/strict';
import { after, describe, it } from 'node:test';
import { createRateLimiter } from '../../../gateway/http/rate-limit.ts';
import type { RateLimiter } from '../../../gateway/http/rate-limiter.ts';
import { UNROUTED } from '../../../gateway/routing/route.ts';
import { eventually } from '../../helpers/deadline.ts';
import { aRoute } from '../../helpers/gateway-config.ts';
import { startRedis } from '../../helpers/redis.ts';
import { closedPort } from '../../helpers/upstream.ts';

const LIMIT = { requests: 3, perSeconds: 60 };
const fail = (operation: string, error: unknown) => assert.fail(`${operation}: ${error}`);

async function passed(limiter: RateLimiter, identity: string, times: number, scope = 'r'): Promise<number> {
  let count = 0;
  for (let i = 0; i < times; i++) if ((await limiter.consume(LIMIT, scope, identity)) === undefined) count++;
  return count;
}

describe('a rate limit', () => {
  it('in memory lets each identity ask so often in each scope, and says how long to wait', async () => {
    const limiter = createRateLimiter(undefined, fail);
    assert.equal(await passed(limiter, 'a', 5), 3);
    assert.equal(await passed(limiter, 'b', 2), 2);
    assert.equal(await passed(limiter, 'a', 5, 'other'), 3);
    const waitMs = await limiter.consume(LIMIT, 'r', 'a');
    assert.ok(waitMs !== undefined && waitMs > 50_000 && waitMs <= 60_000, `${waitMs} ms`);
    limiter.close();
  });

  it('counts identities beyond the hundred thousandth together', async () => {
    const limiter = createRateLimiter(undefined, fail);
    for (let i = 0; i < 100_000; i++) await limiter.consume(LIMIT, 'r', `user-${i}`);
    assert.equal(await passed(limiter, 'late-1', 2), 2);
    assert.equal(await passed(limiter, 'late-2', 2), 1);
    assert.equal(await passed(limiter, 'user-5', 2), 2);
    limiter.close();
  });

  it('that a new configuration no longer has is forgotten, and all others go on', async () => {
    const limiter = createRateLimiter(undefined, fail);
    const other = { requests: 2, perSeconds: 60 };
    const routes = (...rateLimits: (typeof LIMIT)[]) =>
      rateLimits.map((rateLimit, i) => aRoute({ id: `r${i}`, rateLimit, match: { methods: ['GET'], path: `/${i}` } }));
    const spend = async () => {
      for (const scope of ['r0', 'r1', UNROUTED]) assert.equal(await passed(limiter, 'a', 3, scope), 3);
    };
    limiter.follow({ routes: routes(LIMIT, LIMIT), rateLimit: LIMIT });
    await spend();
    limiter.follow({ routes: routes(LIMIT, other), rateLimit: undefined });
    assert.equal(await passed(limiter, 'a', 1, 'r0'), 0, 'a limit that stays keeps its counts');
    limiter.follow({ routes: routes(LIMIT, LIMIT), rateLimit: LIMIT });
    assert.equal(await passed(limiter, 'a', 1, 'r0'), 0);
    for (const scope of ['r1', UNROUTED]) assert.equal(await passed(limiter, 'a', 3, scope), 3, `${scope} counts anew`);
    limiter.close();
  });

  describe('in Redis', () => {
    const closers: (() => unknown)[] = [];
    after(async () => {
      for (const close of closers.reverse()) await close();
    });

    it('is shared by the gateways that use it', async () => {
      const redis = await startRedis();
      closers.push(() => redis.close());
      const limiters = [createRateLimiter(redis.url, () => {}), createRateLimiter(redis.url, () => {})];
      for (const limiter of limiters) closers.push(() => limiter.close());
      const [one, two] = limiters as [RateLimiter, RateLimiter];
      // Before its connection is up, a limiter counts in its own memory.
      await eventually(async () => {
        const identity = `probe-${Math.random()}`;
        return (await passed(one, identity, 3)) === 3 && (await passed(two, identity, 1)) === 0;
      }, 'both to count in Redis');
      assert.equal(await passed(one, 'shared', 2), 2);
      assert.equal(await passed(two, 'shared', 2), 1);
    });

    it('that does not answer is done without: each gateway counts by itself, and says so once', async () => {
      const raised: string[] = [];
      const limiter = createRateLimiter(`redis://127.0.0.1:${await closedPort()}`, (operation) =>
        raised.push(operation),
      );
      closers.push(() => limiter.close());
      assert.equal(await passed(limiter, 'a', 5), 3);
      await eventually(() => raised.length > 0, 'the outage to be told');
      assert.deepEqual([...new Set(raised)], ['rate-limit.redis']);
    });
  });
});

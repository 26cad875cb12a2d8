// Pairs of ids in a Redis that several gateways share; id-store.ts says what it promises.
import type { Redis } from 'ioredis';
import { z } from 'zod';
import type { IdStore } from './id-store.ts';

/** Pairs that are read at once, so that no answer takes Redis long. */
const PAGE = 10_000;

/** The pairs by the order in which they came, and the last number of that order. */
const SAVE = `
  local pairs, last = KEYS[1], KEYS[2]
  for i = 2, #ARGV, 2 do
    if ARGV[i] == 'kept' then redis.call('ZADD', pairs, redis.call('INCR', last), ARGV[i + 1])
    else redis.call('ZREM', pairs, ARGV[i + 1]) end
  end
  redis.call('ZREMRANGEBYRANK', pairs, 0, -1 - ARGV[1])
  return #ARGV`;

const pairTuple = z.tuple([z.string(), z.string(), z.string()]);

export function createRedisIds(redis: Redis, key: string): IdStore {
  return {
    async load() {
      const texts: string[] = [];
      for (let from = '-inf'; ; ) {
        const page = await redis.zrangebyscore(key, from, '+inf', 'WITHSCORES', 'LIMIT', 0, PAGE);
        texts.push(...page.filter((_, index) => index % 2 === 0));
        if (page.length < 2 * PAGE) break;
        from = `(${page.at(-1)}`;
      }
      return texts.map((text) => {
        const [name, legacy, fresh] = pairTuple.parse(JSON.parse(text));
        return { name, legacy, new: fresh };
      });
    },
    async save(changes, pairsMax) {
      const texts = changes.flatMap(({ pair, kept }) => [
        kept ? 'kept' : 'gone',
        JSON.stringify([pair.name, pair.legacy, pair.new]),
      ]);
      await redis.eval(SAVE, 2, key, `${key}:last`, pairsMax, ...texts);
    },
  };
}

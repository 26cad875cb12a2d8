// Writes that legacy lacks in a Redis that several gateways share; write-store.ts says what it promises.
import type { Redis } from 'ioredis';
import { z } from 'zod';
import { type StoredWriteKey, type StoredWrites, WRITE_KEYS_MAX, type WriteStore } from './write-store.ts';

/** How long it is remembered which batch of a gateway came last; retries come within seconds. */
const BATCH_SECONDS = 86_400;

/** Of a route's keys those of acknowledged writes go, and those between the first and the latest. */
const TRIM = `
  local function trim(prefix, route)
    local written = tonumber(redis.call('HGET', prefix .. 'written', route) or '0')
    local acknowledged = tonumber(redis.call('HGET', prefix .. 'acknowledged', route) or '0')
    local keys = prefix .. 'keys:' .. route
    redis.call('ZREMRANGEBYSCORE', keys, '-inf', acknowledged)
    local first, last = acknowledged + ${WRITE_KEYS_MAX} + 1, written - ${WRITE_KEYS_MAX}
    if first <= last then redis.call('ZREMRANGEBYSCORE', keys, first, last) end
  end`;

const ADD = `${TRIM}
  local prefix, batch = KEYS[1], cjson.decode(ARGV[1])
  local seen = prefix .. 'batch:' .. batch.source
  if tonumber(redis.call('GET', seen) or '0') >= batch.sequence then return 0 end
  redis.call('SET', seen, batch.sequence, 'EX', ARGV[2])
  for _, r in ipairs(batch.routes) do
    local before = redis.call('HINCRBY', prefix .. 'written', r.route, r.count) - r.count
    for _, k in ipairs(r.keys) do
      local n = string.format('%d', before + k[1])
      redis.call('ZADD', prefix .. 'keys:' .. r.route, n, n .. ' ' .. k[2])
    end
    trim(prefix, r.route)
  end
  return 1`;

const ACKNOWLEDGE = `${TRIM}
  local prefix, route = KEYS[1], ARGV[1]
  local written = tonumber(redis.call('HGET', prefix .. 'written', route) or '0')
  local before = tonumber(redis.call('HGET', prefix .. 'acknowledged', route) or '0')
  local now = math.max(before, math.min(written, tonumber(ARGV[2])))
  redis.call('HSET', prefix .. 'acknowledged', route, string.format('%d', now))
  trim(prefix, route)
  return 1`;

const keyTuple = z.tuple([z.number(), z.string()]);

export function createRedisWrites(redis: Redis, prefix: string): WriteStore {
  return {
    async load() {
      const [written, acknowledged] = await Promise.all([
        redis.hgetall(`${prefix}written`),
        redis.hgetall(`${prefix}acknowledged`),
      ]);
      const found = Object.entries(written).map(async ([route, count]): Promise<StoredWrites> => {
        const keys = await redis.zrange(`${prefix}keys:${route}`, '0', '-1');
        const stood = Number(acknowledged[route] ?? 0);
        return { route, written: Number(count), acknowledged: stood, keys: keys.map(keyOf) };
      });
      return (await Promise.all(found)).sort((a, b) => (a.route < b.route ? -1 : 1));
    },
    async add({ source, sequence, routes }) {
      const texts = routes.map(({ route, count, keys }) => ({
        ...{ route, count },
        keys: keys.map(({ n, atMs, key }) => [n, JSON.stringify([atMs, key])]),
      }));
      await redis.eval(ADD, 1, prefix, JSON.stringify({ source, sequence, routes: texts }), `${BATCH_SECONDS}`);
    },
    async acknowledge(route, upTo) {
      await redis.eval(ACKNOWLEDGE, 1, prefix, route, `${upTo}`);
    },
  };
}

function keyOf(text: string): StoredWriteKey {
  const space = text.indexOf(' ');
  const [atMs, key] = keyTuple.parse(JSON.parse(text.slice(space + 1)));
  return { n: Number(text.slice(0, space)), atMs, key };
}

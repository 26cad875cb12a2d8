// Flips and gateways in a Redis that several gateways share; flip-store.ts says what it promises. All times are Redis' own.
import type { Redis } from 'ioredis';
import { z } from 'zod';
import { FLIPS_MAX, type Flip, type FlipStore, FORGOTTEN_MS, type GatewayInstance } from './flip-store.ts';

const NOW = `
  local time = redis.call('TIME')
  local now = time[1] * 1000 + math.floor(time[2] / 1000)`;

/** Documents are JSON texts; Lua puts before each what it knows: a version and a time, or a time. */
const BEGIN = `${NOW}
  local last, flips = unpack(KEYS)
  local version = redis.call('INCR', last)
  redis.call('LPUSH', flips, version .. ' ' .. string.format('%.0f', now - tonumber(ARGV[2])) .. ' ' .. ARGV[1])
  redis.call('LTRIM', flips, 0, ${FLIPS_MAX - 1})
  return version`;

const BEAT = `${NOW}
  local flips, gateways = unpack(KEYS)
  redis.call('HSET', gateways, ARGV[1], string.format('%.0f', now) .. ' ' .. ARGV[2])
  local known = redis.call('HGETALL', gateways)
  for i = 1, #known, 2 do
    local seen = tonumber(string.match(known[i + 1], '^%d+'))
    if now - seen > ${FORGOTTEN_MS} then redis.call('HDEL', gateways, known[i]) end
  end
  return {string.format('%.0f', now), redis.call('LRANGE', flips, 0, -1), redis.call('HVALS', gateways)}`;

const beatAnswer = z.tuple([z.coerce.number(), z.array(z.string()), z.array(z.string())]);

export function createRedisFlips(redis: Redis, prefix: string): FlipStore {
  const keys = { last: `${prefix}last`, flips: `${prefix}list`, gateways: `${prefix}gateways` };
  return {
    async begin(flip, agoMs) {
      const version = await redis.eval(BEGIN, 2, keys.last, keys.flips, JSON.stringify(flip), Math.round(agoMs));
      return z.number().parse(version);
    },
    async beat(instance) {
      const { flips, gateways } = keys;
      const answer = await redis.eval(BEAT, 2, flips, gateways, instance.id, JSON.stringify(instance));
      const [nowMs, stored, documents] = beatAnswer.parse(answer);
      return { nowMs, flips: stored.map(flipOf), gateways: documents.map(gatewayOf) };
    },
    async leave(id) {
      await redis.hdel(keys.gateways, id);
    },
  };
}

const flipText = z.object({
  scope: z.string(),
  action: z.enum(['stage', 'rollback', 'lift', 'deploy']),
  oldSide: z
    .enum(['legacy', 'new'])
    .optional()
    .transform((side) => side),
});

function flipOf(text: string): Flip {
  const [version = '', atMs = ''] = text.split(' ', 2);
  const flip = flipText.parse(JSON.parse(text.slice(version.length + atMs.length + 2)));
  return { ...flip, version: Number(version), atMs: Number(atMs) };
}

const gatewayText = z.object({
  id: z.string(),
  host: z.string(),
  pid: z.number(),
  startedAt: z.string(),
  workers: z.number(),
  from: z.number(),
  acknowledged: z.array(
    z.object({
      version: z.number(),
      afterMs: z.number(),
      oldSideMs: z
        .number()
        .optional()
        .transform((ms) => ms),
    }),
  ),
});

function gatewayOf(text: string): GatewayInstance & { seenMs: number } {
  const space = text.indexOf(' ');
  return { ...gatewayText.parse(JSON.parse(text.slice(space + 1))), seenMs: Number(text.slice(0, space)) };
}

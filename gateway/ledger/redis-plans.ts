// Plans in a Redis that several gateways share; plan-store.ts says what it promises.
import type { Redis } from 'ioredis';
import { z } from 'zod';
import type { PlanStore, StoredPlan } from './plan-store.ts';

const PUT = `
  local documents, revisions, tokens = unpack(KEYS)
  local route, document, revision, token = unpack(ARGV)
  if token ~= '' and tonumber(token) < tonumber(redis.call('GET', tokens) or '0') then return 'fenced' end
  if tonumber(redis.call('HGET', revisions, route) or '0') ~= tonumber(revision) then return 'stale' end
  redis.call('HSET', documents, route, document)
  redis.call('HINCRBY', revisions, route, 1)
  return 'stored'`;

const LEAD = `
  local lead, tokens = unpack(KEYS)
  local holder, leaseMs = unpack(ARGV)
  local now = redis.call('GET', lead)
  if now == holder then
    redis.call('PEXPIRE', lead, leaseMs)
    return tonumber(redis.call('GET', tokens))
  end
  if now then return 0 end
  redis.call('SET', lead, holder, 'PX', leaseMs)
  return redis.call('INCR', tokens)`;

const RESIGN = `if redis.call('GET', KEYS[1]) == ARGV[1] then redis.call('DEL', KEYS[1]) end return 1`;

const putAnswer = z.enum(['stored', 'stale', 'fenced']);

export function planKeys(prefix: string) {
  return {
    documents: `${prefix}documents`,
    revisions: `${prefix}revisions`,
    /** The last token given; not its holder's alone, so that it outlives every lease. */
    tokens: `${prefix}tokens`,
    lead: `${prefix}lead`,
  };
}

export function createRedisPlans(redis: Redis, prefix: string): PlanStore {
  const keys = planKeys(prefix);
  return {
    async list() {
      const [documents, revisions] = await Promise.all([redis.hgetall(keys.documents), redis.hgetall(keys.revisions)]);
      return Object.entries(documents)
        .map(([route, document]): StoredPlan => ({ route, document, revision: Number(revisions[route]) }))
        .sort((a, b) => (a.route < b.route ? -1 : 1));
    },
    async put({ route, document, revision, token }) {
      const { documents, revisions, tokens } = keys;
      return putAnswer.parse(
        await redis.eval(PUT, 3, documents, revisions, tokens, route, document, revision, token ?? ''),
      );
    },
    async lead(holder, leaseMs) {
      const token = z.number().parse(await redis.eval(LEAD, 2, keys.lead, keys.tokens, holder, leaseMs));
      return token === 0 ? undefined : token;
    },
    async resign(holder) {
      await redis.eval(RESIGN, 1, keys.lead, holder);
    },
  };
}

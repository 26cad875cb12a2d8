// The evidence of comparing in a Redis that several gateways share; evidence-store.ts says what it promises.
import type { Redis } from 'ioredis';
import { z } from 'zod';
import type {
  Counters,
  EvidenceBatch,
  EvidenceStore,
  RouteBatch,
  StoredRoute,
  StoredSample,
  StoredSlice,
} from './evidence-store.ts';

/** How long it is remembered which batch of a gateway came last; retries come within seconds. */
const BATCH_SECONDS = 86_400;
/** Numbers for samples that one process may give; it takes four months to use them up. */
const SAMPLE_NUMBERS = 10_000_000;
/** Of a stored sample: its time, at the beginning, as long as every ISO 8601 time in UTC with milliseconds. */
const AT_LENGTH = '2026-01-05T10:00:00.000Z'.length;

/**
 * Numbers come and go as texts: Lua would round large ones. Of a route there are a hash with its stage, one with the
 * counters since that began, one with those of slices (by `START NAME`), and one with samples by number.
 */
const ADD = `
  local prefix, batch = KEYS[1], cjson.decode(ARGV[1])
  local seen = prefix .. 'batch:' .. batch.source
  if tonumber(redis.call('GET', seen) or '0') >= tonumber(batch.sequence) then return 0 end
  redis.call('SET', seen, batch.sequence, 'EX', ARGV[2])
  for _, r in ipairs(batch.routes) do
    local stage, total, slices = prefix .. 'stage:' .. r.route, prefix .. 'total:' .. r.route, prefix .. 'slices:' .. r.route
    local samples = prefix .. 'samples:' .. r.route
    local since = redis.call('HGET', stage, 'sinceMs')
    redis.call('HINCRBY', prefix .. 'versions', r.route, 1)
    if not since or tonumber(since) <= tonumber(r.sinceMs) then
      if since ~= r.sinceMs then redis.call('DEL', total, slices) end
      redis.call('HSET', stage, 'name', r.name, 'sinceMs', r.sinceMs)
      for _, c in ipairs(r.counters) do
        redis.call('HINCRBY', slices, c[1] .. ' ' .. c[2], c[3])
        redis.call('HINCRBY', total, c[2], c[3])
      end
    end
    for _, s in ipairs(r.added) do redis.call('HSET', samples, s[1], s[2]) end
    for _, n in ipairs(r.removed) do redis.call('HDEL', samples, n) end
  end
  return 1`;

const PRUNE = `
  local prefix, limits = KEYS[1], cjson.decode(ARGV[1])
  local keep = {}
  for _, route in ipairs(limits.routes) do keep[route] = true end
  for _, route in ipairs(redis.call('HKEYS', prefix .. 'versions')) do
    local slices, samples = prefix .. 'slices:' .. route, prefix .. 'samples:' .. route
    if not keep[route] then
      redis.call('DEL', prefix .. 'stage:' .. route, prefix .. 'total:' .. route, slices, samples)
      redis.call('HDEL', prefix .. 'versions', route)
    else
      for _, name in ipairs(redis.call('HKEYS', slices)) do
        local start = tonumber(string.match(name, '^%-?%d+'))
        if start < tonumber(limits.slicesFromMs) then redis.call('HDEL', slices, name) end
      end
      for _, n in ipairs(redis.call('HKEYS', samples)) do
        local at = string.sub(redis.call('HGET', samples, n), 1, ${AT_LENGTH})
        if at < limits.samplesFrom then redis.call('HDEL', samples, n) end
      end
    end
  end
  return 1`;

export function createRedisEvidence(redis: Redis, prefix: string): EvidenceStore {
  const known = new Map<string, string>(); // The version of each stored route that this process has seen.

  const run = (script: string, ...values: (string | number)[]) => redis.eval(script, 1, prefix, ...values);
  const readHash = async (key: string) => mapOf(flatHash.parse(await redis.call('HGETALL', `${prefix}${key}`)));

  /** Those of these routes that are there. */
  async function read(versions: ReadonlyMap<string, string>): Promise<StoredRoute[]> {
    const found = await Promise.all(
      [...versions].map(async ([route, version]) => {
        const parts = ['stage', 'total', 'slices', 'samples'].map((part) => readHash(`${part}:${route}`));
        const [stage, total, slices, samples] = await Promise.all(parts);
        known.set(route, version);
        const name = stage?.get('name');
        if (name === undefined) return [];
        return {
          route,
          stage: { name, sinceMs: Number(stage?.get('sinceMs')) },
          total: numbersIn(total ?? new Map()),
          slices: slicesIn(slices ?? new Map()),
          samples: samplesIn(samples ?? new Map()),
        };
      }),
    );
    return found.flat();
  }

  return {
    async load() {
      const routes = await read(await readHash('versions'));
      return { routes, samplesFrom: ((await redis.incr(`${prefix}processes`)) - 1) * SAMPLE_NUMBERS };
    },
    async add(batch) {
      await run(ADD, textOf(batch), BATCH_SECONDS);
      // Its own change is no news; one more than that, and somebody else has changed it too.
      for (const { route } of batch.routes) known.set(route, String(Number(known.get(route) ?? 0) + 1));
    },
    async changed() {
      const versions = await readHash('versions');
      return read(new Map([...versions].filter(([route, version]) => known.get(route) !== version)));
    },
    async prune({ routes, slicesFromMs, samplesFrom }) {
      await run(PRUNE, JSON.stringify({ routes, slicesFromMs: String(slicesFromMs), samplesFrom }));
      for (const route of known.keys()) if (!routes.includes(route)) known.delete(route);
    },
  };
}

/** A batch as the script reads it. */
function textOf({ source, sequence, routes }: EvidenceBatch): string {
  return JSON.stringify({ source, sequence: String(sequence), routes: routes.map(routeOf) });
}

function routeOf({ route, stage, slices, added, removed }: RouteBatch) {
  return {
    route,
    name: stage.name,
    sinceMs: String(stage.sinceMs),
    counters: slices.flatMap(({ startMs, counters }) =>
      [...counters].map(([name, value]) => [String(startMs), name, String(value)]),
    ),
    added: added.map(({ n, at, document }) => [String(n), `${at}${document}`]),
    removed: removed.map(String),
  };
}

/** A hash as it comes over the wire; ioredis would make an object of it, in which not every name is possible. */
const flatHash = z.array(z.string());

function mapOf(flat: readonly string[]): Map<string, string> {
  const map = new Map<string, string>();
  for (let i = 0; i < flat.length; i += 2) map.set(flat[i] ?? '', flat[i + 1] ?? '');
  return map;
}

function numbersIn(hash: ReadonlyMap<string, string>): Counters {
  return new Map([...hash].map(([name, value]) => [name, Number(value)]));
}

function slicesIn(hash: ReadonlyMap<string, string>): StoredSlice[] {
  const byStart = new Map<number, Map<string, number>>();
  for (const [key, value] of hash) {
    const space = key.indexOf(' ');
    const startMs = Number(key.slice(0, space));
    const counters = byStart.get(startMs) ?? new Map<string, number>();
    byStart.set(startMs, counters.set(key.slice(space + 1), Number(value)));
  }
  return [...byStart].sort(([a], [b]) => a - b).map(([startMs, counters]) => ({ startMs, counters }));
}

function samplesIn(hash: ReadonlyMap<string, string>): StoredSample[] {
  const samples = [...hash].map(([n, text]) => ({
    n: Number(n),
    at: text.slice(0, AT_LENGTH),
    document: text.slice(AT_LENGTH),
  }));
  return samples.sort((a, b) => a.n - b.n);
}

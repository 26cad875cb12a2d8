// What the pulse knows, kept over restarts: how far the chain was read, and the tokens. In Redis, where several processes may go
// on with it, or within this one.
import { Redis } from 'ioredis';
import { z } from 'zod';
import type { Fence } from '../../bus/bus.ts';
import { CATEGORIES } from './categories.ts';
import type { Changes } from './pulse.ts';
import type { Token } from './token.ts';

/** Slots that were handled: the last, and the first that anybody listened to; what was before that is nobody's concern. */
export type Reached = { readonly slot: bigint; readonly beginning: bigint };
export type Kept = { readonly reached: Reached | undefined; readonly tokens: readonly Token[] };

export type Keeping = {
  readonly load: () => Promise<Kept>;
  /** All of it or nothing: that everything up to the slot was handled, and what changed. Rejects when it could not be kept, or nobody can say. */
  readonly save: (reached: Reached, changes: Changes) => Promise<void>;
  /** One token as it was kept last. Rejects when nobody can say. */
  readonly find: (mint: string) => Promise<Token | undefined>;
  readonly close: () => Promise<void>;
};

export type SharedKeeping = Keeping & {
  /** The same for whoever holds the fence; saving rejects when another does. Undefined: one that nobody else could hold. */
  readonly under: (fence: Fence | undefined) => Keeping;
};

const SLOT_KEY = 'pulse:slot';
const BEGINNING_KEY = 'pulse:beginning';
const TOKENS_KEY = 'pulse:tokens';
const COMMAND_TIMEOUT_MS = 2000;

/**
 * KEYS: slot, beginning, tokens, and perhaps a fence. ARGV: slot, beginning, the fence's token or nothing, how many mints are
 * forgotten, these, then mint and text of each that changed.
 */
const SAVE = `if KEYS[4] and redis.call('GET', KEYS[4]) ~= ARGV[3] then return redis.error_reply('ERR another holds the lease') end
redis.call('SET', KEYS[1], ARGV[1])
redis.call('SET', KEYS[2], ARGV[2])
local changed = 5 + ARGV[4]
for i = 5, changed - 1 do redis.call('HDEL', KEYS[3], ARGV[i]) end
for i = changed, #ARGV, 2 do redis.call('HSET', KEYS[3], ARGV[i], ARGV[i + 1]) end
return 1`;

const units = z
  .string()
  .regex(/^-?\d{1,20}$/)
  .transform(BigInt);
const storedToken = z.object({
  mint: z.string(),
  name: z.string().optional(),
  symbol: z.string().optional(),
  bondingCurve: z.string().optional(),
  realTokensAtStart: units,
  curve: z.object({ virtualTokens: units, virtualSol: units, realTokens: units }).optional(),
  pool: z.string().optional(),
  category: z.enum(CATEGORIES).optional(),
  signature: z.string(),
  slot: units,
  timeMs: z.number(),
});

const textOf = (token: Token): string =>
  JSON.stringify(token, (_, value: unknown) => (typeof value === 'bigint' ? String(value) : value));

const jsonText = z.string().transform((text, context): unknown => {
  try {
    return JSON.parse(text);
  } catch {
    context.addIssue('is not JSON');
    return z.NEVER;
  }
});

/** Undefined for what an older version wrote in another form: the token is met again. */
function tokenOf(text: string): Token | undefined {
  const read = jsonText.pipe(storedToken).safeParse(text);
  if (!read.success) return undefined;
  const { name, symbol, bondingCurve, curve, pool, category, ...token } = read.data;
  return { ...token, name, symbol, bondingCurve, curve, pool, category };
}

export function createRedisKeeping(url: string, raised: (operation: string, error: unknown) => void): SharedKeeping {
  const redis = new Redis(url, { maxRetriesPerRequest: null, commandTimeout: COMMAND_TIMEOUT_MS });
  redis.on('error', (error) => raised('pulse.redis', error));
  const under = (fence: Fence | undefined): Keeping => ({
    async load() {
      const [[slot, beginning], tokens] = await Promise.all([
        redis.mget(SLOT_KEY, BEGINNING_KEY),
        redis.hvals(TOKENS_KEY),
      ]);
      const read = tokens.flatMap((text) => tokenOf(text) ?? []);
      read.sort((a, b) => Number(a.slot - b.slot)); // The one heard of longest ago is forgotten first.
      const reached = slot ? { slot: BigInt(slot), beginning: BigInt(beginning ?? 0) } : undefined;
      return { reached, tokens: read };
    },
    async save({ slot, beginning }, { changed, forgotten }) {
      const keys = [SLOT_KEY, BEGINNING_KEY, TOKENS_KEY, ...(fence ? [fence.key] : [])];
      const head = [String(slot), String(beginning), fence?.token ?? '', forgotten.length];
      const texts = changed.flatMap((token) => [token.mint, textOf(token)]);
      await redis.eval(SAVE, keys.length, ...keys, ...head, ...forgotten, ...texts);
    },
    async find(mint) {
      const text = await redis.hget(TOKENS_KEY, mint);
      return text === null ? undefined : tokenOf(text);
    },
    async close() {
      redis.disconnect();
    },
  });
  return { ...under(undefined), under };
}

/** For a process that keeps its news within itself too. As many tokens as whoever saves remembers. */
export function createMemoryKeeping(): SharedKeeping {
  const tokens = new Map<string, Token>();
  let kept: Reached | undefined;
  const keeping: Keeping = {
    load: async () => ({ reached: kept, tokens: [...tokens.values()] }),
    async save(reached, { changed, forgotten }) {
      kept = reached;
      for (const mint of forgotten) tokens.delete(mint);
      for (const token of changed) tokens.set(token.mint, token);
    },
    find: async (mint) => tokens.get(mint),
    close: async () => {},
  };
  return { ...keeping, under: () => keeping };
}

// What the pulse knows, kept over restarts: how far the chain was read, and the tokens. In Redis, where several processes may go
// on with it, or within this one.
import { Redis } from 'ioredis';
import { z } from 'zod';
import { CATEGORIES } from './categories.ts';
import type { Changes } from './pulse.ts';
import type { Token } from './token.ts';

export type Kept = { readonly slot: bigint | undefined; readonly tokens: readonly Token[] };

export type Keeping = {
  readonly load: () => Promise<Kept>;
  /** All of it or nothing: that everything up to the slot was handled, and what changed. Rejects when it could not be kept, or nobody can say. */
  readonly save: (slot: bigint, changes: Changes) => Promise<void>;
  /** One token as it was kept last. Rejects when nobody can say. */
  readonly find: (mint: string) => Promise<Token | undefined>;
  readonly close: () => Promise<void>;
};

const SLOT_KEY = 'pulse:slot';
const TOKENS_KEY = 'pulse:tokens';
const COMMAND_TIMEOUT_MS = 2000;

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

export function createRedisKeeping(url: string, raised: (operation: string, error: unknown) => void): Keeping {
  const redis = new Redis(url, { maxRetriesPerRequest: null, commandTimeout: COMMAND_TIMEOUT_MS });
  redis.on('error', (error) => raised('pulse.redis', error));
  return {
    async load() {
      const [slot, tokens] = await Promise.all([redis.get(SLOT_KEY), redis.hvals(TOKENS_KEY)]);
      const read = tokens.flatMap((text) => tokenOf(text) ?? []);
      read.sort((a, b) => Number(a.slot - b.slot)); // The one heard of longest ago is forgotten first.
      return { slot: slot === null ? undefined : BigInt(slot), tokens: read };
    },
    async save(slot, { changed, forgotten }) {
      const commands = redis.multi().set(SLOT_KEY, String(slot));
      if (forgotten.length > 0) commands.hdel(TOKENS_KEY, ...forgotten);
      if (changed.length > 0) commands.hset(TOKENS_KEY, ...changed.flatMap((token) => [token.mint, textOf(token)]));
      const answers = await commands.exec();
      const failed = answers?.find(([error]) => error)?.[0];
      if (failed || !answers) throw failed ?? new Error('the transaction was not done');
    },
    async find(mint) {
      const text = await redis.hget(TOKENS_KEY, mint);
      return text === null ? undefined : tokenOf(text);
    },
    async close() {
      redis.disconnect();
    },
  };
}

/** For a process that keeps its news within itself too. As many tokens as whoever saves remembers. */
export function createMemoryKeeping(): Keeping {
  const tokens = new Map<string, Token>();
  let keptSlot: bigint | undefined;
  return {
    load: async () => ({ slot: keptSlot, tokens: [...tokens.values()] }),
    async save(slot, { changed, forgotten }) {
      keptSlot = slot;
      for (const mint of forgotten) tokens.delete(mint);
      for (const token of changed) tokens.set(token.mint, token);
    },
    find: async (mint) => tokens.get(mint),
    close: async () => {},
  };
}

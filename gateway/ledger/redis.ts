// The ledger in a Redis that several gateways share. Every change is one script, so that it is stored as a whole. What is
// acknowledged survives the gateway; that it survives Redis too is for Redis to see to (appendonly yes).
import { Redis } from 'ioredis';
import { z } from 'zod';
import type { LedgerChange, Override, StoredRule } from './ledger.ts';
import { APPEND, createRedisAudit, IS_NEXT } from './redis-audit.ts';
import { createRedisEvidence } from './redis-evidence.ts';
import { createRedisFlips } from './redis-flips.ts';
import { createRedisIds } from './redis-ids.ts';
import { MERGE, mergeAnswer, mergeArguments } from './redis-merge.ts';
import { lastMoveOf, moveArguments, moveKeys, moveRecord, RECORD_MOVE } from './redis-moves.ts';
import { createRedisPlans, planKeys } from './redis-plans.ts';
import { createRedisWrites } from './redis-writes.ts';
import type { RemoteLedger } from './shared-ledger.ts';

/** What the keys hold; another layout is refused rather than guessed at. */
const LAYOUT_VERSION = '2';
/** Its audit log has no chain yet; nothing else differs. */
const UNCHAINED_LAYOUT = '1';
/** One hash slot for all keys, so that a cluster takes them too. */
const PREFIX = '{banyan}:';
const KEYS = {
  layout: `${PREFIX}layout`,
  overrides: `${PREFIX}overrides`,
  rules: `${PREFIX}rules`,
  revisions: `${PREFIX}revisions`,
  audit: `${PREFIX}audit`,
  evidence: `${PREFIX}evidence:`,
  ids: `${PREFIX}ids`,
  plans: `${PREFIX}plans:`,
  writes: `${PREFIX}writes:`,
  flips: `${PREFIX}flips:`,
  lastMove: `${PREFIX}moves:last`,
  moves: `${PREFIX}moves`,
  moved: `${PREFIX}moves:plans`,
  merged: `${PREFIX}merged`,
};

const CONNECT_TIMEOUT_MS = 3_000;
/** A Redis that does not answer in this time counts as one that cannot be reached. */
const COMMAND_TIMEOUT_MS = 2_000;
const RECONNECT_MS_MAX = 1_000;

/**
 * What every script begins with that stores a change: `storeChange()` stores it with its audit entry and answers the scope's
 * new revision; or -1 where the audit log has another head, or an error, and then nothing is stored.
 */
const STORE_CHANGE = `
  local overrides, rules, revisions = unpack(KEYS, 6)
  local scope, override, ruleId, rule = unpack(ARGV, 4)
  local function storeChange()
    ${IS_NEXT}
    if rule ~= '' and redis.call('HEXISTS', rules, ruleId) == 1 then
      return redis.error_reply('ERR there is a rule ' .. ruleId .. ' already')
    end
    ${APPEND}
    if rule ~= '' then redis.call('HSET', rules, ruleId, rule)
    elseif ruleId ~= '' then redis.call('HDEL', rules, ruleId) end
    if override == 'lift' then redis.call('HDEL', overrides, scope)
    elseif override ~= '' then redis.call('HSET', overrides, scope, override) end
    return redis.call('HINCRBY', revisions, scope, 1)
  end
  `;

const overrideText = json(
  z.object({
    scope: z.string(),
    side: z.enum(['legacy', 'new']),
    reason: z.string(),
    actor: z.string(),
    at: z.string(),
  }),
);

const ruleText = json(
  z
    .object({
      id: z.string(),
      route: z.string(),
      kind: z.string(),
      rule: z.unknown(),
      permanent: z.string().optional(),
      actor: z.string(),
      at: z.string(),
    })
    .transform(({ permanent, ...rule }): StoredRule => ({ ...rule, permanent })),
);

/** Whether an error is an answer of Redis that it will not do this; one that loads or has no memory is as good as away. */
export function isAnswer(error: unknown): boolean {
  return error instanceof Error && error.name === 'ReplyError' && error.message.startsWith('ERR ');
}

/** Opens the ledger at `url`. @throws when it cannot be reached or is of another layout. */
export async function openRedisLedger(url: string): Promise<RemoteLedger> {
  const redis = await connect(url);
  const { append, chain, ...auditing } = createRedisAudit(redis, KEYS.audit);
  await inLayout(redis, chain).catch((error: unknown) => refuse(redis, url, error));

  /** Runs STORE_CHANGE and what follows it, whose own keys and arguments are the last ones. */
  function store(
    change: LedgerChange,
    following: string,
    ownKeys: readonly string[] = [],
    ownValues: readonly string[] = [],
  ): Promise<unknown> {
    const { overrides, rules, revisions } = KEYS;
    const script = `${STORE_CHANGE}${following}`;
    return append(change.audit, ({ keys, values }) => {
      const all = [...keys, overrides, rules, revisions, ...ownKeys];
      return redis.eval(script, all.length, ...all, ...values, ...changeArguments(change), ...ownValues);
    });
  }

  return {
    async overrides() {
      const stored = await redis.hvals(KEYS.overrides);
      return stored.map((text): Override => overrideText.parse(text)).sort((a, b) => (a.scope < b.scope ? -1 : 1));
    },
    async rules() {
      const stored = await redis.hvals(KEYS.rules);
      return stored.map((text) => ruleText.parse(text)).sort(byAge);
    },
    async revisions() {
      const stored = await redis.hgetall(KEYS.revisions);
      return new Map(Object.entries(stored).map(([scope, revision]) => [scope, Number(revision)]));
    },
    async commit(change) {
      return z.number().parse(await store(change, 'return storeChange()'));
    },
    async recordMove(change, move) {
      const { revisions: planRevisions, tokens } = planKeys(KEYS.plans);
      const keys = moveKeys({ ...KEYS, planRevisions, tokens });
      return moveRecord(await store(change, RECORD_MOVE, keys, moveArguments(move)));
    },
    async merge(source, entry) {
      const values = mergeArguments(source, entry);
      return mergeAnswer.parse(await store(entry.change, MERGE, [KEYS.merged], values));
    },
    async lastMoves() {
      const stored = await redis.hgetall(KEYS.moves);
      return new Map(Object.entries(stored).map(([route, all]) => [route, lastMoveOf(all)]));
    },
    ...auditing,
    evidence: createRedisEvidence(redis, KEYS.evidence),
    ids: createRedisIds(redis, KEYS.ids),
    plans: createRedisPlans(redis, KEYS.plans),
    writes: createRedisWrites(redis, KEYS.writes),
    flips: createRedisFlips(redis, KEYS.flips),
    async close() {
      redis.disconnect();
    },
  };
}

function changeArguments({ scope, override, rule }: LedgerChange): string[] {
  const forced = override === undefined ? '' : override === 'lift' ? 'lift' : JSON.stringify(override);
  return [scope, forced, ...ruleArguments(rule)];
}

/** The rule's id, and its text where it is added. */
function ruleArguments(rule: LedgerChange['rule']): [id: string, text: string] {
  if (!rule) return ['', ''];
  return 'remove' in rule ? [rule.remove, ''] : [rule.id, JSON.stringify(rule)];
}

function byAge(a: StoredRule, b: StoredRule): number {
  if (a.at !== b.at) return a.at < b.at ? -1 : 1;
  return a.id < b.id ? -1 : 1;
}

/** Text that is JSON of a shape. */
function json<Schema extends z.ZodType>(schema: Schema) {
  return z
    .string()
    .transform((text): unknown => JSON.parse(text))
    .pipe(schema);
}

async function connect(url: string): Promise<Redis> {
  const redis = new Redis(url, {
    lazyConnect: true,
    connectTimeout: CONNECT_TIMEOUT_MS,
    commandTimeout: COMMAND_TIMEOUT_MS,
    // What cannot be sent now fails now: a change must not take effect when its operator has long been told it did not.
    enableOfflineQueue: false,
    maxRetriesPerRequest: 0,
    retryStrategy: (attempt) => Math.min(attempt * 50, RECONNECT_MS_MAX),
  });
  let cause: Error | undefined;
  redis.on('error', (error: Error) => {
    cause = error; // Whoever calls is told; here it only must not end the process.
  });
  try {
    await redis.connect();
    return redis;
  } catch (error) {
    return refuse(redis, url, cause ?? error);
  }
}

/** Sees to it that the keys are of this layout. @throws when they are of another. */
async function inLayout(redis: Redis, chain: () => Promise<void>): Promise<void> {
  await redis.setnx(KEYS.layout, LAYOUT_VERSION);
  const layout = await redis.get(KEYS.layout);
  if (layout !== LAYOUT_VERSION && layout !== UNCHAINED_LAYOUT) {
    throw new Error(`it has ledger layout ${layout}, this gateway reads ${LAYOUT_VERSION}; use the matching release`);
  }
  await chain();
  await redis.set(KEYS.layout, LAYOUT_VERSION);
}

function refuse(redis: Redis, url: string, error: unknown): never {
  redis.disconnect();
  const { message } = error as Error;
  throw new Error(`the ledger at ${new URL(url).host} cannot be used: ${message}`, { cause: error });
}

// The ledger in a Redis that several gateways share. Every change is one script, so that it is stored as a whole. What is
// acknowledged survives the gateway; that it survives Redis too is for Redis to see to (appendonly yes).
import { Redis } from 'ioredis';
import { z } from 'zod';
import {
  AUDIT_ACTIONS,
  AUDIT_SOURCES,
  type AuditEntry,
  type LedgerChange,
  type Override,
  type StoredAuditEntry,
  type StoredRule,
} from './ledger.ts';
import { createRedisEvidence } from './redis-evidence.ts';
import { createRedisFlips } from './redis-flips.ts';
import { createRedisIds } from './redis-ids.ts';
import { mergeAnswer, mergeArguments, merging } from './redis-merge.ts';
import { lastMoveOf, moveArguments, moveKeys, moveRecord, recordingMove } from './redis-moves.ts';
import { createRedisPlans, planKeys } from './redis-plans.ts';
import type { RemoteLedger } from './shared-ledger.ts';

/** What the keys hold; another layout is refused rather than guessed at. */
const LAYOUT_VERSION = '1';
/** One hash slot for all keys, so that a cluster takes them too. */
const PREFIX = '{banyan}:';
const KEYS = {
  layout: `${PREFIX}layout`,
  overrides: `${PREFIX}overrides`,
  rules: `${PREFIX}rules`,
  revisions: `${PREFIX}revisions`,
  /** Entries by id, the last id, and the ids: of all, and with a scope's name of that scope. */
  audit: `${PREFIX}audit`,
  auditLast: `${PREFIX}audit:last`,
  auditIds: `${PREFIX}audit:ids`,
  evidence: `${PREFIX}evidence:`,
  ids: `${PREFIX}ids`,
  plans: `${PREFIX}plans:`,
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

const COMMIT = `
  local overrides, rules, revisions, audit, last, ids, scopeIds = unpack(KEYS)
  local scope, override, ruleId, rule, entry = unpack(ARGV)
  if rule ~= '' and redis.call('HEXISTS', rules, ruleId) == 1 then
    return redis.error_reply('ERR there is a rule ' .. ruleId .. ' already')
  end
  if rule ~= '' then redis.call('HSET', rules, ruleId, rule)
  elseif ruleId ~= '' then redis.call('HDEL', rules, ruleId) end
  if override == 'lift' then redis.call('HDEL', overrides, scope)
  elseif override ~= '' then redis.call('HSET', overrides, scope, override) end
  local id = redis.call('INCR', last)
  redis.call('HSET', audit, id, entry)
  redis.call('ZADD', ids, id, id)
  redis.call('ZADD', scopeIds, id, id)
  return redis.call('HINCRBY', revisions, scope, 1)`;

const RECORD_MOVE = recordingMove(COMMIT);
const MERGE = merging(COMMIT);

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

const auditText = json(
  z.object({
    at: z.string(),
    actor: z.string(),
    source: z.enum(AUDIT_SOURCES),
    action: z.enum(AUDIT_ACTIONS),
    scope: z.string(),
    reason: z.string(),
    before: z.unknown(),
    after: z.unknown(),
    evidence: z.unknown(),
    requestId: z.string().nullable(),
  }),
);

/** Whether an error is an answer of Redis that it will not do this; one that loads or has no memory is as good as away. */
export function isAnswer(error: unknown): boolean {
  return error instanceof Error && error.name === 'ReplyError' && error.message.startsWith('ERR ');
}

/** Opens the ledger at `url`. @throws when it cannot be reached or is of another layout. */
export async function openRedisLedger(url: string): Promise<RemoteLedger> {
  const redis = await connect(url);
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
      const keys = changeKeys(change);
      return z.number().parse(await redis.eval(COMMIT, keys.length, ...keys, ...changeArguments(change)));
    },
    async recordMove(change, move) {
      const { revisions: planRevisions, tokens } = planKeys(KEYS.plans);
      const keys = [...changeKeys(change), ...moveKeys({ ...KEYS, planRevisions, tokens })];
      const values = [...changeArguments(change), ...moveArguments(change.scope, move)];
      return moveRecord(await redis.eval(RECORD_MOVE, keys.length, ...keys, ...values));
    },
    async merge(source, entry) {
      const keys = [...changeKeys(entry.change), KEYS.merged];
      const values = [...changeArguments(entry.change), ...mergeArguments(source, entry)];
      return mergeAnswer.parse(await redis.eval(MERGE, keys.length, ...keys, ...values));
    },
    async lastMoves() {
      const stored = await redis.hgetall(KEYS.moves);
      return new Map(Object.entries(stored).map(([route, all]) => [route, lastMoveOf(all)]));
    },
    async audit({ limit, scope, before }) {
      const key = scope === undefined ? KEYS.auditIds : `${KEYS.auditIds}:${scope}`;
      const from = before === undefined ? '+inf' : `(${before}`;
      const ids = await redis.zrevrangebyscore(key, from, '-inf', 'LIMIT', 0, limit);
      const entries = ids.length > 0 ? await redis.hmget(KEYS.audit, ...ids) : [];
      return entries.map((text, index) => entryOf(Number(ids[index]), text));
    },
    evidence: createRedisEvidence(redis, KEYS.evidence),
    ids: createRedisIds(redis, KEYS.ids),
    plans: createRedisPlans(redis, KEYS.plans),
    flips: createRedisFlips(redis, KEYS.flips),
    async close() {
      redis.disconnect();
    },
  };
}

function changeKeys({ audit }: LedgerChange): string[] {
  const { overrides, rules, revisions, audit: entries, auditLast, auditIds } = KEYS;
  return [overrides, rules, revisions, entries, auditLast, auditIds, `${auditIds}:${audit.scope}`];
}

function changeArguments({ scope, override, rule, audit }: LedgerChange): string[] {
  const forced = override === undefined ? '' : override === 'lift' ? 'lift' : JSON.stringify(override);
  return [scope, forced, ...ruleArguments(rule), textOf(audit)];
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

function textOf({ requestId, before, after, evidence, ...entry }: AuditEntry): string {
  const values = { before: before ?? null, after: after ?? null, evidence: evidence ?? null };
  return JSON.stringify({ ...entry, ...values, requestId: requestId ?? null });
}

function entryOf(id: number, text: string | null): StoredAuditEntry {
  const { requestId, ...entry } = auditText.parse(text);
  return { id, ...entry, requestId: requestId ?? undefined };
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
    await redis.setnx(KEYS.layout, LAYOUT_VERSION);
    const layout = await redis.get(KEYS.layout);
    if (layout !== LAYOUT_VERSION) {
      throw new Error(`it has ledger layout ${layout}, this gateway reads ${LAYOUT_VERSION}; use the matching release`);
    }
    return redis;
  } catch (error) {
    redis.disconnect();
    const { message } = cause ?? (error as Error);
    throw new Error(`the ledger at ${new URL(url).host} cannot be used: ${message}`, { cause: error });
  }
}

// The audit log in a Redis that several gateways share. Redis cannot compute the hashes of the chain, so whoever appends
// does, and the script that stores the entry with its change refuses when another gateway was faster.
import type { Redis } from 'ioredis';
import { z } from 'zod';
import { anchorEntry, link, linkAfter } from './audit-chain.ts';
import {
  AUDIT_ACTIONS,
  AUDIT_SOURCES,
  type AuditEntry,
  type AuditHead,
  type AuditPage,
  type AuditQuery,
  type StoredAuditEntry,
} from './ledger.ts';

/** Each time that an append is refused another gateway has appended: so many times in a row is no coincidence any more. */
const ATTEMPTS_MAX = 100;
/** Entries that are chained at once. */
const CHAIN_PAGE = 500;

/**
 * A script that appends begins with IS_NEXT, says APPEND once nothing can refuse the change any more, and stores the change.
 * Its KEYS 1 to 5 and ARGV 1 to 3 are those of Appending: the head that the entry was linked after, its own, and its text.
 */
export const IS_NEXT = `
  local auditEntries, auditLast, auditHead, auditIds, auditScopeIds = unpack(KEYS)
  local expected, head, entry = unpack(ARGV)
  local now = redis.call('GET', auditHead) or ''
  if now ~= expected or (redis.call('GET', auditLast) or '0') ~= (string.match(now, '^%d+') or '0') then return -1 end`;
export const APPEND = `
  local id = string.match(head, '^%d+')
  redis.call('SET', auditLast, id)
  redis.call('SET', auditHead, head)
  redis.call('HSET', auditEntries, id, entry)
  redis.call('ZADD', auditIds, id, id)
  redis.call('ZADD', auditScopeIds, id, id)`;
/** What an appending script answers instead, when the log has another head. */
const MOVED = -1;

const CHAIN = `
  local auditEntries, auditHead = unpack(KEYS)
  if (redis.call('GET', auditHead) or '') ~= ARGV[1] then return 0 end
  redis.call('SET', auditHead, ARGV[2])
  for i = 3, #ARGV, 2 do redis.call('HSET', auditEntries, ARGV[i], ARGV[i + 1]) end
  return 1`;

const entryText = z
  .object({
    at: z.string(),
    actor: z.string(),
    source: z.enum(AUDIT_SOURCES),
    action: z.enum(AUDIT_ACTIONS),
    scope: z.string(),
    reason: z.string(),
    before: z.unknown(),
    after: z.unknown(),
    evidence: z.unknown(),
    requestId: z.string().nullish(),
    // What an entry lacks that an earlier release has stored.
    instance: z.string().optional(),
    prev: z.string().default(''),
    hash: z.string().default(''),
  })
  .transform(({ requestId, instance, ...entry }) => ({ ...entry, requestId: requestId ?? undefined, instance }));

/** What belongs to an entry that is about to be appended: the first five keys and three arguments of its script. */
export interface Appending {
  readonly keys: readonly string[];
  readonly values: readonly string[];
}

export interface RedisAudit {
  audit(query: AuditQuery): Promise<StoredAuditEntry[]>;
  auditAfter(page: AuditPage): Promise<StoredAuditEntry[]>;
  auditHead(): Promise<AuditHead | undefined>;
  /**
   * Appends with `run`, which runs such a script and answers what that does: one at a time, and again when others were
   * faster. A script may also find that there is nothing to append, and answer that.
   */
  append(entry: AuditEntry, run: (appending: Appending) => Promise<unknown>): Promise<unknown>;
  /** Chains entries that a release without a chain has stored. */
  chain(): Promise<void>;
}

/** `prefix` is the key of the entries by id; all others begin with it. */
export function createRedisAudit(redis: Redis, prefix: string): RedisAudit {
  const keys = { entries: prefix, last: `${prefix}:last`, head: `${prefix}:head`, ids: `${prefix}:ids` };
  let known: AuditHead | undefined; // Where the log ends, as far as this gateway knows.
  let turn: Promise<unknown> = Promise.resolve();

  async function read(ids: readonly string[]): Promise<StoredAuditEntry[]> {
    const texts = ids.length > 0 ? await redis.hmget(keys.entries, ...ids) : [];
    return texts.map((text, index) => ({ ...entryText.parse(JSON.parse(text ?? 'null')), id: Number(ids[index]) }));
  }

  async function auditAfter({ after, limit }: AuditPage): Promise<StoredAuditEntry[]> {
    return read(await redis.zrangebyscore(keys.ids, `(${after}`, '+inf', 'LIMIT', 0, limit));
  }

  async function auditHead(): Promise<AuditHead | undefined> {
    return headOf(await redis.get(keys.head));
  }

  /** Links what lies behind the head, where a release without a chain has appended; answers the new head. */
  async function chainBehind(): Promise<AuditHead | undefined> {
    let first: number | undefined;
    for (;;) {
      const [headText, last] = await redis.mget(keys.head, keys.last);
      const before = headOf(headText ?? null);
      if (Number(last ?? 0) === (before?.id ?? 0)) {
        if (first === undefined || !before) return before;
        await appendNow(anchorEntry(first, before.id, new Date().toISOString()), before);
        return auditHead();
      }
      const page = await auditAfter({ after: before?.id ?? 0, limit: CHAIN_PAGE });
      if (page.length === 0) throw new Error(`the audit log says that it has ${last} entries, and has fewer`);
      const linked: StoredAuditEntry[] = [];
      for (const { id, prev: _prev, hash: _hash, ...entry } of page) {
        linked.push(link(entry, id, (linked.at(-1) ?? before)?.hash));
      }
      const texts = linked.flatMap((entry) => [String(entry.id), JSON.stringify(entry)]);
      const heads = [textOf(before), textOf(linked.at(-1))];
      // Of several gateways that do this at once, one does each page, and the one that began says so in the log.
      const isMine = (await redis.eval(CHAIN, 2, keys.entries, keys.head, ...heads, ...texts)) === 1;
      if (isMine) first ??= page[0]?.id;
    }
  }

  const appending = (entry: AuditEntry, head: AuditHead | undefined) => {
    const linked = linkAfter(head, entry);
    const scopeIds = `${keys.ids}:${entry.scope}`;
    return {
      linked,
      keys: [keys.entries, keys.last, keys.head, keys.ids, scopeIds],
      values: [textOf(head), textOf(linked), JSON.stringify(linked)],
    };
  };

  async function appendNow(entry: AuditEntry, head: AuditHead): Promise<void> {
    const { keys: first, values } = appending(entry, head);
    await redis.eval(`${IS_NEXT}${APPEND} return 1`, first.length, ...first, ...values); // Where others were faster, they have said it.
  }

  async function appendInTurn(entry: AuditEntry, run: (appending: Appending) => Promise<unknown>): Promise<unknown> {
    for (let attempt = 0; attempt < ATTEMPTS_MAX; attempt++) {
      const { linked, ...rest } = appending(entry, known);
      const answer = await run(rest);
      if (answer !== MOVED) {
        known = linked; // A script that found nothing to store has left the log as it was: the next is refused, and looks.
        return answer;
      }
      known = await chainBehind();
    }
    throw new Error('other gateways append to the audit log without a pause; try again');
  }

  return {
    async audit({ limit, scope, before }) {
      const key = scope === undefined ? keys.ids : `${keys.ids}:${scope}`;
      const from = before === undefined ? '+inf' : `(${before}`;
      return read(await redis.zrevrangebyscore(key, from, '-inf', 'LIMIT', 0, limit));
    },
    auditAfter,
    auditHead,
    append(entry, run) {
      const appended = turn.then(() => appendInTurn(entry, run));
      turn = appended.catch(() => {});
      return appended;
    },
    async chain() {
      known = await chainBehind();
    },
  };
}

function textOf(head: AuditHead | undefined): string {
  return head ? `${head.id} ${head.hash}` : '';
}

function headOf(text: string | null): AuditHead | undefined {
  const [id, hash] = text?.split(' ') ?? [];
  return id === undefined || hash === undefined ? undefined : { id: Number(id), hash };
}

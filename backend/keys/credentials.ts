// Users' keys of the exchange: stored encrypted, opened when they are needed, wrapped anew when the master key changes.
// Envelope encryption: each record has a data key of its own, and only that is wrapped by a master key.
import { randomBytes } from 'node:crypto';
import { z } from 'zod';
import type { Clock } from '../domain/ids.ts';
import { isoTime } from '../domain/time.ts';
import type { CredentialRecord } from '../store/items.ts';
import { SHARDS } from '../store/keys.ts';
import type { CredentialCursor, Store } from '../store/store.ts';
import type { Audit } from './audit.ts';
import { KEY_BYTES, seal, unseal } from './envelope.ts';
import type { MasterKeys } from './master-keys.ts';

/** How long opened keys are kept in memory: a key replaced elsewhere is used for this long at most. */
const OPENED_MS = 60_000;
const REMEMBERED_MAX = 10_000;
/** And whether a user has keys at all: every order asks. */
const KNOWN_MS = 5000;
const HINT_LENGTH = 4;
const ATTEMPTS_MAX = 3;
const PAGE = 100;

/** A user's keys, in the clear. */
export const exchangeKeys = z.object({ apiKey: z.string().min(1).max(256), secretKey: z.string().min(1).max(256) });
export type ExchangeKeys = z.infer<typeof exchangeKeys>;
export type KeyOwner = { readonly userId: string; readonly exchange: string };
/** Who does it, and what for: both go into the audit trail. */
export type Purpose = { readonly actor: string; readonly action: string };

/** A record cannot be opened: its master key is not known here, or it was changed. Never says anything of the secret. */
export class CredentialUnreadable extends Error {
  override readonly name = 'CredentialUnreadable';
}

/** What may be shown of keys. */
export type KeyFacts = { readonly hint: string; readonly createdAt: string; readonly updatedAt: string };

export type Credentials = {
  /** Stores a user's keys, in place of any before them. Rejects with StoreUnavailable, or when others write all the time. */
  readonly put: (owner: KeyOwner, keys: ExchangeKeys, actor: string) => Promise<void>;
  /** The user's keys for one purpose, audited; undefined when the user has none. Rejects with CredentialUnreadable. */
  readonly use: (owner: KeyOwner, purpose: Purpose) => Promise<ExchangeKeys | undefined>;
  /** Whether the user has keys, and which: at most a moment old. Opens nothing, so it is not audited. */
  readonly describe: (owner: KeyOwner) => Promise<KeyFacts | undefined>;
  /** Forgets the keys; false when there were none. Rejects as `put` does. */
  readonly remove: (owner: KeyOwner, actor: string) => Promise<boolean>;
  /**
   * Wraps every record anew that another master key than the current one wrapped. Harmless to repeat and to interrupt;
   * reading goes on meanwhile. Answers how many, and how many could not be.
   */
  readonly rewrap: (actor: string) => Promise<{ readonly rewrapped: number; readonly failed: number }>;
};

export type CredentialsDeps = {
  readonly store: Pick<Store, 'getCredential' | 'putCredential' | 'credentialsOfShard'>;
  readonly masterKeys: MasterKeys;
  readonly audit: Pick<Audit, 'record'>;
  readonly now: Clock;
};

const contextOf = ({ userId, exchange }: KeyOwner) => JSON.stringify(['credential', userId, exchange]);
const ownerOf = ({ user_id, exchange }: CredentialRecord): KeyOwner => ({ userId: user_id, exchange });

/** In place of what was sealed. */
const NOTHING_SEALED = { wrapped_key: '-', sealed: '-', hint: '' } as const;

function factsOf(record: CredentialRecord | undefined): KeyFacts | undefined {
  if (!record || record.removed_at !== undefined) return undefined;
  return { hint: record.hint, createdAt: record.created_at, updatedAt: record.updated_at };
}

async function dataKeyOf(record: CredentialRecord, masterKeys: MasterKeys): Promise<Buffer> {
  const wrapped = { masterKeyId: record.master_key_id, wrapped: Buffer.from(record.wrapped_key, 'base64') };
  const dataKey = await masterKeys.unwrap(wrapped, contextOf(ownerOf(record)));
  if (dataKey) return dataKey;
  throw new CredentialUnreadable(
    `the ${record.exchange} keys of user ${record.user_id} cannot be opened: master key ${record.master_key_id} is not given here, or the record was changed`,
  );
}

async function open(record: CredentialRecord, masterKeys: MasterKeys): Promise<ExchangeKeys> {
  const dataKey = await dataKeyOf(record, masterKeys);
  const plain = unseal(dataKey, Buffer.from(record.sealed, 'base64'), contextOf(ownerOf(record)));
  dataKey.fill(0);
  if (plain) return exchangeKeys.parse(JSON.parse(plain.toString()));
  throw new CredentialUnreadable(`the ${record.exchange} keys of user ${record.user_id} were changed after sealing`);
}

async function sealed(owner: KeyOwner, keys: ExchangeKeys, masterKeys: MasterKeys) {
  const dataKey = randomBytes(KEY_BYTES);
  const { masterKeyId, wrapped } = await masterKeys.wrap(dataKey, contextOf(owner));
  const text = seal(dataKey, Buffer.from(JSON.stringify(exchangeKeys.parse(keys))), contextOf(owner)).toString(
    'base64',
  );
  dataKey.fill(0);
  const hint = keys.apiKey.length > 2 * HINT_LENGTH ? keys.apiKey.slice(-HINT_LENGTH) : '';
  return { master_key_id: masterKeyId, wrapped_key: wrapped.toString('base64'), sealed: text, hint };
}

/** Something of each owner, forgotten after `lifeMs`. */
function createRemembered<T>(now: Clock, lifeMs: number) {
  const entries = new Map<string, { readonly value: T; readonly atMs: number }>();
  return {
    get(owner: KeyOwner): T | undefined {
      const entry = entries.get(contextOf(owner));
      return entry && now() - entry.atMs < lifeMs ? entry.value : undefined;
    },
    set(owner: KeyOwner, value: T): void {
      entries.delete(contextOf(owner));
      const oldest = entries.size >= REMEMBERED_MAX ? entries.keys().next().value : undefined;
      if (oldest !== undefined) entries.delete(oldest);
      entries.set(contextOf(owner), { value, atMs: now() });
    },
    delete: (owner: KeyOwner) => void entries.delete(contextOf(owner)),
  };
}

function createRewrap({ store, masterKeys, audit, now }: CredentialsDeps): Credentials['rewrap'] {
  /** Only the data key is wrapped anew; the secret itself is not even opened. */
  async function rewrapOne(record: CredentialRecord): Promise<boolean> {
    const dataKey = await dataKeyOf(record, masterKeys);
    const { masterKeyId, wrapped } = await masterKeys.wrap(dataKey, contextOf(ownerOf(record)));
    dataKey.fill(0);
    const changes = { master_key_id: masterKeyId, wrapped_key: wrapped.toString('base64') };
    const next = { ...record, ...changes, updated_at: isoTime(now()), version: record.version + 1 };
    return (await store.putCredential(next)) === 'stored'; // A conflict: somebody else wrote, with the current key.
  }

  async function* outdated(): AsyncGenerator<CredentialRecord> {
    for (let shard = 0; shard < SHARDS; shard++) {
      let after: CredentialCursor | undefined;
      do {
        const page = await store.credentialsOfShard(shard, { limit: PAGE, ...(after ? { after } : {}) });
        yield* page.credentials.filter(
          ({ master_key_id, removed_at }) => removed_at === undefined && master_key_id !== masterKeys.currentId,
        );
        after = page.next ?? undefined;
      } while (after);
    }
  }

  return async function rewrap(actor) {
    const counts = { rewrapped: 0, failed: 0 };
    for await (const record of outdated()) {
      try {
        if (await rewrapOne(record)) counts.rewrapped += 1;
        audit.record({ userId: record.user_id, action: `${record.exchange}.keys.rewrap`, actor });
      } catch (error) {
        if (!(error instanceof CredentialUnreadable)) throw error;
        counts.failed += 1; // Told by count; the others must not wait for it.
      }
    }
    return counts;
  };
}

export function createCredentials(deps: CredentialsDeps): Credentials {
  const { store, masterKeys, audit, now } = deps;
  const opened = createRemembered<ExchangeKeys>(now, OPENED_MS);
  const known = createRemembered<KeyFacts | 'none'>(now, KNOWN_MS);

  /** Stores what `next` makes of the record; false when it makes nothing of it. */
  async function write(
    owner: KeyOwner,
    next: (present: CredentialRecord | undefined, time: string) => CredentialRecord | undefined,
  ): Promise<boolean> {
    for (let attempt = 1; attempt <= ATTEMPTS_MAX; attempt++) {
      const record = next(await store.getCredential(owner.userId, owner.exchange), isoTime(now()));
      if (!record) return false;
      if ((await store.putCredential(record)) === 'conflict') continue;
      opened.delete(owner);
      known.delete(owner);
      return true;
    }
    throw new Error(`the keys of user ${owner.userId} are being written by others; try again`);
  }

  return {
    async put(owner, keys, actor) {
      const content = await sealed(owner, keys, masterKeys);
      await write(owner, (present, time) => ({
        ...content,
        user_id: owner.userId,
        exchange: owner.exchange,
        created_at: present && present.removed_at === undefined ? present.created_at : time,
        updated_at: time,
        version: (present?.version ?? 0) + 1,
      }));
      audit.record({ userId: owner.userId, action: `${owner.exchange}.keys.put`, actor });
    },
    async describe(owner) {
      const remembered = known.get(owner);
      if (remembered !== undefined) return remembered === 'none' ? undefined : remembered;
      const facts = factsOf(await store.getCredential(owner.userId, owner.exchange));
      known.set(owner, facts ?? 'none');
      return facts;
    },
    async remove(owner, actor) {
      const removed = await write(owner, (present, time) =>
        present && present.removed_at === undefined
          ? { ...present, ...NOTHING_SEALED, removed_at: time, updated_at: time, version: present.version + 1 }
          : undefined,
      );
      if (removed) audit.record({ userId: owner.userId, action: `${owner.exchange}.keys.remove`, actor });
      return removed;
    },
    async use(owner, { action, actor }) {
      audit.record({ userId: owner.userId, action: `${owner.exchange}.${action}`, actor });
      const present = opened.get(owner);
      if (present) return present;
      const record = await store.getCredential(owner.userId, owner.exchange);
      if (!record || record.removed_at !== undefined) return undefined;
      const keys = await open(record, masterKeys);
      opened.set(owner, keys);
      return keys;
    },
    rewrap: createRewrap(deps),
  };
}

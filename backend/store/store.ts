// What the backend asks of its store. dynamo.ts is the real one, memory.ts the one for tests.

import type { AccountRecord, TradingStateRecord } from './account-items.ts';
import type { CalendarRecord } from './calendar-items.ts';
import type { ExecutionRecord } from './execution-items.ts';
import type { FillRecord } from './fill-items.ts';
import type { ItemKey } from './item-table.ts';
import type { AuditRecord, ClaimRecord, CredentialRecord, KlineRecord, OrderRecord, PositionRecord } from './items.ts';
import type { OrderSet } from './keys.ts';
import type { TargetRecord } from './sniper-items.ts';
import type { SubmissionRecord } from './submission-items.ts';

/** The store could not be asked, or did not answer in time; a write may or may not have happened. `cause` is its error. */
export class StoreUnavailable extends Error {
  override readonly name = 'StoreUnavailable';
}

export type OrderPage = {
  readonly orders: readonly OrderRecord[];
  /** The order to go on after, or null when this page was the last. */
  readonly lastSeen: string | null;
};

/**
 * The contract, kept by every implementation (test/contracts/store.ts):
 *
 * - A method rejects with StoreUnavailable and nothing else. "No" is a result: undefined, 'exists', 'conflict'.
 * - What a resolved write promised is durable, and every `get` after it sees it. Lists of a user do too. What is asked for by
 *   shard may lag.
 * - Writes are conditional on what the caller last saw, so two writers cannot silently undo each other.
 * - A write that was retried by the store after an unclear failure does not report its own first attempt as somebody else's.
 * - Records come back exactly as they were written, money letter for letter.
 * - Expired records are not returned.
 */
export type Store = {
  /** Stores a new order. 'exists': an order of this user and id is there already, and was left as it is. */
  readonly insertOrder: (order: OrderRecord) => Promise<'stored' | 'exists'>;
  /** Replaces the order whose version is `order.version - 1`. 'conflict': its version is another, or it is gone. */
  readonly replaceOrder: (order: OrderRecord) => Promise<'stored' | 'conflict'>;
  readonly getOrder: (userId: string, orderId: string) => Promise<OrderRecord | undefined>;
  /** Newest first, at most `limit`, going on after the order id `after`. */
  readonly listOrders: (userId: string, page: { limit: number; after?: string }) => Promise<OrderPage>;
  /** Orders of one set and shard (0 to SHARDS-1), oldest first, at most `limit`, going on after `after`. */
  readonly ordersOfSet: (set: OrderSet, shard: number, page: { limit: number; after?: SetCursor }) => Promise<SetPage>;

  readonly getPosition: (userId: string, symbol: string) => Promise<PositionRecord | undefined>;
  /** Sorted by symbol. */
  readonly listPositions: (userId: string) => Promise<readonly PositionRecord[]>;
  /** Version 1 inserts, any other replaces the version before it. */
  readonly putPosition: (position: PositionRecord) => Promise<'stored' | 'conflict'>;

  /** Appends to the log of a user's fills in a symbol. 'exists': there is an entry of this number, and it was left as it is. */
  readonly appendFill: (fill: FillRecord) => Promise<'stored' | 'exists'>;
  readonly getFill: (userId: string, symbol: string, seq: number) => Promise<FillRecord | undefined>;
  /** In the order of the log, at most `limit`, going on after the entry `after`. Fewer than `limit` means there are no more. */
  readonly listFills: (
    userId: string,
    symbol: string,
    page: { limit: number; after?: number },
  ) => Promise<readonly FillRecord[]>;

  readonly getAccount: (userId: string) => Promise<AccountRecord | undefined>;
  /** Version 1 inserts, any other replaces the version before it. */
  readonly putAccount: (account: AccountRecord) => Promise<'stored' | 'conflict'>;
  /** Accounts of one shard that have reservations. May lag. */
  readonly accountsReserved: (
    shard: number,
    page: { limit: number; after?: ItemKey },
  ) => Promise<{ readonly accounts: readonly AccountRecord[]; readonly next: ItemKey | null }>;
  readonly getTradingState: () => Promise<TradingStateRecord | undefined>;
  /** As putAccount. */
  readonly putTradingState: (state: TradingStateRecord) => Promise<'stored' | 'conflict'>;

  readonly getExecution: (userId: string, executionId: string) => Promise<ExecutionRecord | undefined>;
  /** As putAccount. */
  readonly putExecution: (execution: ExecutionRecord) => Promise<'stored' | 'conflict'>;
  /** Newest first, at most `limit`, going on after the id `after`. Fewer than `limit` means there are no more. */
  readonly listExecutions: (
    userId: string,
    page: { limit: number; after?: string },
  ) => Promise<readonly ExecutionRecord[]>;
  /** Executions of one shard that have not ended. May lag. */
  readonly executionsRunning: (
    shard: number,
    page: { limit: number; after?: ItemKey },
  ) => Promise<{ readonly executions: readonly ExecutionRecord[]; readonly next: ItemKey | null }>;

  readonly getSubmission: (userId: string, submissionId: string) => Promise<SubmissionRecord | undefined>;
  /** As putAccount. */
  readonly putSubmission: (submission: SubmissionRecord) => Promise<'stored' | 'conflict'>;
  /** Submissions of one shard that are not decided. May lag. */
  readonly submissionsUndecided: (
    shard: number,
    page: { limit: number; after?: ItemKey },
  ) => Promise<{ readonly submissions: readonly SubmissionRecord[]; readonly next: ItemKey | null }>;

  readonly getListing: (vcoinId: string) => Promise<CalendarRecord | undefined>;
  /** As putAccount. */
  readonly putListing: (listing: CalendarRecord) => Promise<'stored' | 'conflict'>;
  /** All of the calendar, those first that open first. */
  readonly listings: () => Promise<readonly CalendarRecord[]>;

  readonly getTarget: (userId: string, targetId: string) => Promise<TargetRecord | undefined>;
  /** As putAccount. */
  readonly putTarget: (target: TargetRecord) => Promise<'stored' | 'conflict'>;
  /** Newest first, at most `limit`, going on after the id `after`. Fewer than `limit` means there are no more. */
  readonly listTargets: (userId: string, page: { limit: number; after?: string }) => Promise<readonly TargetRecord[]>;
  /** Targets of one shard with something to be done by itself. May lag. */
  readonly targetsAtWork: (
    shard: number,
    page: { limit: number; after?: ItemKey },
  ) => Promise<{ readonly targets: readonly TargetRecord[]; readonly next: ItemKey | null }>;

  /** How many orders are not settled and positions not zero, in the whole table. Reads all their keys: for now and then. */
  readonly countActive: () => Promise<{ readonly orders: number; readonly positions: number }>;

  /** Claims an Idempotency-Key. Answers the claim that holds: the given one, or the one that was there first. */
  readonly claim: (claim: ClaimRecord) => Promise<ClaimRecord>;

  /** Stores candles, whatever was there of the same time. Not one write: when it rejects, some may be stored. */
  readonly putKlines: (klines: readonly KlineRecord[]) => Promise<void>;
  /** Candles that open within [fromMs, toMs], oldest first, at most `limit`. */
  readonly klines: (
    symbol: string,
    interval: string,
    range: { fromMs: number; toMs: number; limit: number },
  ) => Promise<readonly KlineRecord[]>;

  /** Version 1 inserts, any other replaces the version before it. */
  readonly putCredential: (credential: CredentialRecord) => Promise<'stored' | 'conflict'>;
  readonly getCredential: (userId: string, exchange: string) => Promise<CredentialRecord | undefined>;
  /** Credentials of one shard (0 to SHARDS-1), at most `limit`, going on after `after`. May lag behind writes. */
  readonly credentialsOfShard: (
    shard: number,
    page: { limit: number; after?: CredentialCursor },
  ) => Promise<CredentialPage>;
  /** Adds to the audit trails of users. Not one write: when it rejects, some may be stored. */
  readonly putAudits: (audits: readonly AuditRecord[]) => Promise<void>;
  /** Newest first, at most `limit`. */
  readonly audits: (userId: string, limit: number) => Promise<readonly AuditRecord[]>;

  /**
   * A store that reads what this one holds and keeps what is written to it to itself, in memory, until it is dropped. It
   * keeps this contract, except that nothing is durable and that the writes of others are not seen where it has its own.
   */
  readonly discarding: () => Store;

  /** Undefined when the store answers and the table is usable, else the reason. */
  readonly ping: () => Promise<string | undefined>;
  readonly close: () => Promise<void>;
};

export type SetCursor = { readonly userId: string; readonly orderId: string };
export type SetPage = { readonly orders: readonly OrderRecord[]; readonly next: SetCursor | null };

export type CredentialCursor = { readonly userId: string; readonly exchange: string };
export type CredentialPage = {
  readonly credentials: readonly CredentialRecord[];
  readonly next: CredentialCursor | null;
};

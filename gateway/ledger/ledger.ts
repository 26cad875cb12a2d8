// The port to the gateway's durable state: overrides, rules made by operators, revisions and the audit log.
import type { Side } from '../routing/side.ts';
import type { EvidenceStore } from './evidence-store.ts';
import type { FlagMove, LastMove, MoveRecord } from './flag-move.ts';
import type { FlipStore } from './flip-store.ts';
import type { IdStore } from './id-store.ts';
import type { PlanStore } from './plan-store.ts';
import type { WriteStore } from './write-store.ts';

/** The scope of an override that forces all routes. */
export const ALL_ROUTES = '*';
/** The scope whose revision counts acknowledgements, which change no route. No route can be called so. */
export const ACKNOWLEDGED = '#acknowledged';
/** The scope whose revision counts changes of operators' rules, of all routes. */
export const RULES = '#rules';
/** The scope of what is asked of a data job. */
export const jobScope = (job: string): string => `#job ${job}`;

/** An operator's forced side for one route, or for all of them. */
export interface Override {
  /** A route's id, or ALL_ROUTES. */
  readonly scope: string;
  readonly side: Side;
  readonly reason: string;
  readonly actor: string;
  /** ISO 8601, UTC. */
  readonly at: string;
}

/** A rule for comparing that an operator made. What it says is opaque here: config/compare-rules.ts reads it. */
export interface StoredRule {
  readonly id: string;
  readonly route: string;
  /** The list of the route's `compare` block that it belongs to. */
  readonly kind: string;
  /** The rule as that list has it; plain JSON. */
  readonly rule: unknown;
  /** Why it has no last day; undefined when it has one. */
  readonly permanent: string | undefined;
  readonly actor: string;
  /** ISO 8601, UTC. */
  readonly at: string;
}

/** Who or what made a change. */
export const AUDIT_SOURCES = ['api', 'cli', 'console', 'flags', 'start', 'plan', 'guard', 'certificate'] as const;
export type AuditSource = (typeof AUDIT_SOURCES)[number];

/**
 * What was done. `acknowledge`: a change made before is now followed by the processes that serve. `chain`: entries of a
 * release without a chain were chained. `acknowledge_writes`: legacy has got writes that it lacked. `deploy`: another
 * version of the new backend comes, serves, or goes back.
 */
export const AUDIT_ACTIONS = [
  'stage',
  'rollback',
  'lift',
  'create',
  'add_rule',
  'remove_rule',
  'plan',
  'acknowledge',
  'acknowledge_writes',
  'pause_job',
  'resume_job',
  'deploy',
  'chain',
] as const;

/** One change, and why. Entries are only ever added. */
export interface AuditEntry {
  readonly at: string;
  readonly actor: string;
  readonly source: AuditSource;
  readonly action: (typeof AUDIT_ACTIONS)[number];
  readonly scope: string;
  readonly reason: string;
  readonly before: unknown;
  readonly after: unknown;
  /** The numbers that the change was based on. */
  readonly evidence: unknown;
  readonly requestId: string | undefined;
  /** The gateway that made it: its host and process; undefined where nobody knows. */
  readonly instance: string | undefined;
}

/** As audit-chain.ts links it to the one before. */
export interface StoredAuditEntry extends AuditEntry {
  /** Grows by one with each entry. */
  readonly id: number;
  /** The hash of the entry before. */
  readonly prev: string;
  /** The hash of all of the above. */
  readonly hash: string;
}

/** The newest entry. */
export type AuditHead = Pick<StoredAuditEntry, 'id' | 'hash'>;

/** A change to one scope. All of it is stored, or none. */
export interface LedgerChange {
  readonly scope: string;
  /** An override to put in force, `lift` to remove the scope's, or undefined to leave overrides alone. */
  readonly override: Override | 'lift' | undefined;
  /** A rule to keep, or the id of one to remove. */
  readonly rule?: StoredRule | { readonly remove: string };
  readonly audit: AuditEntry;
}

export interface AuditQuery {
  readonly limit: number;
  readonly scope?: string;
  readonly before?: number;
}

export interface AuditPage {
  /** The id of the last entry that the caller has; 0 for none. */
  readonly after: number;
  readonly limit: number;
}

/**
 * Durable state. `commit` answers once the change would survive a crash of the process; it rejects when it cannot be
 * stored, and then nothing of it is. Reading an empty ledger is not an error. Revisions start at 1 and grow by one
 * with each change of their scope. Audit entries are never changed and never removed.
 */
export interface Ledger {
  overrides(): Promise<Override[]>;
  /** The rules made by operators, oldest first. */
  rules(): Promise<StoredRule[]>;
  /** The revision of every scope that ever changed. */
  revisions(): Promise<Map<string, number>>;
  /** Stores the change and answers the scope's new revision. */
  commit(change: LedgerChange): Promise<number>;
  /**
   * Stores a change that says that a route's flags are moved, unless that is known already, or is not to be any more. Its
   * scope is the route's id.
   */
  recordMove(change: LedgerChange, move: FlagMove): Promise<MoveRecord>;
  /** The last move of each route that was ever moved. */
  lastMoves(): Promise<ReadonlyMap<string, LastMove>>;
  /** The newest entries first: at most `limit`, of one scope when it is named, older than entry `before`. */
  audit(query: AuditQuery): Promise<StoredAuditEntry[]>;
  /** The next entries, the oldest first. */
  auditAfter(page: AuditPage): Promise<StoredAuditEntry[]>;
  /** Undefined while nothing was ever audited. */
  auditHead(): Promise<AuditHead | undefined>;
  /** Pairs of ids. */
  readonly ids: IdStore;
  close(): Promise<void>;
}

/** A ledger that keeps the evidence of comparing beside the rest. */
export interface EvidenceLedger extends Ledger {
  /** Closed with the ledger. */
  readonly evidence: EvidenceStore;
}

/** All that a gateway keeps. */
export interface GatewayLedger extends EvidenceLedger {
  /** Closed with the ledger. */
  readonly plans: PlanStore;
  /** Closed with the ledger. */
  readonly writes: WriteStore;
  readonly flips: FlipStore;
  /** Undefined for a ledger that cannot be away. */
  standing(): LedgerStanding | undefined;
}

/** `refused`: there was no room in the journal; `dropped`: they did not fit any more. */
export const JOURNAL_COUNTS = ['journalled', 'merged', 'dropped', 'refused'] as const;

/** How a ledger stands that may be away, and the changes that wait for it. */
export interface LedgerStanding {
  readonly away: { readonly since: string; readonly cause: string } | undefined;
  readonly waiting: number;
  readonly waitingMax: number;
  /** Since this process began. */
  readonly counts: Readonly<Record<(typeof JOURNAL_COUNTS)[number], number>>;
}

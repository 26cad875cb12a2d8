// The chain of the audit log: each entry's hash covers the entry and the hash of the one before, so that none can be
// changed, removed or put in between without breaking every hash after it. docs/audit.md has it for those who verify. Pure.
import { createHash } from 'node:crypto';
import { canonicalJson } from './canonical-json.ts';
import type { AuditEntry, AuditHead, StoredAuditEntry } from './ledger.ts';

/** What the first entry has in the place of the hash before it. */
export const GENESIS = '0'.repeat(64);

/** The scope of entries about the log itself. No route can be called so. */
const CHAIN_SCOPE = '#audit';

/** The hash of an entry, by all that it says but its hash: SHA-256 of its canonical JSON, in hexadecimal. */
export function hashOf(entry: Readonly<Record<string, unknown>>): string {
  const { hash: _hash, ...covered } = entry;
  return createHash('sha256').update(canonicalJson(covered)).digest('hex');
}

/** The entry as it is stored after `head`, as plain JSON. @throws for what is no JSON. */
export function linkAfter(head: AuditHead | undefined, entry: AuditEntry): StoredAuditEntry {
  return link(entry, (head?.id ?? 0) + 1, head?.hash);
}

/** The entry under an id that it has already. */
export function link(entry: AuditEntry, id: number, prev: string = GENESIS): StoredAuditEntry {
  const { before, after, evidence } = entry;
  const values = { before: plain(before), after: plain(after), evidence: plain(evidence) };
  const linked = { ...entry, id, ...values, prev };
  return { ...linked, hash: hashOf(linked) };
}

function plain(value: unknown): unknown {
  return JSON.parse(JSON.stringify(value ?? null));
}

/** Says in the log itself which entries were there before it was chained: of those the chain proves only what they were then. */
export function anchorEntry(first: number, last: number, at: string): AuditEntry {
  return {
    ...{ at, actor: 'banyan', source: 'start', action: 'chain', scope: CHAIN_SCOPE },
    reason: `entries ${first} to ${last} were stored by a release without a chain, and are chained as they were found`,
    ...{ before: null, after: { first, last }, evidence: null, requestId: undefined, instance: undefined },
  };
}

/** What is wrong with a log, and where: the first entry that cannot be what was stored. */
export interface ChainBreak {
  /** Undefined where the log as a whole is meant. */
  readonly id: number | undefined;
  readonly problem: string;
}

export interface ChainVerifier {
  /** Takes the next entry, the oldest first. After a break nothing more is looked at. */
  add(entry: Readonly<Record<string, unknown>>): void;
  /** To be asked after the last entry. `head` is the last hash that holds. */
  result(): {
    readonly entries: number;
    readonly head: AuditHead | undefined;
    readonly broken: ChainBreak | undefined;
  };
}

/** Verifies a whole log. `known` is a hash that it had once, kept elsewhere: without it a cut end cannot be seen. */
export function createChainVerifier(known?: string): ChainVerifier {
  let head: AuditHead | undefined;
  let entries = 0;
  let broken: ChainBreak | undefined;
  let isKnownSeen = known === undefined;

  function problemOf({ id, prev, hash }: Readonly<Record<string, unknown>>, computed: string): string | undefined {
    if (typeof id !== 'number' || typeof prev !== 'string' || typeof hash !== 'string') {
      return 'it is no entry of a chained log: id, prev or hash is missing';
    }
    if (prev !== (head?.hash ?? GENESIS)) {
      const before = head ? `entry ${head.id} before it has the hash ${head.hash}` : `the first entry has ${GENESIS}`;
      return `its prev is ${prev}, and ${before}: an entry in between is gone, or was put in or replaced`;
    }
    if (id <= (head?.id ?? 0)) return `it comes after entry ${head?.id}`;
    if (hash !== computed) return `its hash is ${hash}, and its content has ${computed}: it was changed`;
    return undefined;
  }

  return {
    add(entry) {
      if (broken) return;
      const computed = hashOf(entry);
      const problem = problemOf(entry, computed);
      const id = Number(entry.id);
      if (problem !== undefined) {
        broken = { id: Number.isInteger(id) ? id : undefined, problem };
        return;
      }
      entries++;
      head = { id, hash: computed };
      if (computed === known) isKnownSeen = true;
    },
    result() {
      const cut = isKnownSeen ? undefined : { id: undefined, problem: endProblem(known, head) };
      return { entries, head, broken: broken ?? cut };
    },
  };
}

function endProblem(known: string | undefined, head: AuditHead | undefined): string {
  const end = head ? `it ends with entry ${head.id}, whose hash is ${head.hash}` : 'it is empty';
  return `no entry has the hash ${known}, and ${end}: its end was cut off or replaced, or it is another log`;
}

// A source for the simulator: transactions that are first in the log (durable) and only later seen by readers (visible), rows that
// stay locked until then, snapshots as Postgres makes them, and a slot that remembers what was acknowledged.
import type { Key } from '../../migration/jobs/key.ts';
import { compareKeys } from '../../migration/jobs/key.ts';
import { widenXid } from '../../migration/postgres/snapshot.ts';
import type { Row } from '../../migration/postgres/values.ts';
import type { SourceChange } from '../../migration/run/source.ts';
import type { Random } from '../sandbox/seed/random.ts';
import { SIMULATED_JOB } from './simulated-job.ts';

/** Faults put in on purpose, to see that the simulator finds them. */
export type SourceFaults = {
  /** A read counts everything in the log as read, as a log position taken beside the read would. */
  readonly watermark?: boolean;
  /** Changes carry 32 bits of their transaction's id. */
  readonly narrowXid?: boolean;
  /** A large value that a change left alone comes as null. */
  readonly toastNull?: boolean;
};

type Transaction = {
  readonly xid: bigint;
  readonly writes: Map<string, { before: Row | null; after: Row | null }>;
  /** New key to old key. */
  readonly renames: Map<string, string>;
  commitLsn: bigint | undefined;
};

const KEYS = 'abcdefghijkl';
const TRANSACTIONS_OPEN_MAX = 3;
/** So that ids pass 2^32 in the middle of a run. */
const FIRST_XID = (1n << 32n) - 6n;
const LSN_STEP = 10n;

export function createSimulatedSource(random: Random, faults: SourceFaults) {
  const rows = new Map<string, Row>(); // What readers see.
  const open: Transaction[] = []; // Not yet visible: some are in the log already.
  const log: { readonly lsn: bigint; readonly changes: readonly SourceChange[] }[] = [];
  let nextXid = FIRST_XID;
  let endLsn = 100n;
  let nextValue = 1;

  for (const k of KEYS) if (random.chance(0.6)) rows.set(k, rowOf(k));

  function rowOf(k: string): Row {
    const a = random.chance(0.05) ? 'bad' : `a${nextValue++}`;
    return { k, u: random.pick(['u1', 'u2']), a, b: `b${nextValue++}` };
  }

  /** The row as the transaction sees it; undefined where another holds it. */
  function lockedRow(transaction: Transaction, k: string): { row: Row | null } | undefined {
    const own = transaction.writes.get(k);
    if (own) return { row: own.after };
    if (open.some((other) => other !== transaction && other.writes.has(k))) return undefined;
    return { row: rows.get(k) ?? null };
  }

  function put(transaction: Transaction, k: string, after: Row | null): void {
    const before = transaction.writes.get(k)?.before ?? rows.get(k) ?? null;
    transaction.writes.set(k, { before, after });
  }

  function write(transaction: Transaction): void {
    const k = random.pick([...KEYS]);
    const locked = lockedRow(transaction, k);
    if (!locked) return;
    if (locked.row === null) put(transaction, k, rowOf(k));
    else if (random.chance(0.3)) put(transaction, k, null);
    else if (random.chance(0.2)) rename(transaction, k, locked.row);
    // Mostly the large value stays as it is.
    else put(transaction, k, { ...rowOf(k), b: random.chance(0.7) ? (locked.row.b ?? null) : `b${nextValue++}` });
  }

  /** The key of a row changes: it goes from one place to another in one change. */
  function rename(transaction: Transaction, from: string, row: Row): void {
    const to = random.pick([...KEYS]);
    const locked = lockedRow(transaction, to);
    if (!locked || locked.row !== null || transaction.writes.has(from)) return;
    put(transaction, from, null);
    put(transaction, to, { ...row, k: to });
    transaction.renames.set(to, from);
  }

  /** What the log says of the transaction: what each row was before and is after it; a rename is one change. */
  function changesOf({ writes, renames }: Transaction): { before: Row | null; after: Row | null }[] {
    const changes = new Map(writes);
    for (const [to, from] of renames) {
      const [left, arrived] = [changes.get(from), changes.get(to)];
      if (!left?.before || left.after || !arrived?.after || arrived.before) continue; // Written again since.
      changes.delete(from);
      changes.set(to, { before: left.before, after: arrived.after });
    }
    return [...changes.values()].filter(({ before, after }) => before !== null || after !== null);
  }

  /** Puts the transaction into the log; readers do not see it yet. */
  function commit(transaction: Transaction): void {
    transaction.commitLsn = endLsn;
    endLsn += LSN_STEP;
    const xid = faults.narrowXid
      ? transaction.xid & 0xffffffffn
      : widenXid(Number(transaction.xid & 0xffffffffn), FIRST_XID);
    const changes: SourceChange[] = [];
    for (const { before, after } of changesOf(transaction)) {
      const untouched = before !== null && after !== null && before.b === after.b;
      const sent = faults.toastNull && untouched ? { ...after, b: null } : after;
      changes.push({ commitLsn: transaction.commitLsn, xid, seq: changes.length, before, after: sent });
    }
    log.push({ lsn: transaction.commitLsn, changes });
  }

  function show(transaction: Transaction): void {
    for (const [k, { after }] of transaction.writes) {
      if (after === null) rows.delete(k);
      else rows.set(k, after);
    }
    open.splice(open.indexOf(transaction), 1);
  }

  return {
    rows,
    log,
    position: () => endLsn,
    /** One thing that happens at the source. */
    act(): void {
      const transaction = open.length === 0 ? undefined : random.pick(open);
      if (!transaction || (open.length < TRANSACTIONS_OPEN_MAX && random.chance(0.3))) {
        open.push({ xid: nextXid++, writes: new Map(), renames: new Map(), commitLsn: undefined });
      } else if (transaction.commitLsn !== undefined) show(transaction);
      else if (random.chance(0.55)) write(transaction);
      else if (random.chance(0.15))
        open.splice(open.indexOf(transaction), 1); // Rolled back: as if it never was.
      else commit(transaction);
    },
    /** Ends every transaction. */
    rest(): void {
      for (const transaction of [...open]) {
        if (transaction.commitLsn === undefined) commit(transaction);
        show(transaction);
      }
    },
    read(after: Key | null, upTo: Key | null, limit: number) {
      const running = open
        .filter(({ commitLsn }) => !faults.watermark || commitLsn === undefined)
        .map(({ xid }) => xid);
      const xmin = running.reduce((least, xid) => (xid < least ? xid : least), nextXid);
      const within = [...rows.values()]
        .filter((row) => {
          const key = [row.k ?? ''];
          const above = after === null || compareKeys(SIMULATED_JOB.key, key, after) > 0;
          return above && (upTo === null || compareKeys(SIMULATED_JOB.key, key, upTo) <= 0);
        })
        .sort((a, b) => ((a.k ?? '') < (b.k ?? '') ? -1 : 1));
      return { snapshot: `${xmin}:${nextXid}:${running.join(',')}`, rows: within.slice(0, limit) };
    },
  };
}

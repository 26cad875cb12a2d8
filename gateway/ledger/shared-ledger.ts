// A ledger that gateways share and that may be away. Then what it said last holds, changes that make nothing worse wait in
// a journal beside the gateway, and are merged when it is back; moves towards the new side are refused.
import { z } from 'zod';
import type { FlagMove, MoveRecord } from './flag-move.ts';
import { JOURNAL_MAX, type Journal, type JournalEntry, openJournal } from './journal.ts';
import { type Known, type LastKnown, openLastKnown } from './last-known.ts';
import type { GatewayLedger, LedgerChange, LedgerStanding } from './ledger.ts';

/** How soon it is noticed that the ledger is back. */
const LOOK_MS = 1_000;

/** The ledger itself, while it is there. Calls reject when it is not. */
export interface RemoteLedger extends Omit<GatewayLedger, 'standing'> {
  /**
   * Stores a change that waited, once, whoever asks how often. `stale`: its scope is at another revision than it was based
   * on, and nothing is stored.
   */
  merge(source: string, entry: Pick<JournalEntry, 'sequence' | 'change' | 'expected'>): Promise<'merged' | 'stale'>;
}

export interface SharedLedgerDeps {
  /** Rejects while it cannot be reached. */
  readonly openRemote: () => Promise<RemoteLedger>;
  /** Whether an error is the ledger's own answer: it is there, and says no. */
  readonly isAnswer: (error: unknown) => boolean;
  /** The journal; what was known last is beside it. */
  readonly file: string;
  readonly lookMs?: number;
}

/** @throws when the ledger is away and nothing is known of it, or the journal cannot be used. */
export async function openSharedLedger(deps: SharedLedgerDeps): Promise<GatewayLedger> {
  const journal = await openJournal(deps.file);
  const known = await openLastKnown(`${deps.file}.known`, journal.entries);
  const ledger = new SharedLedger(deps, journal, known);
  try {
    await ledger.start();
  } catch (error) {
    await ledger.close();
    throw error;
  }
  return ledger;
}

class SharedLedger implements GatewayLedger {
  readonly #deps: SharedLedgerDeps;
  readonly #journal: Journal;
  readonly #known: LastKnown;
  readonly #counts = { journalled: 0, merged: 0, dropped: 0, refused: 0 };
  #remote: RemoteLedger | undefined;
  /** ISO 8601, UTC; undefined while the ledger is there. */
  #awaySince: string | undefined = new Date().toISOString();
  #cause = 'it was not reached yet';
  #lastMove = 0;
  #timer: NodeJS.Timeout | undefined;
  #isClosed = false;
  #turn: Promise<unknown> = Promise.resolve();

  readonly evidence: GatewayLedger['evidence'];
  readonly ids: GatewayLedger['ids'];
  readonly plans: GatewayLedger['plans'];
  readonly writes: GatewayLedger['writes'];
  readonly flips: GatewayLedger['flips'];

  constructor(deps: SharedLedgerDeps, journal: Journal, known: LastKnown) {
    this.#deps = deps;
    this.#journal = journal;
    this.#known = known;
    const ask = <T>(call: (remote: RemoteLedger) => Promise<T>) => this.#ask(call);
    const isAway = () => this.#awaySince !== undefined;
    this.evidence = {
      // Numbers that a process which begins in an outage gives to samples: above all that the ledger gives out.
      load: async () =>
        isAway() ? { routes: [], samplesFrom: Date.now() * 1_000 } : await ask(({ evidence }) => evidence.load()),
      add: (batch) => ask(({ evidence }) => evidence.add(batch)),
      changed: () => ask(({ evidence }) => evidence.changed()),
      prune: (limits) => ask(({ evidence }) => evidence.prune(limits)),
    };
    this.ids = {
      load: async () => (isAway() ? [] : await ask(({ ids }) => ids.load())),
      save: (changes, pairsMax) => ask(({ ids }) => ids.save(changes, pairsMax)),
    };
    this.plans = {
      list: () => ask(({ plans }) => plans.list()),
      put: (change) => ask(({ plans }) => plans.put(change)),
      lead: (holder, leaseMs) => ask(({ plans }) => plans.lead(holder, leaseMs)),
      resign: (holder) => ask(({ plans }) => plans.resign(holder)),
    };
    this.writes = {
      // Counted anew meanwhile, and added to what the ledger has once it is back.
      load: async () => (isAway() ? [] : await ask(({ writes }) => writes.load())),
      add: (batch) => ask(({ writes }) => writes.add(batch)),
      acknowledge: (route, upTo) => ask(({ writes }) => writes.acknowledge(route, upTo)),
    };
    this.flips = {
      begin: (flip, agoMs) => ask(({ flips }) => flips.begin(flip, agoMs)),
      beat: (instance) => ask(({ flips }) => flips.beat(instance)),
      leave: (id) => ask(({ flips }) => flips.leave(id)),
    };
  }

  /** @throws when the ledger is away and nothing is known of it. */
  async start(): Promise<void> {
    await this.#return().catch((error: Error) => {
      this.#cause = error.message;
      if (!this.#known.now) throw error;
    });
    this.#look();
  }

  standing(): LedgerStanding {
    const awaySince = this.#awaySince;
    const away = awaySince === undefined ? undefined : { since: awaySince, cause: this.#cause };
    return { away, waiting: this.#journal.entries.length, waitingMax: JOURNAL_MAX, counts: { ...this.#counts } };
  }

  async overrides() {
    return [...(await this.#read()).overrides];
  }

  async rules() {
    return [...(await this.#read()).rules];
  }

  async revisions() {
    return new Map((await this.#read()).revisions);
  }

  async lastMoves() {
    if (this.#awaySince !== undefined) return new Map();
    const moves = await this.#ask((remote) => remote.lastMoves());
    this.#lastMove = Math.max(this.#lastMove, ...[...moves.values()].map(({ move }) => move));
    return moves;
  }

  audit: GatewayLedger['audit'] = (query) => this.#ask((remote) => remote.audit(query));
  auditAfter: GatewayLedger['auditAfter'] = (page) => this.#ask((remote) => remote.auditAfter(page));
  auditHead: GatewayLedger['auditHead'] = () => this.#ask((remote) => remote.auditHead());

  commit(change: LedgerChange): Promise<number> {
    const { override, rule, audit, scope } = change;
    if (audit.action === 'plan' || audit.action === 'acknowledge_writes') {
      return this.#ask((remote) => remote.commit(change));
    }
    // A rollback wins over whatever there is; a lift and a rule are right for what was seen alone.
    const isBased = override === 'lift' || rule !== undefined;
    return this.#orLater(
      (remote) => remote.commit(change),
      () => this.#wait({ change, expected: isBased ? this.#revision(scope) : undefined, since: undefined }),
    );
  }

  recordMove(change: LedgerChange, move: FlagMove): Promise<MoveRecord> {
    const { by, flags } = move;
    const record = async (remote: RemoteLedger) => {
      const recorded = await remote.recordMove(change, move);
      if (recorded.kind !== 'fenced') this.#lastMove = Math.max(this.#lastMove, recorded.move);
      return recorded;
    };
    if (by.kind === 'plan' || (by.kind === 'operator' && !isBack(change))) return this.#ask(record);
    return this.#orLater(record, async () => {
      const since = by.kind === 'source' ? { flags, move: by.since } : undefined;
      const revision = await this.#wait({ change, expected: undefined, since });
      return { kind: 'recorded', revision, move: this.#lastMove };
    });
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    clearTimeout(this.#timer);
    await this.#turn;
    await this.#remote?.close();
    await this.#journal.close();
  }

  #revision(scope: string): number {
    return this.#known.now?.revisions.get(scope) ?? 0;
  }

  /** What the ledger says, or has said last. */
  async #read(): Promise<Known> {
    return this.#orLater(
      async (remote) => {
        const [overrides, rules, revisions] = await Promise.all([
          remote.overrides(),
          remote.rules(),
          remote.revisions(),
        ]);
        const known = { overrides, rules, revisions };
        await this.#known.read(known);
        return known;
      },
      async () => this.#known.now ?? { overrides: [], rules: [], revisions: new Map() },
    );
  }

  /** Asks the ledger, and has it be away from then on when it does not answer. */
  async #ask<T>(call: (remote: RemoteLedger) => Promise<T>): Promise<T> {
    if (!this.#remote || this.#awaySince !== undefined) throw new Error(this.#awayText());
    try {
      return await call(this.#remote);
    } catch (error) {
      if (this.#deps.isAnswer(error)) throw error;
      this.#awaySince ??= new Date().toISOString();
      this.#cause = (error as Error).message;
      throw new Error(this.#awayText(), { cause: error });
    }
  }

  #awayText(): string {
    return `the ledger cannot be reached (${this.#cause}); promotions and plans wait for it, a rollback does not`;
  }

  /** Asks the ledger; where it is away, does without. */
  async #orLater<T>(now: (remote: RemoteLedger) => Promise<T>, later: () => Promise<T>): Promise<T> {
    if (this.#awaySince !== undefined) return later();
    try {
      return await this.#ask(now);
    } catch (error) {
      if (this.#awaySince === undefined) throw error;
      return later();
    }
  }

  /** Puts a change into the journal; answers the revision that its scope has here from then on. */
  #wait(entry: Omit<JournalEntry, 'sequence'>): Promise<number> {
    return this.#inTurn(async () => {
      try {
        await this.#journal.append(entry);
      } catch (error) {
        this.#counts.refused++;
        throw error;
      }
      this.#counts.journalled++;
      return this.#known.add(entry.change);
    });
  }

  /** Merges what waits, as soon as the ledger is there again. */
  #look(): void {
    this.#timer = setTimeout(async () => {
      if (this.#awaySince !== undefined) {
        await this.#return().catch((error: Error) => {
          this.#cause = error.message;
        });
      }
      if (!this.#isClosed) this.#look();
    }, this.#deps.lookMs ?? LOOK_MS).unref();
  }

  #return(): Promise<void> {
    return this.#inTurn(async () => {
      this.#remote ??= await this.#deps.openRemote();
      for (const entry of this.#journal.entries) await this.#merge(this.#remote, entry);
      if (this.#journal.entries.length > 0) await this.#journal.clear();
      await this.#remote.revisions();
      this.#awaySince = undefined;
    });
  }

  async #merge(remote: RemoteLedger, entry: JournalEntry): Promise<void> {
    const { change, sequence, since } = entry;
    if (since) {
      await remote.recordMove(change, { flags: since.flags, by: { kind: 'source', since: since.move } });
      this.#counts.merged++;
      return;
    }
    const merged = await remote.merge(this.#journal.source, entry).catch((error: unknown) => {
      if (this.#deps.isAnswer(error)) return 'stale';
      throw error;
    });
    this.#counts[merged === 'merged' ? 'merged' : 'dropped']++;
    if (merged === 'merged') return;
    const { audit, scope } = change;
    const why = `not done, since it had changed while this gateway could not reach the ledger: ${audit.reason}`;
    const dropped = { scope, override: undefined, audit: { ...audit, reason: why, after: audit.before } };
    await remote.merge(this.#journal.source, { sequence, change: dropped, expected: undefined });
  }

  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const result = this.#turn.then(work);
    this.#turn = result.catch(() => {});
    return result;
  }
}

const served = z.object({ percent: z.number() });

/** Whether fewer users are on the new side after the move. */
function isBack({ audit }: LedgerChange): boolean {
  const [before, after] = [served.safeParse(audit.before).data, served.safeParse(audit.after).data];
  return before !== undefined && after !== undefined && after.percent < before.percent;
}

// Finds out what has changed, and says so: at once where a change announces itself, else within a second. It looks only
// while somebody listens, and for a while after.
import type { StoredAuditEntry } from '../../ledger/ledger.ts';
import type { OperatorDeps } from '../context.ts';
import { createRing, type EventRing, type NumberedEvent, type OperatorEvent } from './ring.ts';
import { isSame, topicsOf } from './topics.ts';

export const LOOK_MS = 1_000;
/** A client that comes back within this time misses nothing. */
export const LINGER_MS = 5 * 60_000;
/** Entries of the audit log that one look tells of; more come with the next. */
const AUDIT_MAX = 50;

export interface Watch {
  /** What has been said lately; another ring where nobody was watching in between. */
  readonly ring: EventRing;
  /** Somebody listens from now on. Knows everything as it is when it resolves. */
  begin(): Promise<void>;
  /** Nobody does any more. */
  linger(): void;
  /** Looks now. Never rejects. */
  look(): Promise<void>;
  close(): void;
}

export interface WatchDeps {
  readonly deps: OperatorDeps;
  readonly isDraining: () => boolean;
  readonly say: (event: NumberedEvent) => void;
}

export function createWatch({ deps, isDraining, say }: WatchDeps): Watch {
  let ring = createRing();
  let known: ReadonlyMap<string, OperatorEvent> | undefined; // Undefined while nobody watches.
  let lastEntry = 0;
  let timer: NodeJS.Timeout | undefined;
  let ending: NodeJS.Timeout | undefined;
  let looking: Promise<void> | undefined;
  let isWanted = false; // Once more, after the look under way.

  function tell(event: OperatorEvent): void {
    say(ring.add(event));
  }

  function lookAtTopics(): void {
    const before = known;
    if (!before) return;
    const topics = topicsOf(deps, isDraining());
    known = topics;
    for (const [topic, event] of topics) if (!isSame(event, before.get(topic))) tell(event);
  }

  async function lookAtAudit(): Promise<void> {
    const entries = await deps.ledger.audit({ limit: AUDIT_MAX });
    for (const entry of entries.filter(({ id }) => id > lastEntry).reverse()) {
      lastEntry = entry.id;
      tell({ name: 'audit', data: { at: entry.at, entry: inBrief(entry) } });
    }
  }

  async function lookOnce(): Promise<void> {
    try {
      lookAtTopics();
      if (known) await lookAtAudit();
      if (known) await deps.jobs.read(); // Told by the next look: a slow folder holds up nothing else.
    } catch (error) {
      if (known) deps.raised('events.look', error); // Else the ledger was closed under a last look.
    }
  }

  function look(): Promise<void> {
    isWanted = looking !== undefined;
    looking ??= lookOnce().finally(() => {
      looking = undefined;
      if (isWanted) void look();
    });
    return looking;
  }

  function stop(): void {
    clearInterval(timer);
    clearTimeout(ending);
    timer = undefined;
    known = undefined;
  }

  deps.control.onChange(() => known && void look());
  deps.rules.onChange(() => known && void look());

  return {
    get ring() {
      return ring;
    },
    async begin() {
      clearTimeout(ending);
      if (timer) return;
      timer = setInterval(() => void look(), LOOK_MS).unref();
      ring = createRing();
      known = topicsOf(deps, isDraining());
      lastEntry = Number.POSITIVE_INFINITY; // Nothing is news until it is known what is not.
      lastEntry = await deps.ledger.audit({ limit: 1 }).then(
        ([newest]) => newest?.id ?? 0,
        (error: unknown) => {
          deps.raised('events.audit', error);
          return Number.POSITIVE_INFINITY;
        },
      );
    },
    linger() {
      clearTimeout(ending);
      ending = setTimeout(stop, LINGER_MS).unref();
    },
    look,
    close: stop,
  };
}

/** Without the numbers that it was based on, which are many. */
function inBrief({ evidence: _evidence, prev: _prev, hash: _hash, ...entry }: StoredAuditEntry) {
  return entry;
}

// The audit trail of users' keys: every use is recorded, equal uses within a moment as one entry with a count, written in
// batches off the path of whoever used the key.
import { randomUUID } from 'node:crypto';
import type { Clock } from '../domain/ids.ts';
import type { AuditRecord } from '../store/items.ts';
import type { Store } from '../store/store.ts';

const FLUSH_EVERY_MS = 1000;
/** Entries waiting to be written; when the store is away for long, further ones are counted as lost. */
const WAITING_MAX = 10_000;

export type AuditEvent = { readonly userId: string; readonly action: string; readonly actor: string };

export type Audit = {
  /** Records a use. Returns at once and never throws. */
  readonly record: (event: AuditEvent) => void;
  /** Writes what waits. Never rejects; what could not be written waits on. */
  readonly flush: () => Promise<void>;
  readonly close: () => Promise<void>;
};

export type AuditDeps = {
  readonly store: Pick<Store, 'putAudits'>;
  readonly now: Clock;
  /** Uses that no entry could be kept for. */
  readonly onLost: (count: number) => void;
  readonly raised: (operation: string, error: unknown) => void;
};

/** What the table takes: one entry that it does not would hold up all that are written with it. */
function shortened({ userId, action, actor }: AuditEvent): AuditEvent {
  return { userId: userId.slice(0, 256) || '-', action: action.slice(0, 64) || '-', actor: actor.slice(0, 128) || '-' };
}

export function createAudit({ store, now, onLost, raised }: AuditDeps): Audit {
  let waiting = new Map<string, AuditRecord>();
  let flushing: Promise<void> = Promise.resolve();

  async function write(): Promise<void> {
    if (waiting.size === 0) return;
    const batch = waiting;
    waiting = new Map();
    try {
      await store.putAudits([...batch.values()]);
    } catch (error) {
      raised('audit.write', error);
      // Back in front, under keys of their own: their ids make writing them again harmless.
      const kept = [...batch.values()].slice(0, Math.max(0, WAITING_MAX - waiting.size));
      onLost(batch.size - kept.length);
      waiting = new Map([...kept.map((entry): [string, AuditRecord] => [entry.id, entry]), ...waiting]);
    }
  }

  function flush(): Promise<void> {
    flushing = flushing.then(write);
    return flushing;
  }
  const timer = setInterval(() => void flush(), FLUSH_EVERY_MS);
  timer.unref();

  return {
    record(event) {
      const { userId, action, actor } = shortened(event);
      const key = JSON.stringify([userId, action, actor]);
      const same = waiting.get(key);
      const atMs = now();
      if (same) waiting.set(key, { ...same, count: same.count + 1, last_at_ms: atMs });
      else if (waiting.size >= WAITING_MAX) onLost(1);
      else {
        const entry = { user_id: userId, id: randomUUID(), action, actor, count: 1 };
        waiting.set(key, { ...entry, first_at_ms: atMs, last_at_ms: atMs });
      }
    },
    flush,
    async close() {
      clearInterval(timer);
      await flush();
    },
  };
}

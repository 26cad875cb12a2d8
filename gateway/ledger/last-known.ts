// What a shared ledger said last, kept beside the gateway, so that it can start while that is away. Changes that wait in
// the journal are in it as well, as they are in force.
import { readFile } from 'node:fs/promises';
import { z } from 'zod';
import type { JournalEntry } from './journal.ts';
import type { LedgerChange, Override, StoredRule } from './ledger.ts';
import { replaceFile } from './replace-file.ts';

export interface Known {
  readonly overrides: readonly Override[];
  readonly rules: readonly StoredRule[];
  readonly revisions: ReadonlyMap<string, number>;
}

const knownFile = z.object({
  known: z.literal(1),
  overrides: z.array(
    z.object({
      scope: z.string(),
      side: z.enum(['legacy', 'new']),
      reason: z.string(),
      actor: z.string(),
      at: z.string(),
    }),
  ),
  /** Nobody but this writes the file. */
  rules: z.array(z.custom<StoredRule>((value) => typeof value === 'object' && value !== null)),
  revisions: z.record(z.string(), z.number()),
});

export interface LastKnown {
  /** Undefined before the ledger was ever read. */
  readonly now: Known | undefined;
  /** The ledger was read; on the disk when it resolves. */
  read(known: Known): Promise<void>;
  /** A change waits in the journal; answers its scope's revision from then on. */
  add(change: LedgerChange): number;
}

/** Reads what is kept in `file`, with what waits. @throws when it is there and cannot be read. */
export async function openLastKnown(file: string, waiting: readonly JournalEntry[]): Promise<LastKnown> {
  let stored = await readFile(file, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined;
    throw error;
  });
  let now: Known | undefined;
  if (stored !== undefined) {
    const { revisions, ...rest } = knownFile.parse(JSON.parse(stored));
    now = { ...rest, revisions: new Map(Object.entries(revisions)) };
    for (const { change } of waiting) now = withChange(now, change);
  }
  return {
    get now() {
      return now;
    },
    async read(known) {
      now = known;
      const { overrides, rules, revisions } = known;
      const text = JSON.stringify({ known: 1, overrides, rules, revisions: Object.fromEntries(revisions) });
      if (text === stored) return;
      await replaceFile(file, text);
      stored = text;
    },
    add(change) {
      now = withChange(now ?? { overrides: [], rules: [], revisions: new Map() }, change);
      return now.revisions.get(change.scope) ?? 0;
    },
  };
}

/** Pure. */
function withChange({ overrides, rules, revisions }: Known, { scope, override, rule }: LedgerChange): Known {
  const others = override === undefined ? overrides : overrides.filter((each) => each.scope !== scope);
  const removed = rule && 'remove' in rule ? rule.remove : undefined;
  return {
    overrides: override === undefined || override === 'lift' ? others : [...others, override],
    rules: [...rules.filter(({ id }) => id !== removed), ...(rule && !('remove' in rule) ? [rule] : [])],
    revisions: new Map([...revisions, [scope, (revisions.get(scope) ?? 0) + 1]]),
  };
}

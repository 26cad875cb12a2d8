// Dead letters again, after the row, the mapping or the target was put right.
import type { Item } from '../../backend/store/items.ts';
import type { DeadLetter } from '../ledger/ledger.ts';
import { type Engine, markedItem, reasonOf } from './engine.ts';
import { repairVersion } from './marks.ts';

const LETTERS_PER_READ = 500;

export type Replayed = {
  readonly repaired: number;
  /** Whose row is gone: there is nothing to write. */
  readonly gone: number;
  readonly failed: readonly { readonly key: readonly string[]; readonly reason: string }[];
};

/** Maps the rows of dead letters as they are now. Later changes of the same rows win over what this writes. */
export async function replayDeadLetters(engine: Omit<Engine, 'chunkRowsMax'>): Promise<Replayed> {
  const { job, ledger } = engine;
  let repaired = 0;
  let gone = 0;
  const failed: { key: readonly string[]; reason: string }[] = [];
  let after: DeadLetter['key'] | undefined;
  for (;;) {
    const letters = await ledger.deadLetters(job.name, LETTERS_PER_READ, after);
    for (const letter of letters) {
      const result = await replay(engine, letter);
      if (result === 'repaired') repaired += 1;
      else if (result === 'gone') gone += 1;
      else failed.push({ key: letter.key, reason: result.reason });
    }
    after = letters.at(-1)?.key;
    if (after === undefined) return { repaired, gone, failed };
  }
}

async function replay(
  { job, source, target, ledger, plannedAtMs }: Omit<Engine, 'chunkRowsMax'>,
  letter: DeadLetter,
): Promise<'repaired' | 'gone' | { readonly reason: string }> {
  const row = await source.readRow(letter.key);
  if (row) {
    let item: Item;
    try {
      item = markedItem(job, row, plannedAtMs, repairVersion(letter.version));
    } catch (error) {
      return { reason: reasonOf(error) };
    }
    await target.put(item);
  }
  await ledger.dropDeadLetter(job.name, letter);
  return row ? 'repaired' : 'gone';
}

// The journal on a real disk: what was answered is there after a crash, what was not is gone, and there is an end to it.
import assert from 'node:assert/strict';
import { appendFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, it } from 'node:test';
import { JOURNAL_MAX, type Journal, openJournal } from '../../../gateway/ledger/journal.ts';
import { auditEntry, override } from '../../contracts/ledger.ts';

describe('the journal', () => {
  let folder: string;
  let file: string;
  const opened: Journal[] = [];
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'banyan-journal-'));
    file = join(folder, 'state', 'journal');
  });
  afterEach(async () => {
    for (const journal of opened.splice(0)) await journal.close();
    rmSync(folder, { recursive: true, force: true });
  });
  const open = async () => {
    const journal = await openJournal(file);
    opened.push(journal);
    return journal;
  };
  const entry = (scope = 'a.route', expected?: number) => ({
    ...{ expected, since: undefined },
    change: { scope, override: override(scope), audit: auditEntry({ scope }) },
  });
  const sequences = ({ entries }: Journal) => entries.map(({ sequence }) => sequence);

  it('has after a crash what was appended, whole, under the same name', async () => {
    const journal = await open();
    await journal.append(entry('a.route', 3));
    await journal.append({ ...entry('b'), since: { flags: '10 100', move: 7 } });
    const again = await open();
    assert.equal(again.source, journal.source);
    assert.deepEqual(
      again.entries.map(({ sequence, expected, since, change }) => [sequence, expected, since, change.scope]),
      [
        [1, 3, undefined, 'a.route'],
        [2, undefined, { flags: '10 100', move: 7 }, 'b'],
      ],
    );
  });

  it('forgets a line that a crash has cut, and goes on after it', async () => {
    await (await open()).append(entry());
    appendFileSync(file, '{"sequence":2,"change":{"sc');
    const journal = await open();
    assert.deepEqual(sequences(journal), [1]);
    await journal.append(entry());
    assert.deepEqual(sequences(await open()), [1, 2]);
  });

  it('never gives a number twice, though it was emptied meanwhile', async () => {
    const journal = await open();
    await journal.append(entry());
    await journal.append(entry());
    await journal.clear();
    assert.deepEqual(sequences(await open()), []);
    const again = await open();
    await again.append(entry());
    assert.deepEqual(sequences(again), [3]);
  });

  it('refuses what it has no room for, and says how much waits', async () => {
    const journal = await open();
    const [head] = readFileSync(file, 'utf8').split('\n');
    const lines = Array.from({ length: JOURNAL_MAX }, (_, i) => JSON.stringify({ ...entry(), sequence: i + 1 }));
    writeFileSync(file, [head, ...lines, ''].join('\n'));
    const full = await open();
    await assert.rejects(full.append(entry()), /the journal .* is full: 1000 changes wait for the ledger/);
    assert.equal(full.source, journal.source);
    assert.equal(full.entries.length, JOURNAL_MAX);
  });

  it('of another release is refused', async () => {
    await open();
    writeFileSync(file, '{"journal":2}\n');
    await assert.rejects(openJournal(file), /is no journal of this release/);
  });
});

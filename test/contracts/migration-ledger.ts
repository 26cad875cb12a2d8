// What every ledger of data jobs keeps; see migration/ledger/ledger.ts.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { DeadLetter, Effect, Ledger } from '../../migration/ledger/ledger.ts';

const JOB = 'orders';
const NEW_JOB = {
  ...{ name: JOB, planHash: 'p1', key: [{ name: 'k', type: 'text' as const }], startLsn: 100n },
  upTos: [['f'], ['p'], null],
};
const NO_LETTERS = { counts: {}, letters: [] };

const effect = (k: string, commitLsn: bigint, row = {}): Effect => ({
  ...{ kind: 'put', commitLsn, seq: 1, xid: 7n, key: [k], row: { k, ...row } },
});
const letter = (k: string, version: string): DeadLetter => ({
  ...{ key: [k], reason: 'NaN', row: { k, n: 'NaN' }, version, at: '2026-01-01T00:00:00.000Z' },
});

/** `open` opens the same ledger again, as a new process would. */
export function migrationLedgerContract(
  name: string,
  open: () => Promise<{ ledger: Ledger; again: () => Promise<Ledger> }>,
) {
  describe(`the ledger of data jobs: ${name}`, () => {
    async function begun() {
      const opened = await open();
      assert.equal(await opened.ledger.begin(NEW_JOB), 'begun');
      return opened;
    }
    const keysOf = async (ledger: Ledger) => (await ledger.ready(JOB, 100)).map(({ key }) => key[0]);

    test('a job begins once; another plan is told so and changes nothing', async () => {
      const { ledger } = await begun();
      assert.equal(await ledger.begin(NEW_JOB), 'present');
      assert.equal(await ledger.begin({ ...NEW_JOB, planHash: 'p2', upTos: [null] }), 'other');
      const job = await ledger.job(JOB);
      assert.deepEqual(
        [job?.planHash, job?.state, job?.paused, job?.spooledLsn, job?.chunks, job?.pending, job?.deadLetters],
        ['p1', 'running', false, 100n, { total: 3, done: 0 }, 0, 0],
      );
      assert.equal(await ledger.job('positions'), undefined);
      await ledger.close();
    });

    test('chunks come in the order of their keys, also after one was split', async () => {
      const { ledger } = await begun();
      const [, middle] = await ledger.chunks(JOB);
      assert.deepEqual([middle?.after, middle?.upTo], [['f'], ['p']]);
      const rest = await ledger.splitChunk(JOB, middle?.id ?? -1, ['k']);
      assert.deepEqual([rest.after, rest.upTo], [['k'], ['p']]);
      const ranges = (await ledger.chunks(JOB)).map(({ after, upTo }) => `${after ?? ''}-${upTo ?? ''}`);
      assert.deepEqual(ranges, ['-f', 'f-k', 'k-p', 'p-']);
      await ledger.close();
    });

    test('the first snapshot of a chunk is kept, and goes with what is split off', async () => {
      const { ledger } = await begun();
      assert.equal(await ledger.beginChunk(JOB, 1, '1:2:'), '1:2:');
      assert.equal(await ledger.beginChunk(JOB, 1, '5:6:'), '1:2:');
      assert.equal((await ledger.splitChunk(JOB, 1, ['k'])).snapshot, '1:2:');
      await ledger.close();
    });

    test('changes wait for their chunk, and are given in the order they came, with its snapshot', async () => {
      const { ledger } = await begun();
      await ledger.spool(JOB, {
        effects: [effect('a', 110n), effect('g', 110n), effect('a', 120n)],
        committed: 3,
        endLsn: 130n,
      });
      assert.deepEqual(await keysOf(ledger), []);
      await ledger.beginChunk(JOB, 0, '1:2:');
      await ledger.finishChunk(JOB, 0, { counts: { rowsWritten: 5 }, letters: [] });
      const ready = await ledger.ready(JOB, 100);
      assert.deepEqual(
        ready.map(({ key, commitLsn, snapshot, xid, row }) => [key, commitLsn, snapshot, xid, row]),
        [
          [['a'], 110n, '1:2:', 7n, { k: 'a' }],
          [['a'], 120n, '1:2:', 7n, { k: 'a' }],
        ],
      );
      await ledger.spool(JOB, { effects: [effect('b', 140n)], committed: 1, endLsn: 150n });
      assert.deepEqual(await keysOf(ledger), ['a', 'a', 'b']);
      assert.equal((await ledger.ready(JOB, 1)).length, 1);
      const job = await ledger.job(JOB);
      assert.deepEqual([job?.pending, job?.spooledLsn, job?.counts.rowsWritten, job?.chunks.done], [4, 150n, 5, 1]);
      await ledger.close();
    });

    test('a change of a key that was split off waits for its new chunk', async () => {
      const { ledger } = await begun();
      await ledger.spool(JOB, { effects: [effect('g', 110n), effect('m', 110n)], committed: 2, endLsn: 120n });
      const rest = await ledger.splitChunk(JOB, 1, ['k']);
      await ledger.beginChunk(JOB, 1, '1:2:');
      await ledger.finishChunk(JOB, 1, NO_LETTERS);
      await ledger.spool(JOB, { effects: [effect('h', 130n), effect('n', 130n)], committed: 2, endLsn: 140n });
      assert.deepEqual(await keysOf(ledger), ['g', 'h']);
      await ledger.beginChunk(JOB, rest.id, '3:4:');
      await ledger.finishChunk(JOB, rest.id, NO_LETTERS);
      assert.deepEqual(await keysOf(ledger), ['g', 'm', 'h', 'n']);
      await ledger.close();
    });

    test('a transaction that was received in part is not given, and forgotten when it comes again', async () => {
      const { ledger } = await begun();
      await ledger.beginChunk(JOB, 0, '1:2:');
      await ledger.finishChunk(JOB, 0, NO_LETTERS);
      await ledger.spool(JOB, { effects: [effect('a', 110n), effect('b', 120n)], committed: 1, endLsn: 115n });
      assert.deepEqual(await keysOf(ledger), ['a']);
      await ledger.forgetOpen(JOB);
      await ledger.spool(JOB, { effects: [effect('c', 120n)], committed: 0, endLsn: undefined });
      await ledger.spool(JOB, { effects: [effect('d', 120n)], committed: 1, endLsn: 125n });
      assert.deepEqual(await keysOf(ledger), ['a', 'c', 'd']);
      await ledger.close();
    });

    test('what is settled is gone; letters are kept, replaced and cleared with it', async () => {
      const { ledger } = await begun();
      await ledger.beginChunk(JOB, 0, '1:2:');
      await ledger.finishChunk(JOB, 0, { counts: {}, letters: [letter('a', '1'), letter('b', '1')] });
      await ledger.spool(JOB, { effects: [effect('a', 110n)], committed: 1, endLsn: 120n });
      const [ready] = await ledger.ready(JOB, 1);
      const done = {
        ids: [ready?.id ?? -1],
        counts: { changesApplied: 1 },
        letters: [letter('b', '2')],
        cleared: [['a']],
      };
      await ledger.settle(JOB, done);
      assert.deepEqual(await ledger.deadLetters(JOB, 10), [letter('b', '2')]);
      assert.deepEqual(await ledger.deadLetters(JOB, 10, ['b']), []);
      assert.equal(await ledger.deadLetter(JOB, ['a']), undefined);
      await ledger.dropDeadLetter(JOB, letter('b', '1'));
      assert.deepEqual(await ledger.deadLetter(JOB, ['b']), letter('b', '2'), 'a newer letter stays');
      await ledger.dropDeadLetter(JOB, letter('b', '2'));
      const job = await ledger.job(JOB);
      assert.deepEqual([job?.pending, job?.deadLetters, job?.counts.changesApplied], [0, 0, 1]);
      await ledger.close();
    });

    test('a job that is removed is unknown, and begins anew with nothing of the old one', async () => {
      const { ledger } = await begun();
      await ledger.beginChunk(JOB, 0, '1:2:');
      await ledger.finishChunk(JOB, 0, { counts: { rowsWritten: 5 }, letters: [letter('a', '1')] });
      await ledger.spool(JOB, { effects: [effect('a', 110n)], committed: 1, endLsn: 120n });
      await ledger.remove(JOB);
      assert.equal(await ledger.job(JOB), undefined);
      assert.equal(await ledger.begin({ ...NEW_JOB, planHash: 'p2', upTos: [null] }), 'begun');
      const job = await ledger.job(JOB);
      assert.deepEqual(
        [job?.planHash, job?.chunks, job?.pending, job?.deadLetters, job?.counts.rowsWritten],
        ['p2', { total: 1, done: 0 }, 0, 0, 0],
      );
      await ledger.spool(JOB, { effects: [effect('z', 130n)], committed: 1, endLsn: 140n });
      await ledger.finishChunk(JOB, 0, NO_LETTERS);
      await ledger.close();
    });

    test('all of it is there for the next process', async () => {
      const { ledger, again } = await begun();
      await ledger.beginChunk(JOB, 2, '1:2:');
      await ledger.spool(JOB, { effects: [effect('z', 110n, { n: null })], committed: 1, endLsn: 120n });
      await ledger.setState(JOB, 'blocked', 'truncated');
      await ledger.setPaused(JOB, true);
      await ledger.close();
      const next = await again();
      const job = await next.job(JOB);
      assert.deepEqual([job?.state, job?.reason, job?.paused, job?.spooledLsn], ['blocked', 'truncated', true, 120n]);
      assert.deepEqual(
        (await next.pendingOf(JOB, ['z'])).map(({ row }) => row),
        [{ k: 'z', n: null }],
      );
      assert.equal((await next.chunks(JOB))[2]?.snapshot, '1:2:');
      await next.close();
    });
  });
}

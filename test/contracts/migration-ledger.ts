// What every ledger of data jobs keeps; see migration/ledger/ledger.ts.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { type Claim, type DeadLetter, type Effect, type Ledger, Superseded } from '../../migration/ledger/ledger.ts';

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
      return { ...opened, receiver: await opened.ledger.beginReceiving(JOB) };
    }
    async function claimed(ledger: Ledger, id: number): Promise<Claim> {
      const claim = await ledger.claimChunk(JOB, id);
      assert.ok(claim, `chunk ${id} is done`);
      return claim;
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
      const rest = await ledger.splitChunk(JOB, await claimed(ledger, middle?.id ?? -1), ['k']);
      assert.deepEqual([rest.after, rest.upTo], [['k'], ['p']]);
      const ranges = (await ledger.chunks(JOB)).map(({ after, upTo }) => `${after ?? ''}-${upTo ?? ''}`);
      assert.deepEqual(ranges, ['-f', 'f-k', 'k-p', 'p-']);
      await ledger.close();
    });

    test('the first snapshot of a chunk is kept, and goes with what is split off', async () => {
      const { ledger } = await begun();
      assert.equal(await ledger.beginChunk(JOB, await claimed(ledger, 1), '1:2:'), '1:2:');
      assert.equal(await ledger.beginChunk(JOB, await claimed(ledger, 1), '5:6:'), '1:2:');
      assert.equal((await ledger.splitChunk(JOB, await claimed(ledger, 1), ['k'])).snapshot, '1:2:');
      await ledger.close();
    });

    test('changes wait for their chunk, and are given in the order they came, with its snapshot', async () => {
      const { ledger, receiver } = await begun();
      await ledger.spool(JOB, receiver, {
        effects: [effect('a', 110n), effect('g', 110n), effect('a', 120n)],
        committed: 3,
        endLsn: 130n,
      });
      assert.deepEqual(await keysOf(ledger), []);
      await ledger.beginChunk(JOB, await claimed(ledger, 0), '1:2:');
      await ledger.finishChunk(JOB, await claimed(ledger, 0), { counts: { rowsWritten: 5 }, letters: [] });
      const ready = await ledger.ready(JOB, 100);
      assert.deepEqual(
        ready.map(({ key, commitLsn, snapshot, xid, row }) => [key, commitLsn, snapshot, xid, row]),
        [
          [['a'], 110n, '1:2:', 7n, { k: 'a' }],
          [['a'], 120n, '1:2:', 7n, { k: 'a' }],
        ],
      );
      await ledger.spool(JOB, receiver, { effects: [effect('b', 140n)], committed: 1, endLsn: 150n });
      assert.deepEqual(await keysOf(ledger), ['a', 'a', 'b']);
      assert.equal((await ledger.ready(JOB, 1)).length, 1);
      const job = await ledger.job(JOB);
      assert.deepEqual([job?.pending, job?.spooledLsn, job?.counts.rowsWritten, job?.chunks.done], [4, 150n, 5, 1]);
      await ledger.close();
    });

    test('a change of a key that was split off waits for its new chunk', async () => {
      const { ledger, receiver } = await begun();
      await ledger.spool(JOB, receiver, {
        effects: [effect('g', 110n), effect('m', 110n)],
        committed: 2,
        endLsn: 120n,
      });
      const rest = await ledger.splitChunk(JOB, await claimed(ledger, 1), ['k']);
      await ledger.beginChunk(JOB, await claimed(ledger, 1), '1:2:');
      await ledger.finishChunk(JOB, await claimed(ledger, 1), NO_LETTERS);
      await ledger.spool(JOB, receiver, {
        effects: [effect('h', 130n), effect('n', 130n)],
        committed: 2,
        endLsn: 140n,
      });
      assert.deepEqual(await keysOf(ledger), ['g', 'h']);
      await ledger.beginChunk(JOB, await claimed(ledger, rest.id), '3:4:');
      await ledger.finishChunk(JOB, await claimed(ledger, rest.id), NO_LETTERS);
      assert.deepEqual(await keysOf(ledger), ['g', 'm', 'h', 'n']);
      await ledger.close();
    });

    test('a transaction that was received in part is not given, and forgotten when it comes again', async () => {
      const { ledger, receiver } = await begun();
      await ledger.beginChunk(JOB, await claimed(ledger, 0), '1:2:');
      await ledger.finishChunk(JOB, await claimed(ledger, 0), NO_LETTERS);
      await ledger.spool(JOB, receiver, {
        effects: [effect('a', 110n), effect('b', 120n)],
        committed: 1,
        endLsn: 115n,
      });
      assert.deepEqual(await keysOf(ledger), ['a']);
      const next = await ledger.beginReceiving(JOB);
      await ledger.spool(JOB, next, { effects: [effect('c', 120n)], committed: 0, endLsn: undefined });
      await ledger.spool(JOB, next, { effects: [effect('d', 120n)], committed: 1, endLsn: 125n });
      assert.deepEqual(await keysOf(ledger), ['a', 'c', 'd']);
      await ledger.close();
    });

    test('what is settled is gone; letters are kept, replaced and cleared with it', async () => {
      const { ledger, receiver } = await begun();
      await ledger.beginChunk(JOB, await claimed(ledger, 0), '1:2:');
      await ledger.finishChunk(JOB, await claimed(ledger, 0), {
        counts: {},
        letters: [letter('a', '1'), letter('b', '1')],
      });
      await ledger.spool(JOB, receiver, { effects: [effect('a', 110n)], committed: 1, endLsn: 120n });
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

    test('a chunk belongs to who claimed it last; one that is done to nobody', async () => {
      const { ledger } = await begun();
      const zombie = await claimed(ledger, 1);
      const claim = await claimed(ledger, 1);
      assert.deepEqual([claim.id, claim.after, claim.upTo, claim.snapshot], [1, ['f'], ['p'], null]);
      await assert.rejects(ledger.beginChunk(JOB, zombie, '1:2:'), Superseded);
      await ledger.beginChunk(JOB, claim, '5:6:');
      await ledger.splitChunk(JOB, claim, ['k']);
      await assert.rejects(ledger.splitChunk(JOB, zombie, ['m']), Superseded);
      const counts = { rowsRead: 3 };
      await assert.rejects(ledger.finishChunk(JOB, zombie, { counts, letters: [letter('g', '1')] }), Superseded);
      await ledger.finishChunk(JOB, claim, { counts, letters: [] });
      await assert.rejects(ledger.finishChunk(JOB, claim, { counts, letters: [] }), Superseded);
      assert.equal(await ledger.claimChunk(JOB, 1), undefined);
      const job = await ledger.job(JOB);
      assert.deepEqual([job?.chunks, job?.counts.rowsRead, job?.deadLetters], [{ total: 4, done: 1 }, 3, 0]);
      await ledger.close();
    });

    test('a receiver that was followed by another, and who settles what is settled, change nothing', async () => {
      const { ledger, receiver } = await begun();
      await ledger.beginChunk(JOB, await claimed(ledger, 0), '1:2:');
      await ledger.finishChunk(JOB, await claimed(ledger, 0), NO_LETTERS);
      await ledger.spool(JOB, receiver, {
        effects: [effect('a', 110n), effect('b', 110n)],
        committed: 2,
        endLsn: 120n,
      });
      await ledger.beginReceiving(JOB);
      const late = { effects: [effect('c', 115n)], committed: 1, endLsn: 116n };
      await assert.rejects(ledger.spool(JOB, receiver, late), Superseded);
      const ids = (await ledger.ready(JOB, 10)).map(({ id }) => id);
      const settling = { counts: { changesApplied: 1 }, letters: [], cleared: [] };
      await ledger.settle(JOB, { ...settling, ids: ids.slice(0, 1), letters: [letter('a', '1')] });
      await assert.rejects(ledger.settle(JOB, { ...settling, ids, cleared: [['a']] }), Superseded);
      const job = await ledger.job(JOB);
      assert.deepEqual(
        [job?.spooledLsn, job?.pending, job?.deadLetters, job?.counts.changesApplied],
        [120n, ids.length - 1, 1, 1],
      );
      await ledger.close();
    });

    test('a job that is removed is unknown, and begins anew with nothing of the old one', async () => {
      const { ledger, receiver } = await begun();
      await ledger.beginChunk(JOB, await claimed(ledger, 0), '1:2:');
      await ledger.finishChunk(JOB, await claimed(ledger, 0), {
        counts: { rowsWritten: 5 },
        letters: [letter('a', '1')],
      });
      await ledger.spool(JOB, receiver, { effects: [effect('a', 110n)], committed: 1, endLsn: 120n });
      await ledger.remove(JOB);
      assert.equal(await ledger.job(JOB), undefined);
      assert.equal(await ledger.begin({ ...NEW_JOB, planHash: 'p2', upTos: [null] }), 'begun');
      const job = await ledger.job(JOB);
      assert.deepEqual(
        [job?.planHash, job?.chunks, job?.pending, job?.deadLetters, job?.counts.rowsWritten],
        ['p2', { total: 1, done: 0 }, 0, 0, 0],
      );
      await ledger.spool(JOB, await ledger.beginReceiving(JOB), {
        effects: [effect('z', 130n)],
        committed: 1,
        endLsn: 140n,
      });
      await ledger.finishChunk(JOB, await claimed(ledger, 0), NO_LETTERS);
      await ledger.close();
    });

    test('all of it is there for the next process', async () => {
      const { ledger, again, receiver } = await begun();
      await ledger.beginChunk(JOB, await claimed(ledger, 2), '1:2:');
      await ledger.spool(JOB, receiver, { effects: [effect('z', 110n, { n: null })], committed: 1, endLsn: 120n });
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

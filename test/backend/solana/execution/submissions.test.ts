import assert from 'node:assert/strict';
import { after, afterEach, before, describe, it } from 'node:test';
import { address } from '@solana/kit';
import { StoreUnavailable } from '../../../../backend/store/store.ts';
import { executionWorld } from '../../../helpers/execution.ts';
import { newAddress, RENT_LAMPORTS, transferOf } from '../../../helpers/transfers.ts';
import { RELAY_NAMES } from '../../../sandbox/relays/tips.ts';

let world: Awaited<ReturnType<typeof executionWorld>>;
before(async () => {
  world = await executionWorld();
});
afterEach(() => {
  world.relays.clearFaults();
  world.chain.faults.clear();
});
after(() => world.close());

const CONFIRMED_MS = 1000;
const RESEND_MS = 2000;
/** 150 blocks of 400 ms, and what follows. */
const EXPIRED_MS = 62_000;
let count = 0;

async function aTransfer() {
  count += 1;
  const to = await newAddress();
  const { transaction, signature } = await transferOf(world.chain.chain, to, RENT_LAMPORTS);
  const balance = () => world.chain.chain.svm.getBalance(address(to)) ?? 0n;
  const wanted = { userId: 'user-0001', id: `id-${count}`, transaction, allowDirect: true };
  return { wanted, signature, balance };
}
type Instance = ReturnType<typeof world.instance>;
async function afterMs(ms: number, { follower }: Instance) {
  world.clock.nowMs += ms;
  await follower.pass();
}
const statusOf = async (id: string) => (await world.store.getSubmission('user-0001', id))?.status;

describe('submitting a transaction', () => {
  it('goes to all relays at once, lands once, and is landed when it is confirmed', async () => {
    const own = world.instance();
    const { wanted, signature, balance } = await aTransfer();
    const { kind, submission } = await own.submissions.submit(wanted);
    assert.deepEqual([kind, submission.status, submission.signature], ['new', 'sent', signature]);
    assert.deepEqual(
      submission.handed.map(({ by, result }) => [by, result]),
      RELAY_NAMES.map((name) => [name, 'taken']),
    );
    await afterMs(CONFIRMED_MS, own);
    assert.deepEqual([await statusOf(wanted.id), balance()], ['landed', RENT_LAMPORTS]);
  });

  it('the same id and transaction again, then nothing is sent again; with another transaction it is refused', async () => {
    const own = world.instance();
    const { wanted } = await aTransfer();
    const other = await aTransfer();
    const results = await Promise.all([own.submissions.submit(wanted), own.submissions.submit(wanted)]);
    assert.deepEqual(results.map(({ kind }) => kind).sort(), ['known', 'new']);
    const before = world.relays.requests('jito');
    assert.equal((await own.submissions.submit(wanted)).kind, 'known');
    await assert.rejects(own.submissions.submit({ ...other.wanted, id: wanted.id }), { name: 'ProblemError' });
    assert.equal(world.relays.requests('jito'), before);
  });

  it('the same twice at once, and the first lands before the second is simulated, then the second is answered with it', async () => {
    const { wanted } = await aTransfer();
    const first = world.instance();
    const second = world.instance({
      rpc: {
        ...world.rpc,
        async calls(calls, how) {
          await first.submissions.submit(wanted);
          return world.rpc.calls(calls, how);
        },
      },
    });
    const { kind, submission } = await second.submissions.submit(wanted);
    assert.deepEqual([kind, submission.status], ['known', 'sent']);
  });

  it('no relay answers well, then it goes to an RPC endpoint; where that is not allowed it stays pending', async () => {
    for (const relay of RELAY_NAMES) world.relays.setFault({ relay, status: 503 });
    const own = world.instance();
    const open = await aTransfer();
    const closed = await aTransfer();
    const sentOne = await own.submissions.submit(open.wanted);
    const kept = await own.submissions.submit({ ...closed.wanted, allowDirect: false });
    assert.deepEqual([sentOne.submission.handed.at(-1)?.by, sentOne.submission.status], ['direct', 'sent']);
    assert.deepEqual([kept.submission.handed.length, kept.submission.status], [3, 'pending']);
    assert.deepEqual([open.balance(), closed.balance()], [RENT_LAMPORTS, 0n]);
  });

  it('relays that take it and lose it, then it is sent again, and lands', async () => {
    for (const relay of RELAY_NAMES) world.relays.setFault({ relay, loses: true, count: 1 });
    const own = world.instance();
    const { wanted, balance } = await aTransfer();
    await own.submissions.submit(wanted);
    assert.equal(balance(), 0n);
    await afterMs(RESEND_MS, own);
    await afterMs(CONFIRMED_MS, own);
    assert.deepEqual([await statusOf(wanted.id), balance()], ['landed', RENT_LAMPORTS]);
  });

  it('relays that land it and answer 500, then it is landed all the same, and only once', async () => {
    for (const relay of RELAY_NAMES) world.relays.setFault({ relay, landsThenStatus: 500 });
    const own = world.instance();
    const { wanted, balance } = await aTransfer();
    await own.submissions.submit(wanted);
    await afterMs(CONFIRMED_MS, own);
    assert.deepEqual([await statusOf(wanted.id), balance()], ['landed', RENT_LAMPORTS]);
  });

  it('nobody ever lands it, then it is expired, and never before its blockhash is too old', async () => {
    for (const relay of RELAY_NAMES) world.relays.setFault({ relay, loses: true });
    const own = world.instance();
    const { wanted, balance } = await aTransfer();
    await own.submissions.submit({ ...wanted, allowDirect: false });
    await afterMs(EXPIRED_MS - RESEND_MS - 1000, own);
    assert.equal(await statusOf(wanted.id), 'sent');
    await afterMs(RESEND_MS + 1000, own);
    assert.deepEqual([await statusOf(wanted.id), balance()], ['expired', 0n]);
  });

  it('a process ends after the intent was stored, then another process finds it, sends it, and it lands', async () => {
    const { wanted, balance } = await aTransfer();
    const ended = world.instance({
      hand: { ...world.hand, relays: () => Promise.reject(new Error('the process ends here')) },
    });
    await assert.rejects(ended.submissions.submit(wanted));
    const next = world.instance();
    await afterMs(RESEND_MS, next);
    await afterMs(CONFIRMED_MS, next);
    assert.deepEqual([await statusOf(wanted.id), balance()], ['landed', RENT_LAMPORTS]);
  });

  it('a process ends after it was sent and before that was stored, then another process finds by its signature that it landed', async () => {
    const { wanted, balance } = await aTransfer();
    const ended = world.instance({
      hand: {
        ...world.hand,
        async relays(transactions) {
          await world.hand.relays(transactions);
          throw new Error('the process ends here');
        },
      },
    });
    await assert.rejects(ended.submissions.submit(wanted));
    const before = world.relays.requests('jito');
    await afterMs(RESEND_MS, world.instance());
    assert.deepEqual([await statusOf(wanted.id), balance()], ['landed', RENT_LAMPORTS]);
    assert.equal(world.relays.requests('jito'), before);
  });

  it('the store fails after it was sent, then it is answered as sent, and found to have landed later', async () => {
    const { wanted, balance } = await aTransfer();
    const own = world.instance({
      store: {
        ...world.store,
        putSubmission: (submission) =>
          submission.version === 1
            ? world.store.putSubmission(submission)
            : Promise.reject(new StoreUnavailable('as asked for')),
      },
    });
    assert.equal((await own.submissions.submit(wanted)).submission.status, 'sent');
    assert.equal(await statusOf(wanted.id), 'pending');
    await afterMs(CONFIRMED_MS, world.instance());
    assert.deepEqual([await statusOf(wanted.id), balance()], ['landed', RENT_LAMPORTS]);
  });

  it('risk says no, then nothing is stored or sent; nor sent again while it says so', async () => {
    const { wanted } = await aTransfer();
    const halted = world.instance({ denied: async () => ({ reason: 'TRADING_HALTED' }) });
    await assert.rejects(halted.submissions.submit(wanted), { name: 'ProblemError', message: /TRADING_HALTED/ });
    assert.equal(await statusOf(wanted.id), undefined);
    for (const relay of RELAY_NAMES) world.relays.setFault({ relay, loses: true });
    await world.instance().submissions.submit(wanted);
    const before = world.relays.requests('nextblock');
    await afterMs(RESEND_MS, halted);
    assert.equal(world.relays.requests('nextblock'), before);
  });

  it('one that would fail, or whose signature is wrong, is refused before it is stored', async () => {
    const own = world.instance();
    const { wanted } = await aTransfer();
    const poor = await transferOf(world.chain.chain, await newAddress(), 10n ** 17n);
    const bytes = Buffer.from(wanted.transaction, 'base64');
    bytes.writeUInt8(bytes.readUInt8(5) ^ 1, 5);
    const bent = bytes.toString('base64');
    for (const transaction of [poor.transaction, bent, 'AAAA']) {
      await assert.rejects(own.submissions.submit({ ...wanted, transaction }), { name: 'ProblemError' });
    }
    assert.equal(await statusOf(wanted.id), undefined);
  });
});

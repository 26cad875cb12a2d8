import assert from 'node:assert/strict';
import { after, afterEach, before, describe, it } from 'node:test';
import { address } from '@solana/kit';
import { createBloxroute } from '../../../../backend/solana/relays/bloxroute.ts';
import { createJito } from '../../../../backend/solana/relays/jito.ts';
import { createNextblock } from '../../../../backend/solana/relays/nextblock.ts';
import type { Relay } from '../../../../backend/solana/relays/relay.ts';
import { newAddress, RENT_LAMPORTS, transferOf } from '../../../helpers/transfers.ts';
import { createRelaysSimulator, type RelaysSimulator } from '../../../sandbox/relays/server.ts';
import { RELAY_NAMES, type RelayName, TIP_ACCOUNTS, TIP_MIN } from '../../../sandbox/relays/tips.ts';
import { createSolanaSimulator, type SolanaSimulator } from '../../../sandbox/solana/server.ts';

const CREATE = { jito: createJito, bloxroute: createBloxroute, nextblock: createNextblock } as const;
const TOKENS = { jito: 'jito-secret-1', bloxroute: 'blox-secret-2', nextblock: 'next-secret-3' } as const;

let chain: SolanaSimulator;
let relays: RelaysSimulator;
const opened: Relay[] = [];
before(async () => {
  chain = await createSolanaSimulator();
  const limits = { jito: 10_000, bloxroute: 10_000, nextblock: 10_000 };
  relays = await createRelaysSimulator({ rpcUrl: `${chain.url}/rpc/relays`, tokens: TOKENS, limits });
});
afterEach(async () => {
  relays.clearFaults();
  await Promise.all(opened.splice(0).map((relay) => relay.close()));
});
after(async () => {
  await relays.close();
  await chain.close();
});

type Given = { token?: string; count?: number; timeoutMs?: number };
function relayOf(name: RelayName, { token = TOKENS[name], count = 1000, timeoutMs = 5000 }: Given = {}): Relay {
  const limit = { count, periodMs: 60_000 };
  const url = `${relays.url}/${name}`;
  const relay = CREATE[name]({ url, token, limit, timeoutMs, now: () => performance.now() });
  opened.push(relay);
  return relay;
}
const balanceOf = (who: string) => chain.chain.svm.getBalance(address(who)) ?? 0n;

for (const name of RELAY_NAMES) {
  describe(`the relay ${name}`, () => {
    it('takes a transaction with a tip for it, and it lands', async () => {
      const to = await newAddress();
      const { transaction } = await transferOf(chain.chain, to, RENT_LAMPORTS, { tips: [name] });
      assert.equal((await relayOf(name).hand([transaction])).kind, 'taken');
      assert.equal(balanceOf(to), RENT_LAMPORTS);
    });

    it('takes several transactions as one bundle, the tip in the last', async () => {
      const to = await newAddress();
      const first = await transferOf(chain.chain, to, RENT_LAMPORTS, { tips: [] });
      const last = await transferOf(chain.chain, to, RENT_LAMPORTS + 1n, { tips: [name] });
      const handed = await relayOf(name).hand([first.transaction, last.transaction]);
      assert.equal(handed.kind, 'taken');
      assert.equal(balanceOf(to), 2n * RENT_LAMPORTS + 1n);
    });

    it('refuses a transaction that tips the others only', async () => {
      const tips = RELAY_NAMES.filter((each) => each !== name);
      const { transaction } = await transferOf(chain.chain, await newAddress(), RENT_LAMPORTS, { tips });
      assert.deepEqual(await relayOf(name).hand([transaction]), {
        kind: 'refused',
        detail: 'the last transaction has no tip to our accounts',
      });
    });

    it('a token that it does not know and repeats in its answer, then what is shown does not have it', async () => {
      const { transaction } = await transferOf(chain.chain, await newAddress(), RENT_LAMPORTS);
      const handed = await relayOf(name, { token: 'wrong-secret' }).hand([transaction]);
      assert.equal(handed.kind, 'refused');
      assert.ok(!JSON.stringify(handed).includes('wrong-secret'), JSON.stringify(handed));
    });

    it('our limit of it used up, then nothing is sent', async () => {
      const relay = relayOf(name, { count: 1 });
      const { transaction } = await transferOf(chain.chain, await newAddress(), RENT_LAMPORTS);
      await relay.hand([transaction]);
      const before = relays.requests(name);
      assert.equal((await relay.hand([transaction])).kind, 'not_sent');
      assert.equal(relays.requests(name), before);
    });

    it('answers 429, then it has not got it and is left alone for a while', async () => {
      relays.setFault({ relay: name, status: 429 });
      const relay = relayOf(name);
      const { transaction } = await transferOf(chain.chain, await newAddress(), RENT_LAMPORTS);
      const before = relays.requests(name);
      assert.equal((await relay.hand([transaction])).kind, 'not_sent');
      assert.deepEqual(await relay.hand([transaction]), { kind: 'not_sent', detail: 'it asked for a rest' });
      assert.equal(relays.requests(name) - before, 1);
    });

    it('answers 500 or nothing, then it may have it', async () => {
      const { transaction } = await transferOf(chain.chain, await newAddress(), RENT_LAMPORTS);
      relays.setFault({ relay: name, status: 503 });
      assert.equal((await relayOf(name).hand([transaction])).kind, 'unclear');
      relays.setFault({ relay: name, hang: true });
      assert.equal((await relayOf(name, { timeoutMs: 50 }).hand([transaction])).kind, 'unclear');
    });

    it('has the published wallets and least tip', () => {
      const { tip } = relayOf(name);
      assert.deepEqual([tip.accounts, tip.lamportsMin], [TIP_ACCOUNTS[name], TIP_MIN[name]]);
    });
  });
}

describe('the status of a bundle at jito', () => {
  it('is landed, failed or unknown, in the order asked for', async () => {
    const relay = relayOf('jito');
    const receiptOf = async () => {
      const { transaction } = await transferOf(chain.chain, await newAddress(), RENT_LAMPORTS);
      const handed = await relay.hand([transaction]);
      return handed.kind === 'taken' ? (handed.receipt ?? '') : '';
    };
    const landed = await receiptOf();
    relays.setFault({ relay: 'jito', loses: true });
    const lost = await receiptOf();
    relays.clearFaults();
    assert.deepEqual(await relay.statuses?.([lost, 'nobody', landed]), ['failed', 'unknown', 'landed']);
  });
});

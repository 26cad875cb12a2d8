import assert from 'node:assert/strict';
import { after, afterEach, before, describe, it } from 'node:test';
import { address, getAddressDecoder, lamports } from '@solana/kit';
import { z } from 'zod';
import { solanaBackend } from '../../helpers/solana.ts';
import { createSolanaSimulator, type SolanaSimulator } from '../../sandbox/solana/server.ts';
import { WSOL } from '../../sandbox/solana/tokens.ts';

let chain: SolanaSimulator;
let backend: ReturnType<typeof solanaBackend>;
before(async () => {
  chain = await createSolanaSimulator();
  backend = solanaBackend(chain);
});
afterEach(() => chain.faults.clear());
after(async () => {
  await backend.solana.close();
  await chain.close();
});

const tokenNamed = (name: string) => chain.chain.tokens.find(({ shape }) => shape.name === name)?.mint ?? '';
const safetyOf = async (name: string, on = backend) =>
  (await on.call('GET', `/api/token/${tokenNamed(name)}/safety`)).json;

async function swapOf(user: string, name: string, amount: string): Promise<string> {
  const query = new URLSearchParams({ inputMint: WSOL, outputMint: tokenNamed(name), amount });
  const quoteResponse = (await backend.call('GET', `/api/jupiter/quote?${query}`)).json;
  const { json } = await backend.call('POST', '/api/jupiter/swap', { quoteResponse, userPublicKey: user });
  return String(json.swapTransaction);
}

describe('the balance of an account', () => {
  it('has SOL as a decimal text and the tokens of both programs in their smallest unit', async () => {
    const owner = chain.chain.users[2]?.address;
    const { status, json } = await backend.call('GET', `/api/account/${owner}/balance`);
    const tokens = z.array(z.object({ mint: z.string(), amount: z.string(), decimals: z.number() })).parse(json.tokens);
    assert.deepEqual([status, json.sol, tokens.length], [200, '4.5', 5]);
    assert.deepEqual(new Set(tokens.map(({ amount }) => amount)), new Set(['3703701']));
  });

  it('is asked for once within a slot, and again after it', async () => {
    const path = `/api/account/${chain.chain.users[3]?.address}/balance`;
    const before = chain.calls('getBalance');
    await Promise.all([backend.call('GET', path), backend.call('GET', path)]);
    await backend.call('GET', path);
    assert.equal(chain.calls('getBalance') - before, 1);
    backend.clock.nowMs += 401;
    await backend.call('GET', path);
    assert.equal(chain.calls('getBalance') - before, 2);
  });

  it('of what is no address is refused before anybody is asked', async () => {
    for (const path of ['/api/account/0OIl/balance', '/api/account/x/token-accounts', '/api/token/x/safety']) {
      assert.equal((await backend.call('GET', path)).status, 400);
    }
  });

  it('lists the token accounts with their program and state', async () => {
    const { json } = await backend.call('GET', `/api/account/${chain.chain.users[2]?.address}/token-accounts`);
    const accounts = z.array(z.object({ program: z.string(), state: z.string() })).parse(json.accounts);
    assert.deepEqual(accounts.map(({ program }) => program).sort(), [
      'spl-token',
      'spl-token',
      'spl-token-2022',
      'spl-token-2022',
      'spl-token-2022',
    ]);
  });
});

describe('addresses from a lookup table', () => {
  it('are what the table’s account holds on the chain; of an account that is none nothing is known', async () => {
    const meta = Buffer.alloc(56);
    meta[0] = 1;
    chain.chain.svm.setAccount({
      address: getAddressDecoder().decode(Buffer.alloc(32, 1)),
      programAddress: address('AddressLookupTab1e1111111111111111111111111'),
      executable: false,
      lamports: lamports(1_000_000_000n),
      space: 120n,
      data: Buffer.concat([meta, Buffer.alloc(32, 7), Buffer.alloc(32, 8)]),
    });
    const resolve = async (byte: number) => {
      const accountKey = Buffer.alloc(32, byte);
      const lookup = { accountKey, writableIndexes: Uint8Array.of(1), readonlyIndexes: Uint8Array.of(0) };
      return (await backend.solana.lookupTables.resolve([lookup]))?.map((key) => key[0]);
    };
    assert.deepEqual(await resolve(1), [8, 7]);
    assert.equal(await resolve(2), undefined);
  });
});

describe('a simulation', () => {
  it('of a swap that works says so, with its units, its fee and its logs', async () => {
    const transaction = await swapOf(chain.chain.users[4]?.address ?? '', 'plain', '1000000');
    const { status, json } = await backend.call('POST', '/api/transaction/simulate', { transaction });
    assert.deepEqual([status, json.result, json.error, json.will_succeed], [200, 'Success', null, true]);
    const units = Number(json.estimated_compute_units);
    assert.ok(units > 1000, String(units));
    assert.equal(json.estimated_fee_lamports, 5000 + Math.floor(units / 1000) * 1000);
    assert.equal(json.fee_lamports, '10000');
  });

  it('of a swap above the buyer’s means is InsufficientFunds', async () => {
    const transaction = await swapOf(chain.chain.users[0]?.address ?? '', 'plain', '900000000000');
    const { json } = await backend.call('POST', '/api/transaction/simulate', { transaction });
    assert.deepEqual([json.result, json.will_succeed], ['InsufficientFunds', false]);
  });

  it('of a token that freezes its buyers is InvalidToken', async () => {
    const transaction = await swapOf(chain.chain.users[4]?.address ?? '', 'default-frozen', '1000000');
    const { json } = await backend.call('POST', '/api/transaction/simulate', { transaction });
    assert.deepEqual([json.result, json.error], ['InvalidToken', '{"InstructionError":[2,{"Custom":17}]}']);
  });

  it('of what is no transaction is refused', async () => {
    for (const transaction of ['', 'AAAA', '!!!', 'A'.repeat(1648)]) {
      assert.equal((await backend.call('POST', '/api/transaction/simulate', { transaction })).status, 400, transaction);
    }
  });
});

describe('the safety of a token', () => {
  it('of an honest one is safe with every part at its most', async () => {
    const json = await safetyOf('plain');
    assert.deepEqual([json.score, json.verdict, json.is_honeypot, json.warnings], [1, 'safe', false, []]);
    assert.deepEqual([json.can_mint, json.can_freeze, json.can_burn, json.has_liquidity], [false, false, false, true]);
    assert.equal((await safetyOf('plain-2022')).verdict, 'safe');
    assert.equal((await safetyOf('hook-none')).verdict, 'safe');
  });

  it('is never safe for any trap of the corpus', async () => {
    const traps = chain.chain.tokens.filter(({ shape }) => shape.isTrap);
    assert.equal(traps.length, 22);
    const verdicts: [string, unknown][] = [];
    for (const { shape } of traps) verdicts.push([shape.name, (await safetyOf(shape.name)).verdict]);
    assert.deepEqual(Object.fromEntries(verdicts), {
      mintable: 'caution',
      freezable: 'caution',
      'frozen-then-renounced': 'honeypot',
      whale: 'danger',
      'no-pool': 'danger',
      'dust-pool': 'danger',
      'fee-half': 'honeypot',
      'fee-scheduled': 'honeypot',
      'default-frozen': 'honeypot',
      'non-transferable': 'honeypot',
      'permanent-delegate': 'danger',
      hook: 'honeypot',
      'hook-later': 'caution',
      paused: 'honeypot',
      pausable: 'danger',
      closable: 'danger',
      'sold-by-holders': 'honeypot',
      'sold-by-known': 'honeypot',
      'liquidity-free': 'danger',
      'liquidity-part-free': 'caution',
      'fee-later': 'caution',
      scaled: 'caution',
    });
  });

  const partsOf = (json: Record<string, unknown>) => {
    const parts = z.array(z.object({ name: z.string(), status: z.string(), detail: z.string() })).parse(json.parts);
    return Object.fromEntries(parts.map(({ name, status, detail }) => [name, [status, detail]]));
  };

  it('of one that only those may sell who had it first is a honeypot by what a newcomer can do, though a holder can sell', async () => {
    const parts = partsOf(await safetyOf('sold-by-holders'));
    assert.deepEqual(
      [parts.buy, parts.sell],
      [
        ['ok', 'buying works'],
        ['ok', 'selling works'],
      ],
    );
    const failure = 'selling what was just bought fails: {"InstructionError":[5,{"Custom":4}]}';
    assert.deepEqual(parts.resale, ['honeypot', failure]);
  });

  it('of one that cannot be bought says that nobody came to selling it, and is no honest one', async () => {
    const parts = partsOf(await safetyOf('default-frozen'));
    assert.deepEqual([parts.buy?.[0], parts.resale], ['danger', ['unknown', 'it did not come to it']]);
  });

  it('is unknown, not safe, while there is nobody to pay for a newcomer', async () => {
    const poor = chain.chain.tokens.find(({ shape }) => shape.name === 'plain')?.mint ?? '';
    const fresh = solanaBackend(chain, { probeWallet: poor });
    const json = await safetyOf('plain', fresh);
    assert.deepEqual([json.verdict, json.is_honeypot], ['unknown', null]);
    await fresh.solana.close();
  });

  it('is unknown, not safe, while nobody gives quotes', async () => {
    chain.faults.set({ endpoint: 'jupiter', status: 503 });
    chain.faults.set({ endpoint: 'raydium', status: 503 });
    const fresh = solanaBackend(chain);
    const json = await safetyOf('plain', fresh);
    assert.deepEqual([json.verdict, json.is_honeypot, json.has_liquidity, json.score], ['unknown', null, null, 0.6]);
    await fresh.solana.close();
  });

  it('is found out by Raydium while Jupiter is away', async () => {
    chain.faults.set({ endpoint: 'jupiter', status: 503 });
    const fresh = solanaBackend(chain);
    assert.equal((await safetyOf('plain', fresh)).verdict, 'safe');
    await fresh.solana.close();
  });

  it('of an account that is no mint is refused', async () => {
    const { status, json } = await backend.call('GET', `/api/token/${chain.chain.users[0]?.address}/safety`);
    assert.deepEqual([status, json.code], [400, 'invalid_request']);
  });
});

describe('fees', () => {
  const estimate = (body: object) => backend.call('POST', '/api/fees/estimate', body);

  it('stay within the bounds of their level, and wait no longer than asked', async () => {
    assert.deepEqual((await estimate({})).json, {
      priority_fee_lamports: 50_000,
      compute_units: 200_000,
      total_fee_lamports: 55_000,
      total_fee_sol: '0.000055',
      level: 'medium',
      estimated_confirmation_time_ms: 1000,
    });
    const quick = (await estimate({ priorityLevel: 'low', maxWaitTimeMs: 500, computeUnits: 1_400_000 })).json;
    assert.deepEqual([quick.level, quick.priority_fee_lamports], ['high', 168_000]);
  });

  it('of more compute units than a transaction has are refused', async () => {
    assert.equal((await estimate({ computeUnits: 1_400_001 })).status, 400);
  });
});

describe('quotes', () => {
  it('of what nobody trades are no_route', async () => {
    const query = new URLSearchParams({ inputMint: WSOL, outputMint: tokenNamed('no-pool'), amount: '1000' });
    const { status, json } = await backend.call('GET', `/api/jupiter/quote?${query}`);
    assert.deepEqual([status, json.code], [422, 'no_route']);
  });

  it('tell a trade that moves the price to use a bundle', async () => {
    const body = { inputMint: WSOL, outputMint: tokenNamed('plain'), amount: '20000000000', slippageBps: 300 };
    const { json } = await backend.call('POST', '/api/mev/analyze', body);
    assert.deepEqual([json.risk, json.use_bundle], ['high', true]);
  });
});

describe('endpoints in trouble', () => {
  const balanceOf = (on: ReturnType<typeof solanaBackend>, user: number) =>
    on.call('GET', `/api/account/${chain.chain.users[user]?.address}/balance`);

  for (const fault of [{ status: 503 }, { status: 429, retryAfterSeconds: 5 }, { hang: true }]) {
    it(`one that answers ${JSON.stringify(fault)} is passed over, and told of`, async () => {
      const on = solanaBackend(chain, { timeoutMs: 600 });
      chain.faults.set({ endpoint: 'a', ...fault });
      for (let user = 0; user < 4; user++) assert.equal((await balanceOf(on, user)).status, 200);
      const { json } = await on.call('GET', '/api/admin/health');
      const { rpc } = z.object({ rpc: z.array(z.object({ score: z.number() })) }).parse(json.solana);
      assert.equal(rpc.length, 2);
      assert.ok((rpc[0]?.score ?? 1) < (rpc[1]?.score ?? 0), JSON.stringify(rpc));
      await on.solana.close();
    });
  }

  it('all of them away, then 503 and a reason for each', async () => {
    const on = solanaBackend(chain);
    for (const endpoint of ['a', 'b']) chain.faults.set({ endpoint, status: 500 });
    const { status, json } = await balanceOf(on, 0);
    assert.deepEqual([status, json.code], [503, 'solana_unavailable']);
    await on.solana.close();
  });

  it('our own limit used up at one, then the other is asked, and when both are, 503 without a request', async () => {
    const on = solanaBackend(chain, { rpcLimit: { count: 3, periodMs: 60_000 } });
    const before = chain.calls('getBalance');
    const statuses = [];
    for (let user = 0; user < 3; user++) statuses.push((await balanceOf(on, user)).status);
    assert.deepEqual([statuses, chain.calls('getBalance') - before], [[200, 200, 503], 2]);
    await on.solana.close();
  });
});

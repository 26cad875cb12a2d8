import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import {
  type Address,
  address,
  type Base64EncodedWireTransaction,
  createSolanaRpc,
  getAddressDecoder,
  getBase64EncodedWireTransaction,
  getBase64Encoder,
  getTransactionDecoder,
  isSolanaError,
  partiallySignTransaction,
} from '@solana/kit';
import { TOKEN_PROGRAM_ADDRESS } from '@solana-program/token';
import * as z from 'zod';
import type { Token } from './chain.ts';
import { KNOWN_MINTS, KNOWN_PROBE, KNOWN_TRANSFER, KNOWN_USERS } from './known.ts';
import { createSolanaSimulator, type SolanaSimulator } from './server.ts';
import { TOKEN_2022_PROGRAM_ADDRESS, WSOL } from './tokens.ts';

let solana: SolanaSimulator;
let nowMs = 1_000_000;
before(async () => {
  solana = await createSolanaSimulator({ now: () => nowMs });
});
after(() => solana.close());

const rpc = () => createSolanaRpc(`${solana.url}/rpc/a`);

function tokenNamed(name: string): Token {
  const found = solana.chain.tokens.find(({ shape }) => shape.name === name);
  assert.ok(found, name);
  return found;
}

async function swap(input: string, output: string, amount: string, user: string) {
  const search = new URLSearchParams({ inputMint: input, outputMint: output, amount });
  const quote = await fetch(`${solana.url}/jupiter/swap/v1/quote?${search}`);
  const body = JSON.stringify({ quoteResponse: await quote.json(), userPublicKey: user });
  const answer = await fetch(`${solana.url}/jupiter/swap/v1/swap`, { method: 'POST', body });
  const { swapTransaction } = z.object({ swapTransaction: z.string() }).parse(await answer.json());
  return swapTransaction as Base64EncodedWireTransaction; // Kit's brand of such a text.
}

const simulate = (wire: Base64EncodedWireTransaction) =>
  rpc().simulateTransaction(wire, { encoding: 'base64', replaceRecentBlockhash: true, sigVerify: false }).send();

test('a user with tokens of both programs, then each program lists its own, exact to the last unit', async () => {
  const [, , third] = solana.chain.users;
  assert.ok(third);
  const of = async (programId: Address) =>
    (await rpc().getTokenAccountsByOwner(third.address, { programId }, { encoding: 'jsonParsed' }).send()).value;
  const amounts = (await of(TOKEN_PROGRAM_ADDRESS)).map(({ account }) => account.data.parsed.info.tokenAmount.amount);
  assert.deepEqual(amounts, ['3703701', '3703701']);
  assert.equal((await of(TOKEN_2022_PROGRAM_ADDRESS)).length, 3);
  assert.equal((await rpc().getBalance(third.address).send()).value, 4_500_000_000n);
});

test('the same seed twice, then the same addresses', async () => {
  const other = await createSolanaSimulator();
  assert.deepEqual(
    other.chain.tokens.map(({ mint }) => mint),
    solana.chain.tokens.map(({ mint }) => mint),
  );
  await other.close();
});

test('what others know of the chain without making it is so', async () => {
  const { users } = solana.chain;
  assert.deepEqual(
    KNOWN_USERS.map(String),
    users.slice(0, KNOWN_USERS.length).map((user) => user.address),
  );
  assert.equal(users.at(-1)?.address, KNOWN_PROBE);
  for (const [name, mint] of Object.entries(KNOWN_MINTS)) assert.equal(tokenNamed(name).mint, mint);
  const transfer = KNOWN_TRANSFER as Base64EncodedWireTransaction; // Kit's brand of such a text.
  assert.equal((await simulate(transfer)).value.err, null);
});

test('a buy signed by its buyer is sent, then the tokens are there, and sending it again is the same signature', async () => {
  const [user] = solana.chain.users;
  assert.ok(user);
  const { mint } = tokenNamed('plain');
  const wire = await swap(WSOL, mint, '1000000', user.address);
  const bytes = getBase64Encoder().encode(wire);
  const signed = await partiallySignTransaction([user.keyPair], getTransactionDecoder().decode(bytes));
  const text = getBase64EncodedWireTransaction(signed);
  const before = (await rpc().getTokenAccountsByOwner(user.address, { mint }, { encoding: 'jsonParsed' }).send()).value;
  const signature = await rpc().sendTransaction(text, { encoding: 'base64' }).send();
  const after = (await rpc().getTokenAccountsByOwner(user.address, { mint }, { encoding: 'jsonParsed' }).send()).value;
  const amount = (list: typeof before) => BigInt(list[0]?.account.data.parsed.info.tokenAmount.amount ?? 0n);
  assert.equal(amount(after) - amount(before), 797998407n);
  assert.equal(await rpc().sendTransaction(text, { encoding: 'base64' }).send(), signature);
  const status = (await rpc().getSignatureStatuses([signature]).send()).value[0];
  assert.deepEqual([status?.err, status?.confirmationStatus], [null, 'processed']);
});

test('a transaction whose blockhash is 151 slots old, then BlockhashNotFound', async () => {
  const [user] = solana.chain.users;
  assert.ok(user);
  const wire = await swap(WSOL, tokenNamed('plain').mint, '1000000', user.address);
  nowMs += 151 * 400;
  const { value } = await rpc().simulateTransaction(wire, { encoding: 'base64', sigVerify: false }).send();
  assert.deepEqual([value.err, value.logs], ['BlockhashNotFound', null]);
});

/** What selling does by the token programs themselves, which run here as they do on the real chain. */
const SELLS: Readonly<Record<string, boolean>> = {
  plain: true,
  'plain-2022': true,
  'hook-none': true,
  'fee-half': true,
  'permanent-delegate': true,
  'frozen-then-renounced': false,
  'non-transferable': false,
  hook: false,
  paused: false,
};
for (const [name, works] of Object.entries(SELLS)) {
  test(`a sale of ${name} by a holder is simulated, then it ${works ? 'works' : 'fails'}`, async () => {
    const token = tokenNamed(name);
    const largest = (await rpc().getTokenLargestAccounts(token.mint).send()).value;
    const holder = largest.find(({ address: each }) => each !== token.pool?.vault);
    assert.ok(holder);
    const info = (await rpc().getAccountInfo(address(holder.address), { encoding: 'base64' }).send()).value;
    assert.ok(info);
    const owner = Buffer.from(info.data[0], 'base64').subarray(32, 64);
    const seller = getAddressDecoder().decode(owner);
    const { value } = await simulate(await swap(token.mint, WSOL, '1000000', seller));
    assert.equal(value.err === null, works, value.logs?.join('\n') ?? '');
  });
}

test('a mint whose new accounts are frozen is bought, then it fails', async () => {
  const [, user] = solana.chain.users;
  assert.ok(user);
  const { value } = await simulate(await swap(WSOL, tokenNamed('default-frozen').mint, '1000000', user.address));
  assert.deepEqual(value.err, { InstructionError: [2n, { Custom: 17n }] });
});

test('a method that is not there, wrong params, a batch: the published codes', async () => {
  const ask = async (body: unknown): Promise<unknown> =>
    (await fetch(`${solana.url}/rpc/a`, { method: 'POST', body: JSON.stringify(body) })).json();
  const codeOf = async (body: unknown) =>
    z.object({ error: z.object({ code: z.number() }) }).parse(await ask(body)).error.code;
  assert.equal(await codeOf({ jsonrpc: '2.0', id: 1, method: 'getNothing' }), -32601);
  assert.equal(await codeOf({ jsonrpc: '2.0', id: 1, method: 'getBalance', params: ['x'] }), -32602);
  const batch = z.array(z.object({ id: z.number() }));
  const asked = [1, 2].map((id) => ({ jsonrpc: '2.0', id, method: 'getSlot' }));
  assert.deepEqual(
    batch.parse(await ask(asked)).map(({ id }) => id),
    [1, 2],
  );
});

test('an endpoint told to be behind, then its slots are, and no other’s', async () => {
  solana.faults.set({ endpoint: 'b', lagSlots: 200 });
  const [a, b] = await Promise.all([rpc().getSlot().send(), createSolanaRpc(`${solana.url}/rpc/b`).getSlot().send()]);
  assert.equal(a - b, 200n);
  const unhealthy = createSolanaRpc(`${solana.url}/rpc/b`).getHealth().send();
  await assert.rejects(unhealthy, (error) => isSolanaError(error));
  solana.faults.clear();
});

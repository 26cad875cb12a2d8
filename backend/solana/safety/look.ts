// Finds out about a token: its mint, its holders, its pools, and what buying and selling it would do. Each part that cannot be found
// out is said to be unknown, with the reason.
import type { Address } from '@solana/kit';
import { fail, ProblemError } from '../../http.ts';
import { readHolding } from '../accounts/holding.ts';
import { type Mint, readMint } from '../accounts/mint.ts';
import { PUMP } from '../migration-detector/pump-program.ts';
import type { Dex, DexResult, Quote } from '../quotes/dex.ts';
import type { RpcClient } from '../rpc/client.ts';
import { ask, askAll, askOne, TOKEN_PROGRAMS } from '../rpc/methods.ts';
import { errorText, failedInstruction, resultOf } from '../simulate/outcome.ts';
import { addressesIn, asOne, newcomer, tablesOf } from './newcomer.ts';
import { PUMP_AMM, sharesOfPool } from './pools.ts';
import type { Holders, Liquidity, Lock, TokenFacts, Trial } from './score.ts';

export const WSOL = 'So11111111111111111111111111111111111111112';
/** What a trial buys for: enough not to be dust, little beside any pool worth the name. */
const TRIAL_LAMPORTS = 100_000_000n;
const TRIAL_SLIPPAGE_BPS = 1000;
/** For a newcomer's accounts and fees besides. */
const RENT_LAMPORTS = 50_000_000n;
const LAMPORTS_PER_SOL = 1e9;
/** A price impact below what the exchanges write: the pool is larger than can be told from it. */
const IMPACT_LEAST = 1e-6;

/** Programs whose accounts are pools and curves: what they hold is for sale, and no holder's. */
const POOL_PROGRAMS: ReadonlySet<string> = new Set([
  PUMP,
  PUMP_AMM,
  '675kPX9MHTjS2zt1qfr1NYHuzeLXfQM9H24wFSUt1Mp8',
  'CPMMoo8L3F4NbTegBCKVNunggL7H1ZpdTHKxQB5qKP1C',
  'CAMMCzo5YL8w4VFF8KVHrK22GGUsp5VTaW7grrKgrWqK',
  'LanMV9sAd7wArD4vJFi2qDdfnVhFxYSUg6eADduJ3uj',
]);

export type SafetyDeps = {
  readonly rpc: RpcClient;
  /** Undefined: nobody can be asked for quotes. */
  readonly dex: Dex | undefined;
  /** An account with SOL, out of which a newcomer's trades are paid in simulations; undefined: the largest holder's. */
  readonly probeWallet: string | undefined;
};

type Holder = { readonly owner: string; readonly amount: bigint };

const reasonOf = (error: unknown): string => {
  if (error instanceof ProblemError) return error.message;
  throw error;
};

/** The largest holders that are no pools, the largest first. */
async function holdersOf(rpc: RpcClient, mint: string): Promise<readonly Holder[] | { unknown: string }> {
  try {
    const largest = await askOne(rpc, ask.largestAccounts(mint));
    if (largest.length === 0) return { unknown: 'the node names no holders' };
    const accounts = await askOne(rpc, ask.accounts(largest.map(({ address }) => address)));
    const holdings = accounts.flatMap((account) => {
      const read = account ? readHolding(account.data) : undefined;
      return read?.ok && read.value.mint === mint ? [read.value] : [];
    });
    if (holdings.length < largest.length) return { unknown: 'not all of the largest accounts could be read' };
    const owners = await askOne(rpc, ask.accounts(holdings.map(({ owner }) => owner)));
    return holdings.filter((holding, index) => holding.amount > 0n && !POOL_PROGRAMS.has(owners[index]?.owner ?? ''));
  } catch (error) {
    return { unknown: `the holders could not be found out: ${reasonOf(error)}` };
  }
}

function sharesOf(holders: readonly Holder[] | { unknown: string }, { supply }: Mint): Holders {
  if ('unknown' in holders) return holders;
  if (supply === 0n) return { unknown: 'there is no supply' };
  return holders.map(({ amount }) => Number((amount * 1_000_000n) / supply) / 1e6);
}

function liquidityOf(quote: DexResult<Quote>): Liquidity {
  if (quote.kind === 'unavailable') return { unknown: quote.detail };
  if (quote.kind === 'no_route') return { sol: 0 };
  const impact = Number(quote.value.priceImpactPct);
  if (!Number.isFinite(impact)) return { unknown: 'the quote names no price impact' };
  // Of a constant product: what comes in is this share of what is there then.
  return { sol: Number(TRIAL_LAMPORTS) / LAMPORTS_PER_SOL / Math.max(Math.abs(impact), IMPACT_LEAST) };
}

/** Of the shares of the pools that a quote goes through, those which somebody can still give back for the liquidity. */
async function lockOf(rpc: RpcClient, quote: DexResult<Quote>, mint: string): Promise<Lock> {
  if (quote.kind !== 'ok') return { unknown: quote.detail };
  const hops = quote.value.routePlan.map(({ swapInfo }) => swapInfo);
  const own = hops.filter(
    ({ inputMint, outputMint }) =>
      (inputMint === undefined && outputMint === undefined) || inputMint === mint || outputMint === mint,
  );
  if (own.length === 0) return { unknown: 'the quote names no pool of the token' };
  try {
    const accounts = await askOne(rpc, ask.accounts(own.map(({ ammKey }) => ammKey)));
    const shares = own.map((_, place) => sharesOfPool(accounts[place], mint));
    const strange = shares.find((each) => each.kind === 'unknown');
    if (strange) return { unknown: strange.reason };
    const some = shares.flatMap((each) => (each.kind === 'shares' ? [each] : []));
    if (some.length === 0) return { free: 0 };
    const mints = await askOne(rpc, ask.accounts(some.map((each) => each.mint)));
    let free = 0;
    for (const [place, { issued }] of some.entries()) {
      const read = readMint(mints[place]?.data ?? Buffer.alloc(0));
      if (!read.ok) return { unknown: `the shares of a pool cannot be read: ${read.reason}` };
      const { supply } = read.value;
      if (supply > 0n) free = Math.max(free, issued > supply ? Number((supply * 1_000_000n) / issued) / 1e6 : 1);
    }
    return { free };
  } catch (error) {
    return { unknown: `the pools could not be read: ${reasonOf(error)}` };
  }
}

const unknownTrial = (reason: string): Trial => ({ kind: 'unknown', reason });

async function simulated(rpc: RpcClient, transaction: string) {
  const { err = null, logs } = await askOne(rpc, ask.simulate(transaction));
  const trial: Trial = { kind: 'simulated', result: resultOf(err, logs ?? []), error: errorText(err) };
  return { trial, failedAt: failedInstruction(err) };
}

/** What `trade` finds out; where nobody can be asked, that is what is known. */
async function tried(trade: () => Promise<Trial>): Promise<Trial> {
  try {
    return await trade();
  } catch (error) {
    return unknownTrial(`it could not be simulated: ${reasonOf(error)}`);
  }
}

type Swap = DexResult<{ readonly swapTransaction: string }>;

/** The trades of `trader` after one another: what the last of them came to. */
async function tryAsNewcomer(rpc: RpcClient, who: { funder: string; trader: Address }, swaps: readonly Swap[]) {
  const transactions: string[] = [];
  for (const swap of swaps) {
    if (swap.kind !== 'ok') return unknownTrial(swap.detail);
    transactions.push(swap.value.swapTransaction);
  }
  const tables = tablesOf(transactions);
  const accounts = tables.length === 0 ? [] : await askOne(rpc, ask.accounts(tables));
  const found = tables.flatMap((table, place) => {
    const data = accounts[place]?.data;
    return data ? [[table, data] as const] : [];
  });
  const lamports = TRIAL_LAMPORTS + RENT_LAMPORTS;
  const made = asOne({ ...who, lamports, transactions, tables: addressesIn(new Map(found)) });
  if (!made.ok) return unknownTrial(`the trades do not go into one transaction: ${made.reason}`);
  const { transaction, beginAt } = made.value;
  const { trial, failedAt } = await simulated(rpc, transaction);
  if (trial.kind === 'simulated' && trial.error !== null && failedAt === undefined) {
    return unknownTrial(`together the trades are refused: ${trial.error}`); // Which a trade alone might not be.
  }
  // Its own payment, or an earlier trade: that is not what was to be found out.
  if (failedAt !== undefined && failedAt < (beginAt.at(-1) ?? 0)) return unknownTrial('it did not come to it');
  return trial;
}

async function trials(deps: SafetyDeps, mint: string, holders: readonly Holder[] | { unknown: string }) {
  const { rpc, dex, probeWallet } = deps;
  const nobody = 'nobody can be asked for quotes';
  if (!dex) {
    const none = unknownTrial(nobody);
    return { liquidity: { unknown: nobody }, lock: { unknown: nobody }, buy: none, sell: none, resale: none };
  }
  const slippageBps = TRIAL_SLIPPAGE_BPS;
  const quote = await dex.quote({ inputMint: WSOL, outputMint: mint, amount: TRIAL_LAMPORTS, slippageBps });
  // What a buyer has at the worst, and can sell.
  const bought = quote.kind === 'ok' ? BigInt(quote.value.otherAmountThreshold) : 0n;
  const saleOf = (amount: bigint) => dex.quote({ inputMint: mint, outputMint: WSOL, amount, slippageBps });
  const sale = bought === 0n ? undefined : await saleOf(bought);
  const why = quote.kind === 'ok' ? 'too little was for sale' : quote.detail;
  const [seller] = 'unknown' in holders ? [] : holders;
  const funder = probeWallet ?? seller?.owner;
  const trader = newcomer();
  const swapped = async (given: DexResult<Quote>, user: string): Promise<Swap> =>
    given.kind === 'ok' ? dex.swap(given.value, user) : given;

  async function sells(): Promise<Trial> {
    if (seller === undefined) return unknownTrial('there is no holder to try it with');
    if (sale === undefined) return unknownTrial(why);
    const swap = await swapped(seller.amount < bought ? await saleOf(seller.amount) : sale, seller.owner);
    return swap.kind === 'ok' ? (await simulated(rpc, swap.value.swapTransaction)).trial : unknownTrial(swap.detail);
  }
  const purchase = funder === undefined ? undefined : swapped(quote, trader);
  async function asNewcomer(...next: readonly Promise<Swap>[]): Promise<Trial> {
    if (funder === undefined || purchase === undefined) return unknownTrial('there is no account to pay for it from');
    return tryAsNewcomer(rpc, { funder, trader }, await Promise.all([purchase, ...next]));
  }
  const [lock, buy, sell, resale] = await Promise.all([
    lockOf(rpc, quote, mint),
    tried(() => asNewcomer()),
    tried(sells),
    tried(async () => (sale === undefined ? unknownTrial(why) : asNewcomer(swapped(sale, trader)))),
  ]);
  return { liquidity: liquidityOf(quote), lock, buy, sell, resale };
}

/** @throws {ProblemError} when `mint` is no mint, or nothing can be found out about it. */
export async function lookAt(deps: SafetyDeps, mint: string): Promise<TokenFacts> {
  const [account, epoch] = await askAll(deps.rpc, ask.account(mint), ask.epoch());
  const isToken = Object.values<string>(TOKEN_PROGRAMS).includes(account?.owner ?? '');
  if (!account || !isToken) return fail('invalid_request', `${mint} is no mint`);
  const read = readMint(account.data);
  if (!read.ok) return fail('invalid_request', `${mint} is no mint: ${read.reason}`);
  const holders = await holdersOf(deps.rpc, mint);
  return {
    mint: read.value,
    epoch,
    holders: sharesOf(holders, read.value),
    ...(await trials(deps, mint, holders)),
  };
}

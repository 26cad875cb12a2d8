// Finds out about a token: its mint, its holders, its pools, and what buying and selling it would do. Each part that cannot be found
// out is said to be unknown, with the reason.
import { fail, ProblemError } from '../../http.ts';
import { readHolding } from '../accounts/holding.ts';
import { type Mint, readMint } from '../accounts/mint.ts';
import type { Dex, DexResult, Quote } from '../quotes/dex.ts';
import type { RpcClient } from '../rpc/client.ts';
import { ask, askAll, askOne, TOKEN_PROGRAMS } from '../rpc/methods.ts';
import { errorText, resultOf } from '../simulate/outcome.ts';
import type { Holders, Liquidity, TokenFacts, Trial } from './score.ts';

export const WSOL = 'So11111111111111111111111111111111111111112';
/** What a trial buys for: enough not to be dust, little beside any pool worth the name. */
const TRIAL_LAMPORTS = 100_000_000n;
const TRIAL_SLIPPAGE_BPS = 1000;
const LAMPORTS_PER_SOL = 1e9;
/** A price impact below what the exchanges write: the pool is larger than can be told from it. */
const IMPACT_LEAST = 1e-6;

/** Programs whose accounts are pools and curves: what they hold is for sale, and no holder's. */
const POOL_PROGRAMS: ReadonlySet<string> = new Set([
  '6EF8rrecthR5Dkzon8Nwu78hRvfCKubJ14M5uBEwF6P',
  'pAMMBay6oceH9fJKBRHGP5D4bD4sWpmSwMn52FMfXEA',
  '675kPX9MHTjS2zt1qfr1NYHuzeLXfQM9H24wFSUt1Mp8',
  'CPMMoo8L3F4NbTegBCKVNunggL7H1ZpdTHKxQB5qKP1C',
  'CAMMCzo5YL8w4VFF8KVHrK22GGUsp5VTaW7grrKgrWqK',
  'LanMV9sAd7wArD4vJFi2qDdfnVhFxYSUg6eADduJ3uj',
]);

export type SafetyDeps = {
  readonly rpc: RpcClient;
  /** Undefined: nobody can be asked for quotes. */
  readonly dex: Dex | undefined;
  /** An account with SOL and no part in any token, in whose name buying is simulated; undefined: a holder's. */
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

async function tryTrade({ rpc, dex }: SafetyDeps, quote: DexResult<Quote>, trader: string): Promise<Trial> {
  if (quote.kind !== 'ok') return { kind: 'unknown', reason: quote.detail };
  const swap = await dex?.swap(quote.value, trader);
  if (swap?.kind !== 'ok') return { kind: 'unknown', reason: swap?.detail ?? 'nobody can be asked for quotes' };
  try {
    const { err, logs } = await askOne(rpc, ask.simulate(swap.value.swapTransaction));
    return { kind: 'simulated', result: resultOf(err ?? null, logs ?? []), error: errorText(err ?? null) };
  } catch (error) {
    return { kind: 'unknown', reason: `it could not be simulated: ${reasonOf(error)}` };
  }
}

async function trials(deps: SafetyDeps, mint: string, holders: readonly Holder[] | { unknown: string }) {
  const { dex, probeWallet } = deps;
  const nobody: Trial = { kind: 'unknown', reason: 'nobody can be asked for quotes' };
  if (!dex) return { liquidity: { unknown: nobody.reason }, buy: nobody, sell: nobody };
  const slippageBps = TRIAL_SLIPPAGE_BPS;
  const quote = await dex.quote({ inputMint: WSOL, outputMint: mint, amount: TRIAL_LAMPORTS, slippageBps });
  const [seller] = 'unknown' in holders ? [] : holders;
  const buyer = probeWallet ?? seller?.owner;
  const noOne = (who: string): Trial => ({ kind: 'unknown', reason: `there is no ${who} to try it with` });
  const bought = quote.kind === 'ok' ? BigInt(quote.value.outAmount) : 0n;
  const sells = async (holder: Holder): Promise<Trial> => {
    const amount = bought < holder.amount ? bought : holder.amount;
    if (amount === 0n)
      return { kind: 'unknown', reason: quote.kind === 'ok' ? 'too little was for sale' : quote.detail };
    const back = await dex.quote({ inputMint: mint, outputMint: WSOL, amount, slippageBps });
    return tryTrade(deps, back, holder.owner);
  };
  const [buy, sell] = await Promise.all([
    buyer === undefined ? noOne('buyer') : tryTrade(deps, quote, buyer),
    seller === undefined ? noOne('holder') : sells(seller),
  ]);
  return { liquidity: liquidityOf(quote), buy, sell };
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

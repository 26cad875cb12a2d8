// What an account owns: SOL, and tokens of both token programs.
import type { Kept } from '../../domain/kept.ts';
import { fail, type Route } from '../../http.ts';
import { addressField } from '../address.ts';
import { createTextCache, NO_SHARED_CACHE, type Text } from '../cache.ts';
import { solOf } from '../fees/estimate.ts';
import type { RpcClient } from '../rpc/client.ts';
import { ask, askAll, TOKEN_PROGRAMS, type TokenAccount } from '../rpc/methods.ts';

/** A slot: nothing can have changed within it. */
const FRESH_MS = 400;
const JSON_HEADERS = { 'content-type': 'application/json' } as const;

/** An answer that is JSON text already. */
export const textResponse = ({ text }: Text): Response => new Response(text, { headers: JSON_HEADERS });

/** Without a promise when it is fresh. `key` is one of few that are valid, or nothing is kept under it. */
export function answerFrom(cache: Kept<Text>, key: string): Response | Promise<Response> {
  const fresh = cache.fresh(key);
  return fresh ? textResponse(fresh) : cache.ask(key).then(textResponse);
}

/** Accounts of one mint together, in the order in which they are met; empty ones are no holding. */
function tokensOf(accounts: readonly TokenAccount[]) {
  const byMint = new Map<string, { mint: string; amount: bigint; decimals: number }>();
  for (const { mint, amount, decimals } of accounts) {
    if (amount === 0n) continue;
    const before = byMint.get(mint);
    byMint.set(mint, { mint, amount: amount + (before?.amount ?? 0n), decimals });
  }
  const tokens = [...byMint.values()].sort((a, b) => (a.mint < b.mint ? -1 : 1));
  return tokens.map(({ mint, amount, decimals }) => ({ mint, amount: String(amount), decimals }));
}

const accountView = ({ pubkey, mint, program, state, amount, decimals }: TokenAccount) => ({
  pubkey,
  mint,
  amount: String(amount),
  decimals,
  state,
  program: program === TOKEN_PROGRAMS['spl-token'] ? 'spl-token' : 'spl-token-2022',
});

export function accountRoutes(route: Route, rpc: RpcClient, now: () => number): void {
  const { 'spl-token': token, 'spl-token-2022': token2022 } = TOKEN_PROGRAMS;
  const common = { shared: NO_SHARED_CACHE, ttlMs: FRESH_MS, now };
  const balances = createTextCache({
    ...common,
    name: 'balance',
    async load(who) {
      const asked = [ask.balance(who), ask.tokenAccounts(who, token), ask.tokenAccounts(who, token2022)] as const;
      const [lamports, ...lists] = await askAll(rpc, ...asked);
      return { sol: solOf(lamports), tokens: tokensOf(lists.flat()) };
    },
  });
  const tokenAccounts = createTextCache({
    ...common,
    name: 'token_accounts',
    async load(owner) {
      const lists = await askAll(rpc, ask.tokenAccounts(owner, token), ask.tokenAccounts(owner, token2022));
      const accounts = lists.flat().sort((a, b) => (a.pubkey < b.pubkey ? -1 : 1));
      return { owner, accounts: accounts.map(accountView) };
    },
  });
  const pubkey = addressField('pubkey');
  const from = (cache: Kept<Text>, given: string) => {
    const fresh = cache.fresh(given); // What is kept was valid when it was asked for.
    if (fresh) return textResponse(fresh);
    const checked = pubkey.safeParse(given);
    return checked.success
      ? answerFrom(cache, checked.data)
      : fail('invalid_request', 'pubkey is no address of Solana');
  };
  route(
    'GET',
    '/api/account/:pubkey/balance',
    function balance(context) {
      return from(balances, context.req.param('pubkey') ?? '');
    },
    { summary: 'The SOL and the tokens of an account' },
  );
  route(
    'GET',
    '/api/account/:pubkey/token-accounts',
    function accounts(context) {
      return from(tokenAccounts, context.req.param('pubkey') ?? '');
    },
    { summary: 'The token accounts of an owner, of both token programs' },
  );
}

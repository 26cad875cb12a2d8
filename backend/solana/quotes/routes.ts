// Quotes and swaps over the API, and what a trade should do against being sandwiched.
import { z } from 'zod';
import type { Kept } from '../../domain/kept.ts';
import { fail, json, parse, type Route, readJson } from '../../http.ts';
import { answerFrom } from '../accounts/routes.ts';
import { addressField } from '../address.ts';
import { createTextCache, type SharedCache, type Text } from '../cache.ts';
import { JITO_TIP } from '../relays/tips.ts';
import { adviseOn } from './advice.ts';
import { type Dex, type DexResult, type QuoteWanted, quoteSchema } from './dex.ts';

/** As published for quotes. */
const QUOTE_MS = 1000;
const SLIPPAGE_USUAL_BPS = 50;
const U64_MAX = 2n ** 64n - 1n;

const amount = z
  .union([z.string(), z.int()], 'amount is required')
  .transform(String)
  .refine(
    (text) => /^[1-9]\d{0,19}$/.test(text) && BigInt(text) <= U64_MAX,
    'amount must be a whole number, in the smallest unit',
  );
const slippageBps = z.coerce
  .number('slippageBps is not a number')
  .int('slippageBps must be a whole number')
  .min(0, 'slippageBps is below 0')
  .max(10_000, 'slippageBps is above 10000')
  .default(SLIPPAGE_USUAL_BPS);
const wanted = z.object({
  inputMint: addressField('inputMint'),
  outputMint: addressField('outputMint'),
  amount,
  slippageBps,
});
const swapBody = z.object({
  quoteResponse: quoteSchema,
  userPublicKey: addressField('userPublicKey'),
});

function taken<T>(result: DexResult<T>): T {
  if (result.kind === 'ok') return result.value;
  return result.kind === 'no_route' ? fail('no_route', result.detail) : fail('solana_unavailable', result.detail);
}

const keyOf = ({ inputMint, outputMint, amount: text, slippageBps: bps }: z.infer<typeof wanted>): string =>
  `${inputMint}:${outputMint}:${text}:${bps}`;

function wantedOf(key: string): QuoteWanted {
  const [inputMint = '', outputMint = '', text = '0', bps = '0'] = key.split(':');
  return { inputMint, outputMint, amount: BigInt(text), slippageBps: Number(bps) };
}

export function quoteRoutes(route: Route, deps: { dex: Dex; shared: SharedCache; now: () => number }): void {
  const { dex, shared, now } = deps;
  const quotes: Kept<Text> = createTextCache({
    shared,
    name: 'quote',
    ttlMs: QUOTE_MS,
    now,
    load: async (key) => taken(await dex.quote(wantedOf(key))),
  });
  route(
    'GET',
    '/api/jupiter/quote',
    function quote(context) {
      return answerFrom(quotes, keyOf(parse(wanted, context.req.query())));
    },
    { summary: 'What a swap would give, by Jupiter or else by Raydium' },
  );
  route(
    'POST',
    '/api/jupiter/swap',
    async function swap(context) {
      const { quoteResponse, userPublicKey } = parse(swapBody, await readJson(context));
      return json(taken(await dex.swap(quoteResponse, userPublicKey)));
    },
    { summary: 'The transaction of a quote, for the user to sign', body: swapBody },
  );
  route(
    'GET',
    '/api/mev/tip-accounts',
    () => json({ accounts: JITO_TIP.accounts, min_tip_lamports: Number(JITO_TIP.lamportsMin) }),
    {
      summary: 'The accounts that a bundle’s tip may go to',
    },
  );
  for (const path of ['/api/mev/analyze', '/api/mev/protection-advice']) {
    route(
      'POST',
      path,
      async function advise(context) {
        const { text } = await quotes.ask(keyOf(parse(wanted, await readJson(context))));
        return json(adviseOn(quoteSchema.parse(JSON.parse(text))));
      },
      { summary: 'How exposed a trade is to being sandwiched, and what to do', body: wanted },
    );
  }
}

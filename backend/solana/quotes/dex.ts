// Quotes and swaps: Jupiter's, and where Jupiter does not answer Raydium's, in Jupiter's shape. That an exchange has no route is an
// answer, and no reason to ask another.
import { z } from 'zod';
import type { Api, ApiResult } from './http.ts';

export type QuoteWanted = {
  readonly inputMint: string;
  readonly outputMint: string;
  /** In the smallest unit. */
  readonly amount: bigint;
  readonly slippageBps: number;
};

const amountText = z.string().regex(/^\d{1,20}$/);
/** What both sides and the frontend need; the rest of Jupiter's answer goes along untouched. */
export const quoteSchema = z.looseObject({
  inputMint: z.string(),
  inAmount: amountText,
  outputMint: z.string(),
  outAmount: amountText,
  otherAmountThreshold: amountText,
  slippageBps: z.int(),
  priceImpactPct: z.string(),
  routePlan: z
    .array(
      z.looseObject({
        swapInfo: z.looseObject({
          ammKey: z.string(),
          inputMint: z.string().optional(),
          outputMint: z.string().optional(),
        }),
      }),
    )
    .max(32),
  /** Raydium's own quote, by which its transaction is asked for; absent on Jupiter's. */
  raydium: z.unknown().optional(),
});
export type Quote = z.infer<typeof quoteSchema>;

const raydiumSchema = z.object({
  success: z.literal(true),
  data: z.object({
    inputMint: z.string(),
    inputAmount: amountText,
    outputMint: z.string(),
    outputAmount: amountText,
    otherAmountThreshold: amountText,
    slippageBps: z.int(),
    priceImpactPct: z.number(),
    routePlan: z
      .array(z.object({ poolId: z.string(), inputMint: z.string().optional(), outputMint: z.string().optional() }))
      .max(32),
  }),
});
const jupiterSwap = z.object({ swapTransaction: z.base64(), lastValidBlockHeight: z.int().optional() });
const raydiumSwap = z.object({
  success: z.literal(true),
  data: z.array(z.object({ transaction: z.base64() })).length(1),
});

export type DexResult<T> =
  | { readonly kind: 'ok'; readonly value: T }
  | { readonly kind: 'no_route'; readonly detail: string }
  | { readonly kind: 'unavailable'; readonly detail: string };

export type SwapTransaction = { readonly swapTransaction: string; readonly lastValidBlockHeight: number | null };

export type Dex = {
  readonly quote: (wanted: QuoteWanted) => Promise<DexResult<Quote>>;
  /** The transaction for a quote, for `user` to sign. */
  readonly swap: (quote: Quote, user: string) => Promise<DexResult<SwapTransaction>>;
  readonly close: () => Promise<void>;
};

const NO_ROUTE = /route|not tradable|TOKEN_NOT_TRADABLE/i;
const errorBody = z.object({
  error: z.string().optional(),
  errorCode: z.string().optional(),
  msg: z.string().optional(),
});

/** Why there is none: no route (Jupiter: 400 that says so; Raydium: 200 with success false), or trouble. */
function refusalOf(name: string, result: ApiResult): DexResult<never> {
  if (result.kind === 'unavailable') return { kind: 'unavailable', detail: `${name}: ${result.detail}` };
  const { error, errorCode, msg } = errorBody.safeParse(result.body).data ?? {};
  const why = errorCode ?? error ?? msg ?? `it answered ${result.status}`;
  const isAnswer = result.status === 200 || result.status === 400 || result.status === 404;
  return { kind: isAnswer && NO_ROUTE.test(why) ? 'no_route' : 'unavailable', detail: `${name}: ${why.slice(0, 200)}` };
}

function read<T>(name: string, result: ApiResult, schema: z.ZodType<T>): DexResult<T> {
  if (result.kind === 'answer' && result.status === 200) {
    const parsed = schema.safeParse(result.body);
    if (parsed.success) return { kind: 'ok', value: parsed.data };
  }
  return refusalOf(name, result);
}

/** Raydium's quote in Jupiter's words; decimals of a per cent as Jupiter writes them. */
function asJupiter(given: z.infer<typeof raydiumSchema>): Quote {
  const { inputMint, inputAmount, outputMint, outputAmount, priceImpactPct, routePlan, ...rest } = given.data;
  return {
    inputMint,
    inAmount: inputAmount,
    outputMint,
    outAmount: outputAmount,
    otherAmountThreshold: rest.otherAmountThreshold,
    swapMode: 'ExactIn',
    slippageBps: rest.slippageBps,
    platformFee: null,
    priceImpactPct: String(priceImpactPct),
    routePlan: routePlan.map(({ poolId, ...mints }) => ({
      swapInfo: { ammKey: poolId, label: 'Raydium', ...mints },
      percent: 100,
    })),
  };
}

export function createDex(deps: { jupiter: Api; raydium: Api | undefined; onFallback: () => void }): Dex {
  const { jupiter, raydium, onFallback } = deps;

  async function raydiumQuote(wanted: QuoteWanted): Promise<DexResult<Quote>> {
    if (!raydium) return { kind: 'unavailable', detail: 'there is no other exchange to ask' };
    const { inputMint, outputMint, amount, slippageBps } = wanted;
    const query = { inputMint, outputMint, amount: String(amount), slippageBps: String(slippageBps), txVersion: 'V0' };
    const answer = await raydium.get('/compute/swap-base-in', query);
    const result = read('Raydium', answer, raydiumSchema);
    if (result.kind !== 'ok') return result;
    return {
      kind: 'ok',
      value: { ...asJupiter(result.value), raydium: answer.kind === 'answer' ? answer.body : null },
    };
  }

  return {
    async quote(wanted) {
      const { inputMint, outputMint, amount, slippageBps } = wanted;
      const query = { inputMint, outputMint, amount: String(amount), slippageBps: String(slippageBps) };
      const first = read('Jupiter', await jupiter.get('/swap/v1/quote', query), quoteSchema);
      if (first.kind !== 'unavailable') return first;
      onFallback();
      const second = await raydiumQuote(wanted);
      return second.kind === 'unavailable' ? { ...second, detail: `${first.detail}; ${second.detail}` } : second;
    },
    async swap(quote, user) {
      if (quote.raydium !== undefined) {
        if (!raydium) return { kind: 'unavailable', detail: 'there is no such exchange to ask' };
        const request = {
          wallet: user,
          swapResponse: quote.raydium,
          txVersion: 'V0',
          computeUnitPriceMicroLamports: '50000',
        };
        const body = { ...request, wrapSol: true, unwrapSol: true };
        const result = read('Raydium', await raydium.post('/transaction/swap-base-in', body), raydiumSwap);
        if (result.kind !== 'ok') return result;
        const swapTransaction = result.value.data[0]?.transaction ?? '';
        return { kind: 'ok', value: { swapTransaction, lastValidBlockHeight: null } };
      }
      const body = { quoteResponse: quote, userPublicKey: user, wrapAndUnwrapSol: true, dynamicComputeUnitLimit: true };
      const result = read('Jupiter', await jupiter.post('/swap/v1/swap', body), jupiterSwap);
      if (result.kind !== 'ok') return result;
      const { swapTransaction, lastValidBlockHeight = null } = result.value;
      return { kind: 'ok', value: { swapTransaction, lastValidBlockHeight } };
    },
    async close() {
      await Promise.all([jupiter.close(), raydium?.close()]);
    },
  };
}

// Stand-ins of Jupiter's swap API (v1) and Raydium's trade API over the chain's pools: constant product, and transactions that
// move real tokens. A pool has signed its part, so that its customer's signature is all that is missing.
import {
  type AccountRole,
  type Address,
  address,
  appendTransactionMessageInstructions,
  compileTransaction,
  createNoopSigner,
  createTransactionMessage,
  getBase64EncodedWireTransaction,
  type Instruction,
  partiallySignTransaction,
  pipe,
  setTransactionMessageFeePayer,
  setTransactionMessageLifetimeUsingBlockhash,
} from '@solana/kit';
import { getTransferSolInstruction } from '@solana-program/system';
import {
  findAssociatedTokenPda,
  getCreateAssociatedTokenIdempotentInstruction,
  getTransferCheckedInstruction,
} from '@solana-program/token';
import * as z from 'zod';
import type { Chain, Pool, Token } from './chain.ts';
import { WSOL } from './tokens.ts';

const POOL_FEE_BPS = 25n;
const BPS = 10_000n;

export interface DexAnswer {
  readonly status: number;
  readonly body: object;
}

const query = z.object({
  inputMint: z.string(),
  outputMint: z.string(),
  amount: z.string().regex(/^[1-9]\d{0,19}$/),
  slippageBps: z.coerce.number().int().min(0).max(10_000).default(50),
});
const quoted = z.object({
  inputMint: z.string(),
  outputMint: z.string(),
  inAmount: z.string(),
  outAmount: z.string(),
});
const raydiumQuoted = z.object({
  data: z.object({
    inputMint: z.string(),
    outputMint: z.string(),
    inputAmount: z.string(),
    outputAmount: z.string(),
  }),
});

interface Route {
  readonly token: Token;
  readonly pool: Pool;
  readonly isBuy: boolean;
}

type Trade = z.infer<typeof quoted>;

/** Given `amount` in, what comes out of a pool of x * y = k. */
function outOf({ pool, isBuy }: Route, amount: bigint): bigint {
  const [from, to] = isBuy ? [pool.lamports, pool.tokens] : [pool.tokens, pool.lamports];
  const paid = (amount * (BPS - POOL_FEE_BPS)) / BPS;
  return (to * paid) / (from + paid);
}

export function createDex(chain: Chain) {
  function routeOf(input: string, output: string): Route | undefined {
    const other = input === WSOL ? output : output === WSOL ? input : undefined;
    const token = chain.tokens.find(({ mint }) => mint === other);
    return token?.pool && { token, pool: token.pool, isBuy: input === WSOL };
  }

  function quote(given: Record<string, string>) {
    const { inputMint, outputMint, amount, slippageBps } = query.parse(given);
    const route = routeOf(inputMint, outputMint);
    if (!route) return undefined;
    const inAmount = BigInt(amount);
    const outAmount = outOf(route, inAmount);
    const from = route.isBuy ? route.pool.lamports : route.pool.tokens;
    return {
      route,
      inputMint,
      outputMint,
      inAmount: amount,
      outAmount: String(outAmount),
      otherAmountThreshold: String((outAmount * (BPS - BigInt(slippageBps))) / BPS),
      slippageBps,
      priceImpact: Number(inAmount) / Number(from + inAmount),
    };
  }

  function maySell({ shape: { sellers }, holders }: Token, user: Address): boolean {
    const isUser = chain.users.some((each) => each.address === user);
    return sellers === 'anybody' || holders.includes(user) || (sellers === 'known' && isUser);
  }

  async function transactionOf(trade: Trade, user: Address): Promise<string | undefined> {
    const route = routeOf(trade.inputMint, trade.outputMint);
    if (!route) return undefined;
    const { token, pool, isBuy } = route;
    const customer = createNoopSigner(user);
    const [account] = await findAssociatedTokenPda({ mint: token.mint, owner: user, tokenProgram: token.program });
    const create = getCreateAssociatedTokenIdempotentInstruction({
      payer: customer,
      ata: account,
      owner: user,
      mint: token.mint,
      tokenProgram: token.program,
    });
    const coins = BigInt(isBuy ? trade.inAmount : trade.outAmount);
    const tokens = BigInt(isBuy ? trade.outAmount : trade.inAmount);
    const transfer = getTransferCheckedInstruction(
      {
        source: isBuy ? pool.vault : account,
        mint: token.mint,
        destination: isBuy ? account : pool.vault,
        authority: isBuy ? pool.signer : customer,
        amount: tokens,
        decimals: token.decimals,
      },
      { programAddress: token.program },
    );
    const pay = isBuy
      ? getTransferSolInstruction({ source: customer, destination: chain.treasury.address, amount: coins })
      : getTransferSolInstruction({ source: chain.treasury, destination: user, amount: coins });
    // The pool's program refuses: in its stead the token program does, since the vault is not the seller's.
    const refusal = getTransferCheckedInstruction(
      {
        source: pool.vault,
        mint: token.mint,
        destination: account,
        authority: customer,
        amount: 1n,
        decimals: token.decimals,
      },
      { programAddress: token.program },
    );
    const sale = maySell(token, user) ? [transfer, pay] : [refusal, transfer, pay];
    const instructions: Instruction[] = isBuy ? [create, pay, transfer] : sale;
    const message = pipe(
      createTransactionMessage({ version: 0 }),
      (m) => setTransactionMessageFeePayer(user, m),
      (m) => setTransactionMessageLifetimeUsingBlockhash(lifetime(), m),
      (m) => appendTransactionMessageInstructions(instructions.map(plain), m),
    );
    const signers = isBuy ? pool.signer : chain.treasury;
    return getBase64EncodedWireTransaction(
      await partiallySignTransaction([signers.keyPair], compileTransaction(message)),
    );
  }

  function lifetime() {
    const { blockhash, lastValidBlockHeight } = chain.latestBlockhash();
    return { blockhash, lastValidBlockHeight: BigInt(lastValidBlockHeight) };
  }

  const jupiterQuote = (given: Record<string, string>): DexAnswer => {
    const found = quote(given);
    if (!found)
      return { status: 400, body: { error: 'Could not find any route', errorCode: 'COULD_NOT_FIND_ANY_ROUTE' } };
    const { route, priceImpact, ...rest } = found;
    const { inputMint, outputMint, inAmount, outAmount } = found;
    const swapInfo = { ammKey: route.pool.signer.address, label: 'Pump.fun Amm', inputMint, outputMint };
    return {
      status: 200,
      body: {
        ...rest,
        swapMode: 'ExactIn',
        platformFee: null,
        priceImpactPct: priceImpact.toFixed(6),
        routePlan: [
          { swapInfo: { ...swapInfo, inAmount, outAmount, feeAmount: '0', feeMint: inputMint }, percent: 100 },
        ],
        contextSlot: chain.slot(),
        timeTaken: 0.001,
      },
    };
  };

  const raydiumQuote = (given: Record<string, string>): DexAnswer => {
    const found = quote(given);
    if (!found) return { status: 200, body: { id: 'sandbox', success: false, msg: 'ROUTE_NOT_FOUND' } };
    const { route, priceImpact, inAmount, outAmount, ...rest } = found;
    const plan = { poolId: route.pool.signer.address, inputMint: rest.inputMint, outputMint: rest.outputMint };
    const data = { swapType: 'BaseIn', ...rest, inputAmount: inAmount, outputAmount: outAmount };
    const routePlan = [{ ...plan, feeMint: rest.inputMint, feeRate: 25, feeAmount: '0' }];
    const body = {
      id: 'sandbox',
      success: true,
      version: 'V1',
      data: { ...data, priceImpactPct: priceImpact, routePlan },
    };
    return { status: 200, body };
  };

  return {
    /** Undefined: there is no such endpoint. */
    async answer(method: string, path: string, search: URLSearchParams, body: string): Promise<DexAnswer | undefined> {
      const given = Object.fromEntries(search);
      const posted = (): unknown => JSON.parse(body);
      switch (`${method} ${path}`) {
        case 'GET /jupiter/swap/v1/quote':
          return jupiterQuote(given);
        case 'POST /jupiter/swap/v1/swap': {
          const { quoteResponse, userPublicKey } = z
            .object({ quoteResponse: quoted, userPublicKey: z.string() })
            .parse(posted());
          const transaction = await transactionOf(quoteResponse, address(userPublicKey));
          const { lastValidBlockHeight } = chain.latestBlockhash();
          return transaction === undefined
            ? { status: 400, body: { error: 'Could not find any route' } }
            : {
                status: 200,
                body: { swapTransaction: transaction, lastValidBlockHeight, prioritizationFeeLamports: 0 },
              };
        }
        case 'GET /raydium/compute/swap-base-in':
          return raydiumQuote(given);
        case 'POST /raydium/transaction/swap-base-in': {
          const { swapResponse, wallet } = z
            .object({ swapResponse: raydiumQuoted, wallet: z.string() })
            .parse(posted());
          const { inputAmount: inAmount, outputAmount: outAmount, ...mints } = swapResponse.data;
          const transaction = await transactionOf({ ...mints, inAmount, outAmount }, address(wallet));
          if (transaction === undefined) return { status: 200, body: { success: false, msg: 'ROUTE_NOT_FOUND' } };
          return { status: 200, body: { id: 'sandbox', version: 'V1', success: true, data: [{ transaction }] } };
        }
        default:
          return undefined;
      }
    },
  };
}

/** Without the signers that the instruction's builder put in: the message names keys only. */
function plain(instruction: Instruction): Instruction {
  const { programAddress, data, accounts = [] } = instruction;
  const metas = accounts.map(({ address: key, role }) => ({ address: key, role: role as AccountRole }));
  return { programAddress, accounts: metas as NonNullable<Instruction['accounts']>, ...(data ? { data } : {}) };
}

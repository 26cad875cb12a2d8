// The RPC methods that are used here, with their answers checked and amounts as bigint.
import { z } from 'zod';
import { problem } from '../../errors.ts';
import { ProblemError } from '../../http.ts';
import type { RpcClient } from './client.ts';
import type { RpcCall } from './endpoint.ts';
import { u64, u64Text } from './json.ts';

const COMMITMENT = { commitment: 'confirmed' } as const;
const BASE64 = { ...COMMITMENT, encoding: 'base64' } as const;

export const TOKEN_PROGRAMS = {
  'spl-token': 'TokenkegQfeZyiNwAJbNbGKPFXCWuBvf9Ss623VQ5DA',
  'spl-token-2022': 'TokenzQdBNbLqP5VEhdkAS6EPFLC1PHnBqCXEpPxuEb',
} as const;

/** A method with what its answer must look like. */
type Asked<T> = RpcCall & { readonly schema: z.ZodType<T> };

/** What comes beside a context. */
const valued = <T>(schema: z.ZodType<T>) =>
  z
    .object({ value: z.unknown() })
    .transform(({ value }) => value)
    .pipe(schema);

const account = z
  .object({ data: z.tuple([z.base64(), z.literal('base64')]), owner: z.string(), lamports: u64 })
  .transform(({ data, owner, lamports }) => ({ data: Buffer.from(data[0], 'base64'), owner, lamports }));
export type RawAccount = z.infer<typeof account>;

const tokenAccount = z
  .object({
    pubkey: z.string(),
    account: z.object({
      owner: z.string(),
      data: z.object({
        parsed: z.object({
          info: z.object({
            mint: z.string(),
            owner: z.string(),
            state: z.enum(['uninitialized', 'initialized', 'frozen']),
            tokenAmount: z.object({ amount: u64Text, decimals: z.int().min(0).max(255) }),
          }),
        }),
      }),
    }),
  })
  .transform(({ pubkey, account: { owner: program, data } }) => {
    const { mint, owner, state, tokenAmount } = data.parsed.info;
    return { pubkey, program, mint, owner, state, amount: tokenAmount.amount, decimals: tokenAmount.decimals };
  });
export type TokenAccount = z.infer<typeof tokenAccount>;

const simulation = z.object({
  err: z.unknown().optional(),
  logs: z.array(z.string()).nullable().default(null),
  unitsConsumed: u64.nullish(),
  fee: u64.nullish(),
});
export type Simulation = z.infer<typeof simulation>;

const signatureStatus = z.object({
  slot: z.int(),
  err: z.unknown().optional(),
  confirmationStatus: z.string().nullish(),
});

/** What is asked for, by name. */
export const ask = {
  balance: (who: string) => ({ method: 'getBalance', params: [who, COMMITMENT], schema: valued(u64) }),
  tokenAccounts: (owner: string, programId: string) => ({
    method: 'getTokenAccountsByOwner',
    params: [owner, { programId }, { ...COMMITMENT, encoding: 'jsonParsed' }],
    schema: valued(z.array(tokenAccount)),
  }),
  account: (who: string) => ({ method: 'getAccountInfo', params: [who, BASE64], schema: valued(account.nullable()) }),
  accounts: (who: readonly string[]) => ({
    method: 'getMultipleAccounts',
    params: [who, BASE64],
    schema: valued(z.array(account.nullable())),
  }),
  largestAccounts: (mint: string) => ({
    method: 'getTokenLargestAccounts',
    params: [mint, COMMITMENT],
    schema: valued(z.array(z.object({ address: z.string(), amount: u64Text }))),
  }),
  epoch: () => ({
    method: 'getEpochInfo',
    params: [COMMITMENT],
    schema: z.object({ epoch: u64 }).transform(({ epoch }) => epoch),
  }),
  prioritizationFees: (writable: readonly string[]) => ({
    method: 'getRecentPrioritizationFees',
    params: [writable],
    schema: z.array(z.object({ prioritizationFee: u64 }).transform(({ prioritizationFee }) => prioritizationFee)),
  }),
  /** Nobody has to have signed, and the blockhash is replaced: what would it do if it were sent now? */
  simulate: (transaction: string) => ({
    method: 'simulateTransaction',
    params: [transaction, { ...BASE64, sigVerify: false, replaceRecentBlockhash: true }],
    schema: valued(simulation),
  }),
  /** As simulate, but as it is: with its own blockhash, and signatures that must be right. */
  simulateSigned: (transaction: string) => ({
    method: 'simulateTransaction',
    params: [transaction, { ...BASE64, sigVerify: true, replaceRecentBlockhash: false }],
    schema: valued(simulation),
  }),
  latestBlockhash: () => ({
    method: 'getLatestBlockhash',
    params: [COMMITMENT],
    schema: valued(z.object({ blockhash: z.string(), lastValidBlockHeight: z.int() })),
  }),
  /** A finalized block: one that is there for ever. */
  finalized: () => ({
    method: 'getEpochInfo',
    params: [{ commitment: 'finalized' }],
    schema: z
      .object({ absoluteSlot: z.int(), blockHeight: z.int() })
      .transform(({ absoluteSlot, blockHeight }) => ({ slot: absoluteSlot, height: blockHeight })),
  }),
  /** What is known of signatures, at most 256, as of a slot; null where nothing is. */
  signatures: (signatures: readonly string[]) => ({
    method: 'getSignatureStatuses',
    params: [signatures, { searchTransactionHistory: true }],
    schema: z
      .object({ context: z.object({ slot: z.int() }), value: z.array(signatureStatus.nullable()) })
      .transform(({ context, value }) => ({ slot: context.slot, value })),
  }),
} as const satisfies Record<string, (...args: never[]) => Asked<unknown>>;

/** The node's own error; to whoever does not know better, the chain could not be asked. */
export class NodeError extends ProblemError {
  readonly code: number;
  constructor(method: string, code: number, message: string) {
    super(problem('solana_unavailable', `the node refused ${method}: ${message}`));
    this.code = code;
  }
}

type Answers<List extends readonly Asked<unknown>[]> = {
  -readonly [Place in keyof List]: List[Place] extends Asked<infer T> ? T : never;
};

/** Asks for several things at once. @throws {ProblemError} when no endpoint answers, {NodeError} when one refuses. */
export async function askAll<const List extends readonly Asked<unknown>[]>(
  rpc: RpcClient,
  ...asked: List
): Promise<Answers<List>> {
  const result = await rpc.calls(asked.map(({ method, params }) => ({ method, params })));
  if (result.kind === 'unavailable') throw new ProblemError(problem('solana_unavailable', result.detail));
  const values = result.answers.map((answer, index) => {
    const method = asked[index]?.method ?? '';
    if (answer.kind === 'error') throw new NodeError(method, answer.code, answer.message);
    const read = asked[index]?.schema.safeParse(answer.result);
    if (read?.success) return read.data;
    throw new ProblemError(problem('solana_unavailable', `${method} was answered with something else`));
  });
  return values as Answers<List>; // Each was read by the schema at its place.
}

/** Asks for one thing. As askAll. */
export async function askOne<T>(rpc: RpcClient, asked: Asked<T>): Promise<T> {
  const [value] = await askAll(rpc, asked);
  return value;
}

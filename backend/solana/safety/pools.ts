// Whether the liquidity of a pool can be taken out by whoever put it in. Pure. Only kinds of pools whose layout is published are
// read; of any other nobody here knows.

import { getAddressDecoder, getU8Decoder, getU16Decoder, getU64Decoder } from '@solana/kit';
import { PUMP, readFields } from '../migration-detector/pump-program.ts';
import type { RawAccount } from '../rpc/methods.ts';

export const PUMP_AMM = 'pAMMBay6oceH9fJKBRHGP5D4bD4sWpmSwMn52FMfXEA';

/** Of PumpSwap's account Pool (its IDL): the discriminator, then the fields as far as they are read. */
const POOL = Buffer.from([241, 154, 109, 4, 17, 177, 109, 188]);
const key = getAddressDecoder();
const POOL_FIELDS = {
  bump: getU8Decoder(),
  index: getU16Decoder(),
  creator: key,
  baseMint: key,
  quoteMint: key,
  lpMint: key,
  baseVault: key,
  quoteVault: key,
  lpSupply: getU64Decoder(),
};

export type PoolShares =
  /** A curve: there are no shares that anybody could give back. */
  | { readonly kind: 'none' }
  /** `issued` is all that were ever given for liquidity that is still there, those burnt among them. */
  | { readonly kind: 'shares'; readonly mint: string; readonly issued: bigint }
  | { readonly kind: 'unknown'; readonly reason: string };

/** What is given for the liquidity of the pool at `account`, where it trades `mint`. */
export function sharesOfPool(account: RawAccount | null | undefined, mint: string): PoolShares {
  if (!account) return { kind: 'unknown', reason: 'there is no account of the pool' };
  if (account.owner === PUMP) return { kind: 'none' };
  if (account.owner !== PUMP_AMM || !account.data.subarray(0, POOL.length).equals(POOL)) {
    return { kind: 'unknown', reason: `pools of ${account.owner} are not known` };
  }
  const { baseMint, quoteMint, lpMint, lpSupply } = readFields(POOL_FIELDS, account.data.subarray(POOL.length));
  if (lpMint === undefined || lpSupply === undefined)
    return { kind: 'unknown', reason: 'the pool’s account is cut off' };
  if (baseMint !== mint && quoteMint !== mint) return { kind: 'unknown', reason: 'the pool is one of other tokens' };
  return { kind: 'shares', mint: lpMint, issued: lpSupply };
}

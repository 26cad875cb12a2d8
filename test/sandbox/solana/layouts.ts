// Mints and token accounts as the token programs keep them, written by hand so that any shape can be made (spl-token
// state.rs; token-2022 extensions: type-length-values from byte 166).
import { type Address, getAddressEncoder } from '@solana/kit';

const MINT_BYTES = 82;
const ACCOUNT_BYTES = 165;
const MINT = 1;
const ACCOUNT = 2;

export interface Extension {
  readonly type: number;
  readonly data: Buffer;
}

const key = (address: Address | undefined): Buffer =>
  address === undefined ? Buffer.alloc(32) : Buffer.from(getAddressEncoder().encode(address));
const u64 = (value: bigint): Buffer => {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64LE(value);
  return bytes;
};
const u16 = (value: number): Buffer => Buffer.from([value & 0xff, value >> 8]);
const option = (address: Address | undefined): Buffer =>
  Buffer.concat([Buffer.from([address === undefined ? 0 : 1, 0, 0, 0]), key(address)]);

function extended(base: Buffer, kind: number, extensions: readonly Extension[]): Buffer {
  if (extensions.length === 0) return base;
  const entries = extensions.flatMap(({ type, data }) => [u16(type), u16(data.length), data]);
  return Buffer.concat([base, Buffer.alloc(ACCOUNT_BYTES - base.length), Buffer.from([kind]), ...entries]);
}

export interface MintState {
  readonly mintAuthority?: Address | undefined;
  readonly freezeAuthority?: Address | undefined;
  readonly supply: bigint;
  readonly decimals: number;
  readonly extensions: readonly Extension[];
}

export function mintBytes({ mintAuthority, freezeAuthority, supply, decimals, extensions }: MintState): Buffer {
  const base = Buffer.concat([option(mintAuthority), u64(supply), Buffer.from([decimals, 1]), option(freezeAuthority)]);
  if (base.length !== MINT_BYTES) throw new RangeError(`a mint of ${base.length} bytes`);
  return extended(base, MINT, extensions);
}

export interface TokenAccountState {
  readonly mint: Address;
  readonly owner: Address;
  readonly amount: bigint;
  readonly isFrozen: boolean;
  readonly extensions: readonly Extension[];
}

export function tokenAccountBytes({ mint, owner, amount, isFrozen, extensions }: TokenAccountState): Buffer {
  const base = Buffer.alloc(ACCOUNT_BYTES);
  Buffer.concat([key(mint), key(owner), u64(amount)]).copy(base);
  base[108] = isFrozen ? 2 : 1;
  return extended(base, ACCOUNT, extensions);
}

export interface PoolState {
  readonly baseMint: Address;
  readonly quoteMint: Address;
  readonly lpMint: Address;
  readonly lpSupply: bigint;
}

const POOL_BYTES = 300;

/** PumpSwap's account Pool, as its IDL lays it out; its vaults are left out. */
export function poolBytes({ baseMint, quoteMint, lpMint, lpSupply }: PoolState): Buffer {
  const bytes = Buffer.alloc(POOL_BYTES);
  const discriminator = Buffer.from([241, 154, 109, 4, 17, 177, 109, 188]);
  const head = [discriminator, Buffer.alloc(3), key(undefined), key(baseMint), key(quoteMint), key(lpMint)];
  Buffer.concat([...head, key(undefined), key(undefined), u64(lpSupply)]).copy(bytes);
  return bytes;
}

interface Fee {
  readonly epoch: bigint;
  readonly bps: number;
}

const feeBytes = ({ epoch, bps }: Fee): Buffer => Buffer.concat([u64(epoch), u64(2n ** 64n - 1n), u16(bps)]);

/** The extensions of mints that make traps. */
export const extension = {
  transferFee: (authority: Address, older: Fee, newer: Fee): Extension => ({
    type: 1,
    data: Buffer.concat([key(authority), key(authority), u64(0n), feeBytes(older), feeBytes(newer)]),
  }),
  closeAuthority: (authority: Address): Extension => ({ type: 3, data: key(authority) }),
  defaultFrozen: (): Extension => ({ type: 6, data: Buffer.from([2]) }),
  nonTransferable: (): Extension => ({ type: 9, data: Buffer.alloc(0) }),
  permanentDelegate: (delegate: Address): Extension => ({ type: 12, data: key(delegate) }),
  transferHook: (authority: Address | undefined, program: Address | undefined): Extension => ({
    type: 14,
    data: Buffer.concat([key(authority), key(program)]),
  }),
  /** Wallets show amounts times a factor that the authority sets. */
  scaled: (authority: Address): Extension => ({ type: 25, data: Buffer.concat([key(authority), Buffer.alloc(24)]) }),
  pausable: (authority: Address, isPaused: boolean): Extension => ({
    type: 26,
    data: Buffer.concat([key(authority), Buffer.from([isPaused ? 1 : 0])]),
  }),
} as const;

/** What the accounts of a mint must have for the mint's extensions, by the mint's type. */
const OF_ACCOUNTS: ReadonlyMap<number, Extension> = new Map([
  [1, { type: 2, data: Buffer.alloc(8) }],
  [9, { type: 13, data: Buffer.alloc(0) }],
  [14, { type: 15, data: Buffer.alloc(1) }],
  [26, { type: 27, data: Buffer.alloc(0) }],
]);

export const accountExtensions = (ofMint: readonly Extension[]): Extension[] =>
  ofMint.flatMap(({ type }) => OF_ACCOUNTS.get(type) ?? []);

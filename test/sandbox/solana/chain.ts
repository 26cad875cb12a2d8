// A chain in process: litesvm with the sandbox's mints, holders and pools, slots by the clock and blockhashes that expire.
import { createHash } from 'node:crypto';
import {
  type Address,
  address,
  type Blockhash,
  blockhash,
  getAddressDecoder,
  getCompiledTransactionMessageDecoder,
  type KeyPairSigner,
  lamports,
  type Transaction,
} from '@solana/kit';
import { findAssociatedTokenPda, TOKEN_PROGRAM_ADDRESS } from '@solana-program/token';
import { LiteSVM } from 'litesvm';
import { TIP_ACCOUNTS } from '../relays/tips.ts';
import { accountExtensions, mintBytes, poolBytes, tokenAccountBytes } from './layouts.ts';
import { keyOf, programOf, type TokenShape, tokenShapes, WSOL } from './tokens.ts';

const SLOT_MS = 400;
/** Blocks for which a blockhash may be used. */
const BLOCKHASH_BLOCKS = 150;
const FIRST_SLOT = 250_000_000;
const SUPPLY = 1_000_000_000_000_000n;
const DECIMALS = 6;
/** PumpSwap: what owns the pools' stand-ins. */
const POOL_PROGRAM = address('pAMMBay6oceH9fJKBRHGP5D4bD4sWpmSwMn52FMfXEA');
const SYSTEM_PROGRAM = address('11111111111111111111111111111111');
const HISTORY_MAX = 10_000n;
const RICH_LAMPORTS = 1_000_000_000_000n;
const TIP_ACCOUNT_LAMPORTS = 1_000_000_000n;

/** Somebody who trades there: usual balances are user-0001's and so on. */
export const USERS = 8;

export interface Pool {
  /** Owns the vault; stands in for the pool's own account. */
  readonly signer: KeyPairSigner;
  readonly vault: Address;
  readonly tokens: bigint;
  readonly lamports: bigint;
}

export interface Token {
  readonly shape: TokenShape;
  readonly mint: Address;
  readonly program: Address;
  readonly decimals: number;
  /** Who has had it from the start. */
  readonly holders: readonly Address[];
  /** Undefined: nobody trades it. */
  readonly pool: Pool | undefined;
}

/** What became of a transaction, and where. */
interface Status {
  readonly slot: number;
  readonly err: unknown;
}

export interface Chain {
  readonly svm: LiteSVM;
  readonly tokens: readonly Token[];
  readonly users: readonly KeyPairSigner[];
  /** Pays out what pools give for tokens, since only a system account can. */
  readonly treasury: KeyPairSigner;
  /** By signature: the same whichever endpoint took it or is asked. */
  readonly statuses: Map<string, Status>;
  slot(): number;
  latestBlockhash(): { blockhash: Blockhash; lastValidBlockHeight: number };
  isBlockhashValid(hash: string): boolean;
  lifetimeOf(transaction: Transaction): string;
}

export interface ChainOptions {
  readonly seed?: number;
  readonly now?: () => number;
}

/** The same chain for the same seed, at every start. */
export async function createChain({ seed = 1, now = Date.now }: ChainOptions = {}): Promise<Chain> {
  const svm = new LiteSVM().withBlockhashCheck(false).withTransactionHistory(HISTORY_MAX);
  const startedAtMs = now();
  const slot = () => FIRST_SLOT + Math.floor((now() - startedAtMs) / SLOT_MS);
  const authority = await keyOf(seed, 'scammer');
  const absent = await keyOf(seed, 'no-such-program');
  const treasury = await keyOf(seed, 'treasury');
  fund(svm, treasury.address, RICH_LAMPORTS * 1000n);
  // They exist on the real chain; a tip is too small to make one.
  for (const who of Object.values(TIP_ACCOUNTS).flat()) fund(svm, address(who), TIP_ACCOUNT_LAMPORTS);
  const users = await Promise.all(Array.from({ length: USERS }, (_, index) => keyOf(seed, `user-${index + 1}`)));
  const shapes = tokenShapes(authority.address, absent.address);
  const tokens: Token[] = [];
  for (const shape of shapes) tokens.push(await addToken(svm, seed, shape, authority.address));
  for (const [index, user] of users.entries()) {
    fund(svm, user.address, BigInt(index + 1) * 1_500_000_000n);
    for (const token of tokens.slice(0, 3 + (index % 4))) {
      await addHolder(svm, token, { owner: user.address, amount: BigInt(index + 1) * 1_234_567n });
    }
  }
  const issued = new Map<string, number>();
  return {
    svm,
    tokens,
    users,
    treasury,
    statuses: new Map(),
    slot,
    latestBlockhash() {
      const atSlot = slot();
      const digest = createHash('sha256').update(`${seed}:hash:${atSlot}`).digest();
      const text = getAddressDecoder().decode(digest);
      issued.delete(text);
      issued.set(text, atSlot);
      for (const [old, oldSlot] of issued) if (oldSlot + BLOCKHASH_BLOCKS < atSlot) issued.delete(old);
      return { blockhash: blockhash(text), lastValidBlockHeight: atSlot + BLOCKHASH_BLOCKS };
    },
    isBlockhashValid(hash) {
      const atSlot = issued.get(hash);
      return atSlot !== undefined && atSlot + BLOCKHASH_BLOCKS >= slot();
    },
    lifetimeOf: (transaction) => {
      const message = getCompiledTransactionMessageDecoder().decode(transaction.messageBytes);
      return 'lifetimeToken' in message ? message.lifetimeToken : '';
    },
  };
}

function fund(svm: LiteSVM, who: Address, amount: bigint): void {
  put(svm, { who, owner: SYSTEM_PROGRAM, data: new Uint8Array(), balance: amount });
}

interface Written {
  readonly who: Address;
  readonly owner: Address;
  readonly data: Uint8Array;
  /** Undefined: what frees it of rent. */
  readonly balance?: bigint;
}

function put(svm: LiteSVM, { who, owner, data, balance }: Written): void {
  const space = BigInt(data.length);
  svm.setAccount({
    address: who,
    programAddress: owner,
    executable: false,
    lamports: lamports(balance ?? svm.minimumBalanceForRentExemption(space)),
    space,
    data,
  });
}

async function addToken(svm: LiteSVM, seed: number, shape: TokenShape, authority: Address): Promise<Token> {
  const mint = (await keyOf(seed, `mint:${shape.name}`)).address;
  const program = programOf(shape);
  const state = {
    mintAuthority: shape.mintAuthority ? authority : undefined,
    freezeAuthority: shape.freezeAuthority ? authority : undefined,
    supply: SUPPLY,
    decimals: DECIMALS,
    extensions: shape.extensions,
  };
  put(svm, { who: mint, owner: program, data: mintBytes(state) });
  const holders: Address[] = [];
  const token = { shape, mint, program, decimals: DECIMALS, holders, pool: undefined };
  for (const [index, share] of shape.holderShares.entries()) {
    const holder = (await keyOf(seed, `holder-${index}`)).address;
    holders.push(holder);
    fund(svm, holder, RICH_LAMPORTS / 1000n);
    const amount = (SUPPLY * BigInt(share)) / 1000n;
    await addHolder(svm, token, { owner: holder, amount, isFrozen: shape.isFrozenForHolders });
  }
  if (shape.poolLamports === 0n) return token;
  const signer = await keyOf(seed, `pool:${shape.name}`);
  const lpMint = (await keyOf(seed, `shares:${shape.name}`)).address;
  const shares = { baseMint: mint, quoteMint: WSOL, lpMint, lpSupply: SUPPLY };
  put(svm, { who: signer.address, owner: POOL_PROGRAM, data: poolBytes(shares) });
  const free = (SUPPLY * BigInt(shape.lpFreeShare)) / 1000n;
  const lpState = { supply: free, decimals: DECIMALS, extensions: [] };
  put(svm, { who: lpMint, owner: TOKEN_PROGRAM_ADDRESS, data: mintBytes(lpState) });
  const amount = (SUPPLY * BigInt(shape.poolShare)) / 1000n;
  const vault = await addHolder(svm, token, { owner: signer.address, amount });
  return { ...token, pool: { signer, vault, tokens: amount, lamports: shape.poolLamports } };
}

interface Holder {
  readonly owner: Address;
  readonly amount: bigint;
  readonly isFrozen?: boolean;
}

async function addHolder(svm: LiteSVM, token: Token, { owner, amount, isFrozen = false }: Holder): Promise<Address> {
  const { mint, program } = token;
  const [account] = await findAssociatedTokenPda({ mint, owner, tokenProgram: program });
  const extensions = accountExtensions(token.shape.extensions);
  put(svm, { who: account, owner: program, data: tokenAccountBytes({ mint, owner, amount, isFrozen, extensions }) });
  return account;
}

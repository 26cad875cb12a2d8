// The mints of the sandbox's chain: a few honest ones, and one of each trap that buyers have met. All by seed: an address is
// the same for ever.
import { createHash } from 'node:crypto';
import { type Address, address, createKeyPairSignerFromPrivateKeyBytes, type KeyPairSigner } from '@solana/kit';
import { TOKEN_PROGRAM_ADDRESS } from '@solana-program/token';
import { type Extension, extension } from './layouts.ts';

export const TOKEN_2022_PROGRAM_ADDRESS = address('TokenzQdBNbLqP5VEhdkAS6EPFLC1PHnBqCXEpPxuEb');
export const WSOL = address('So11111111111111111111111111111111111111112');

/** The key pair that `name` has on the chain of `seed`. */
export function keyOf(seed: number, name: string): Promise<KeyPairSigner> {
  return createKeyPairSignerFromPrivateKeyBytes(createHash('sha256').update(`${seed}:${name}`).digest());
}

export interface TokenShape {
  readonly name: string;
  readonly isToken2022: boolean;
  readonly mintAuthority: boolean;
  readonly freezeAuthority: boolean;
  readonly extensions: readonly Extension[];
  /** Per mille of the supply that the pool, then each other holder has. */
  readonly poolShare: number;
  readonly holderShares: readonly number[];
  /** What the pool holds against its tokens; 0: there is no pool. */
  readonly poolLamports: bigint;
  /** Per mille of the pool's shares that are not burnt. */
  readonly lpFreeShare: number;
  /** Whom the pool's program lets sell: those who had the token at the start, or the chain's usual users as well. */
  readonly sellers: 'anybody' | 'holders' | 'known';
  readonly isFrozenForHolders: boolean;
  /** Whether a buyer could be held, robbed or cheated by the design of the token. */
  readonly isTrap: boolean;
}

const SPREAD = Array.from({ length: 12 }, () => 45);
const PLAIN: Omit<TokenShape, 'name'> = {
  isToken2022: false,
  mintAuthority: false,
  freezeAuthority: false,
  extensions: [],
  poolShare: 400,
  holderShares: SPREAD,
  poolLamports: 500_000_000_000n,
  lpFreeShare: 0,
  sellers: 'anybody',
  isFrozenForHolders: false,
  isTrap: false,
};

/** `authority` is whoever made the traps; `program` one that is not there, as a hook that always refuses. */
export function tokenShapes(authority: Address, program: Address): readonly TokenShape[] {
  const trap = (name: string, ...extensions: Extension[]): TokenShape => ({
    ...PLAIN,
    name,
    isToken2022: true,
    extensions,
    isTrap: true,
  });
  return [
    { ...PLAIN, name: 'plain' },
    { ...PLAIN, name: 'plain-2022', isToken2022: true },
    { ...trap('hook-none', extension.transferHook(undefined, undefined)), isTrap: false },
    { ...trap('fee-small', extension.transferFee(authority, fee(100), fee(100))), isTrap: false },
    { ...PLAIN, name: 'mintable', mintAuthority: true, isTrap: true },
    { ...PLAIN, name: 'freezable', freezeAuthority: true, isTrap: true },
    { ...PLAIN, name: 'frozen-then-renounced', isFrozenForHolders: true, isTrap: true },
    { ...PLAIN, name: 'whale', poolShare: 200, holderShares: [700, 20, 20, 20, 20, 20], isTrap: true },
    { ...PLAIN, name: 'no-pool', poolLamports: 0n, isTrap: true },
    { ...PLAIN, name: 'dust-pool', poolLamports: 20_000_000n, isTrap: true },
    trap('fee-half', extension.transferFee(authority, fee(5000), fee(5000))),
    trap('fee-scheduled', extension.transferFee(authority, fee(0), { epoch: 1_000_000n, bps: 9900 })),
    trap('default-frozen', extension.defaultFrozen()),
    trap('non-transferable', extension.nonTransferable()),
    trap('permanent-delegate', extension.permanentDelegate(authority)),
    trap('hook', extension.transferHook(authority, program)),
    trap('hook-later', extension.transferHook(authority, undefined)),
    trap('paused', extension.pausable(authority, true)),
    trap('pausable', extension.pausable(authority, false)),
    trap('closable', extension.closeAuthority(authority), extension.permanentDelegate(authority)),
    { ...PLAIN, name: 'sold-by-holders', sellers: 'holders', isTrap: true },
    { ...PLAIN, name: 'sold-by-known', sellers: 'known', isTrap: true },
    { ...PLAIN, name: 'liquidity-free', lpFreeShare: 1000, isTrap: true },
    { ...PLAIN, name: 'liquidity-part-free', lpFreeShare: 200, isTrap: true },
    trap('fee-later', extension.transferFee(authority, fee(0), fee(0))),
    trap('scaled', extension.scaled(authority)),
  ];
}

/** In force from the beginning. */
const fee = (bps: number) => ({ epoch: 0n, bps });

export const programOf = ({ isToken2022 }: TokenShape): Address =>
  isToken2022 ? TOKEN_2022_PROGRAM_ADDRESS : TOKEN_PROGRAM_ADDRESS;

// A mint account's bytes, as the token programs lay them out: the base of 82 bytes, and for Token-2022 extensions as
// type-length-values from byte 166. Never trusts a length.
import { getAddressDecoder } from '@solana/addresses';

const MINT_BYTES = 82;
const KIND_AT = 165;
const EXTENSIONS_AT = 166;
const KIND_MINT = 1;
/** Of multisig accounts, which the programs tell apart by it. */
const MULTISIG_BYTES = 355;
const EXTENSIONS_MAX = 64;

export type TransferFee = { readonly epoch: bigint; readonly maximum: bigint; readonly bps: number };

/** What of the extensions can hurt a holder. An authority that is there can change what is harmless now. */
export type MintExtensions = {
  readonly transferFee?: {
    readonly authority: string | undefined;
    readonly older: TransferFee;
    readonly newer: TransferFee;
  };
  readonly closeAuthority?: string;
  readonly startsFrozen?: boolean;
  readonly isNonTransferable?: true;
  readonly permanentDelegate?: string;
  readonly transferHook?: { readonly authority: string | undefined; readonly program: string | undefined };
  readonly pausable?: { readonly authority: string | undefined; readonly isPaused: boolean };
  /** Types met that are not judged here, by number. */
  readonly others: readonly number[];
};

export type Mint = {
  readonly mintAuthority: string | undefined;
  readonly freezeAuthority: string | undefined;
  readonly supply: bigint;
  readonly decimals: number;
  readonly isInitialized: boolean;
  readonly extensions: MintExtensions;
};

export type Read<T> = { readonly ok: true; readonly value: T } | { readonly ok: false; readonly reason: string };

class Malformed extends Error {
  override readonly name = 'Malformed';
}

/** Extensions have no other way to say "none" than zeros. */
function keyAt(bytes: Buffer, at: number): string | undefined {
  const key = bytes.subarray(at, at + 32);
  return key.every((byte) => byte === 0) ? undefined : getAddressDecoder().decode(key);
}

/** spl-token's COption: a tag of four bytes, then the key. */
function optionAt(bytes: Buffer, at: number): string | undefined {
  const tag = bytes.readUInt32LE(at);
  if (tag > 1) throw new Malformed(`an option's tag is ${tag}`);
  return tag === 0 ? undefined : getAddressDecoder().decode(bytes.subarray(at + 4, at + 36));
}

const feeAt = (bytes: Buffer, at: number): TransferFee => ({
  epoch: bytes.readBigUInt64LE(at),
  maximum: bytes.readBigUInt64LE(at + 8),
  bps: bytes.readUInt16LE(at + 16),
});

function flagAt(bytes: Buffer, at: number): boolean {
  const value = bytes[at] ?? 0;
  if (value > 1) throw new Malformed(`a flag is ${value}`);
  return value === 1;
}

type Extension = {
  readonly bytes: number;
  readonly read: (data: Buffer) => Omit<Partial<MintExtensions>, 'others'>;
};

const authorityOf = (data: Buffer): string | undefined => keyAt(data, 0);

/** By type, with the length that each must have (token-2022's extension states). */
const EXTENSIONS: ReadonlyMap<number, Extension> = new Map<number, Extension>([
  [
    1,
    {
      bytes: 108,
      read: (data) => ({
        transferFee: { authority: authorityOf(data), older: feeAt(data, 72), newer: feeAt(data, 90) },
      }),
    },
  ],
  [3, { bytes: 32, read: (data) => definedIn('closeAuthority', authorityOf(data)) }],
  [6, { bytes: 1, read: (data) => ({ startsFrozen: data[0] !== 1 }) }],
  [9, { bytes: 0, read: () => ({ isNonTransferable: true }) }],
  [12, { bytes: 32, read: (data) => definedIn('permanentDelegate', authorityOf(data)) }],
  [14, { bytes: 64, read: (data) => ({ transferHook: { authority: authorityOf(data), program: keyAt(data, 32) } }) }],
  [26, { bytes: 33, read: (data) => ({ pausable: { authority: authorityOf(data), isPaused: flagAt(data, 32) } }) }],
]);

function definedIn(name: 'closeAuthority' | 'permanentDelegate', key: string | undefined) {
  return key === undefined ? {} : { [name]: key };
}

function extensionsOf(bytes: Buffer): MintExtensions {
  if (bytes.length === MINT_BYTES) return { others: [] };
  if (bytes.length <= KIND_AT || bytes.length === MULTISIG_BYTES) throw new Malformed('it has no length of a mint');
  if (bytes[KIND_AT] !== KIND_MINT) throw new Malformed('it is another kind of account');
  let found: Omit<MintExtensions, 'others'> = {};
  const seen = new Set<number>();
  const others: number[] = [];
  let at = EXTENSIONS_AT;
  while (at < bytes.length) {
    if (at + 2 > bytes.length) throw new Malformed('an extension’s type is cut off');
    const type = bytes.readUInt16LE(at);
    if (type === 0) break; // Room that is not used.
    if (at + 4 > bytes.length) throw new Malformed('an extension’s length is cut off');
    const length = bytes.readUInt16LE(at + 2);
    const end = at + 4 + length;
    if (end > bytes.length) throw new Malformed(`extension ${type} is longer than the account`);
    if (seen.has(type)) throw new Malformed(`extension ${type} is there twice`);
    if (seen.add(type).size > EXTENSIONS_MAX) throw new Malformed('it has more extensions than there are');
    const known = EXTENSIONS.get(type);
    if (known && known.bytes !== length) throw new Malformed(`extension ${type} has ${length} bytes`);
    if (known) found = { ...found, ...known.read(bytes.subarray(at + 4, end)) };
    else others.push(type);
    at = end;
  }
  return { ...found, others };
}

/** Reads a mint. What is no mint, or one that was cut or altered, is told of, never guessed at. */
export function readMint(bytes: Buffer): Read<Mint> {
  if (bytes.length < MINT_BYTES) return { ok: false, reason: `a mint has 82 bytes or more, not ${bytes.length}` };
  try {
    const mint = {
      mintAuthority: optionAt(bytes, 0),
      supply: bytes.readBigUInt64LE(36),
      decimals: bytes[44] ?? 0,
      isInitialized: flagAt(bytes, 45),
      freezeAuthority: optionAt(bytes, 46),
      extensions: extensionsOf(bytes),
    };
    return { ok: true, value: mint };
  } catch (error) {
    if (error instanceof Malformed) return { ok: false, reason: error.message };
    throw error;
  }
}

/** The fee that is taken in `epoch`, and the highest that is already decided on. */
export function feeIn({ older, newer }: { older: TransferFee; newer: TransferFee }, epoch: bigint) {
  const current = epoch >= newer.epoch ? newer : older;
  return { currentBps: current.bps, scheduledBps: newer.bps };
}

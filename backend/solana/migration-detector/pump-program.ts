// Pump's programs: addresses, discriminators and layouts, as its IDLs publish them (pump-sdk 2.0.0). Layouts grow at their tail,
// so what is missing there is undefined, and what follows is passed over.
import {
  type Address,
  addDecoderSizePrefix,
  address,
  type Decoder,
  getAddressDecoder,
  getAddressEncoder,
  getI64Decoder,
  getU8Decoder,
  getU32Decoder,
  getU64Decoder,
  getUtf8Decoder,
} from '@solana/kit';

export const PUMP = address('6EF8rrecthR5Dkzon8Nwu78hRvfCKubJ14M5uBEwF6P');
/** As in instructions, to be compared with. */
export const PUMP_BYTES = getAddressEncoder().encode(PUMP);

/** The first eight bytes of an instruction's data: sha256("global:NAME"). */
export const MIGRATE = Uint8Array.of(155, 234, 231, 146, 236, 158, 162, 30);
export const MIGRATE_V2 = Uint8Array.of(187, 203, 18, 31, 206, 237, 254, 41);
/** Where `migrate` and `migrate_v2` have the token's mint among their accounts. */
export const MIGRATE_MINT_AT = 2;

/** What a program's event begins with when it is told by a call of the program to itself (Anchor's emit_cpi). */
export const EVENT_PREFIX = Uint8Array.of(0xe4, 0x45, 0xa5, 0x2e, 0x51, 0xcb, 0x9a, 0x1d);
/** And then, by event: sha256("event:NAME"). */
export const EVENTS = {
  created: Uint8Array.of(27, 114, 169, 77, 222, 235, 99, 118),
  traded: Uint8Array.of(189, 219, 127, 211, 78, 230, 97, 238),
  completed: Uint8Array.of(95, 114, 97, 156, 212, 46, 152, 8),
  migrated: Uint8Array.of(189, 233, 93, 185, 92, 148, 234, 148),
} as const;

/** Tokens that a curve has to sell at its start, where its creation was not seen (the Global account's default). */
export const REAL_TOKENS_AT_START = 793_100_000_000_000n;

const key: Decoder<Address> = getAddressDecoder();
const u8: Decoder<number> = getU8Decoder();
const u64: Decoder<bigint> = getU64Decoder();
const i64: Decoder<bigint> = getI64Decoder();
const text: Decoder<string> = addDecoderSizePrefix(getUtf8Decoder(), getU32Decoder());

type Layout = Readonly<Record<string, Decoder<unknown>>>;
type Fields<L extends Layout> = { readonly [K in keyof L]?: L[K] extends Decoder<infer T> ? T : never };

/** The fields that are there, in their order, up to the first that is not there as a whole. */
export function readFields<L extends Layout>(layout: L, bytes: Uint8Array): Fields<L> {
  const fields: Record<string, unknown> = {};
  let offset = 0;
  try {
    for (const [name, decoder] of Object.entries(layout)) {
      if (offset >= bytes.length) break;
      const [value, end] = decoder.read(bytes, offset);
      if (end > bytes.length) break;
      fields[name] = value;
      offset = end;
    }
  } catch {
    // It ends within a field: that one is not there.
  }
  return fields as Fields<L>; // Each value is what its decoder reads, which the compiler cannot follow through the loop.
}

/** Layouts after the discriminator, as far as they are read. */
export const CREATED = {
  name: text,
  symbol: text,
  uri: text,
  mint: key,
  bondingCurve: key,
  user: key,
  creator: key,
  timestampSeconds: i64,
  virtualTokens: u64,
  virtualSol: u64,
  realTokens: u64,
  supply: u64,
};
export const TRADED = {
  mint: key,
  sol: u64,
  tokens: u64,
  isBuy: u8,
  user: key,
  timestampSeconds: i64,
  virtualSol: u64,
  virtualTokens: u64,
  realSol: u64,
  realTokens: u64,
};
export const COMPLETED = { user: key, mint: key, bondingCurve: key, timestampSeconds: i64 };
export const MIGRATED = {
  user: key,
  mint: key,
  tokens: u64,
  sol: u64,
  feeLamports: u64,
  bondingCurve: key,
  timestampSeconds: i64,
  pool: key,
};

// Pump's calls and events as bytes: what a launch, a trade, a sold-out curve and a migration look like in a transaction.
import {
  type Address,
  addEncoderSizePrefix,
  getAddressEncoder,
  getI64Encoder,
  getU32Encoder,
  getU64Encoder,
  getUtf8Encoder,
} from '@solana/kit';
import {
  EVENT_PREFIX,
  EVENTS,
  MIGRATE,
  MIGRATE_V2,
  PUMP_BYTES,
} from '../../../backend/solana/migration-detector/pump-program.ts';
import type { ChainCall, ChainInstruction } from './transactions.ts';

export const PUMP_PROGRAM = Uint8Array.from(PUMP_BYTES);
const BUY = Uint8Array.of(102, 6, 61, 18, 1, 218, 235, 234);
const CREATE_V2 = Uint8Array.of(214, 144, 76, 236, 95, 139, 49, 180);
const bytesOf = getAddressEncoder();
const text = addEncoderSizePrefix(getUtf8Encoder(), getU32Encoder());
const key = (address: Address) => Uint8Array.from(bytesOf.encode(address));
const u64 = (value: bigint) => getU64Encoder().encode(value);
const i64 = (value: bigint) => getI64Encoder().encode(value);
const joined = (...parts: readonly ArrayLike<number>[]) => Uint8Array.from(parts.flatMap((part) => Array.from(part)));

export interface Token {
  readonly mint: Address;
  readonly bondingCurve: Address;
  readonly pool: Address;
  readonly user: Address;
  readonly name: string;
  readonly symbol: string;
}

export interface Reserves {
  readonly virtualTokens: bigint;
  readonly virtualSol: bigint;
  readonly realTokens: bigint;
  readonly realSol: bigint;
}

const event = (discriminator: Uint8Array, ...parts: readonly ArrayLike<number>[]): ChainInstruction => ({
  program: PUMP_PROGRAM,
  accounts: [],
  data: joined(EVENT_PREFIX, discriminator, ...parts),
});

export const createdEvent = ({ name, symbol, mint, bondingCurve, user }: Token, reserves: Reserves, seconds: bigint) =>
  event(
    EVENTS.created,
    ...[text.encode(name), text.encode(symbol), text.encode('https://example.test/token.json')],
    ...[key(mint), key(bondingCurve), key(user), key(user), i64(seconds)],
    ...[u64(reserves.virtualTokens), u64(reserves.virtualSol), u64(reserves.realTokens), u64(10n ** 15n)],
    new Uint8Array(60), // What layouts have grown by since.
  );

export const tradedEvent = (
  { mint, user }: Token,
  trade: { readonly sol: bigint; readonly tokens: bigint; readonly isBuy: boolean },
  { virtualSol, virtualTokens, realSol, realTokens }: Reserves,
  seconds: bigint,
) =>
  event(
    EVENTS.traded,
    ...[key(mint), u64(trade.sol), u64(trade.tokens), [trade.isBuy ? 1 : 0], key(user), i64(seconds)],
    ...[u64(virtualSol), u64(virtualTokens), u64(realSol), u64(realTokens)],
    new Uint8Array(120),
  );

export const completedEvent = ({ user, mint, bondingCurve }: Token, seconds: bigint) =>
  event(EVENTS.completed, key(user), key(mint), key(bondingCurve), i64(seconds), new Uint8Array(32));

export const migratedEvent = ({ user, mint, bondingCurve, pool }: Token, seconds: bigint) =>
  event(
    EVENTS.migrated,
    ...[key(user), key(mint), u64(206_900_000_000_000n), u64(84_990_359_679n), u64(15_000_001n)],
    ...[key(bondingCurve), i64(seconds), key(pool), new Uint8Array(32)],
  );

const filler = (count: number) => Array.from({ length: count }, (_, i) => new Uint8Array(32).fill(200 + i));

export const createCall = (token: Token, inner: readonly ChainInstruction[]): ChainCall => ({
  program: PUMP_PROGRAM,
  accounts: [key(token.mint), ...filler(1), key(token.bondingCurve)],
  data: CREATE_V2,
  inner,
});

export const buyCall = (token: Token, inner: readonly ChainInstruction[]): ChainCall => ({
  program: PUMP_PROGRAM,
  accounts: [...filler(2), key(token.mint), key(token.bondingCurve), ...filler(2), key(token.user)],
  data: joined(BUY, u64(1n), u64(1n)),
  inner,
});

export function migrateCall(
  token: Token,
  form: 'migrate' | 'migrate_v2',
  inner: readonly ChainInstruction[],
): ChainCall {
  const isOld = form === 'migrate';
  const curve = isOld ? [key(token.bondingCurve)] : [...filler(1), key(token.bondingCurve)];
  const accounts = [...filler(2), key(token.mint), ...curve, ...filler(5), key(token.pool)];
  return { program: PUMP_PROGRAM, accounts, data: isOld ? MIGRATE : MIGRATE_V2, inner };
}

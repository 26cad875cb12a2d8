// A token account's bytes: the first 165, which both token programs have in common.
import { getAddressDecoder } from '@solana/addresses';
import type { Read } from './mint.ts';

const ACCOUNT_BYTES = 165;
const KIND_ACCOUNT = 2;
const STATES = ['uninitialized', 'initialized', 'frozen'] as const;

export type Holding = {
  readonly mint: string;
  readonly owner: string;
  readonly amount: bigint;
  readonly state: (typeof STATES)[number];
};

export function readHolding(bytes: Buffer): Read<Holding> {
  if (bytes.length < ACCOUNT_BYTES)
    return { ok: false, reason: `a token account has 165 bytes or more, not ${bytes.length}` };
  if (bytes.length > ACCOUNT_BYTES && bytes[ACCOUNT_BYTES] !== KIND_ACCOUNT) {
    return { ok: false, reason: 'it is another kind of account' };
  }
  const state = STATES[bytes[108] ?? 0];
  if (state === undefined) return { ok: false, reason: `its state is ${bytes[108]}` };
  const key = (at: number) => getAddressDecoder().decode(bytes.subarray(at, at + 32));
  return { ok: true, value: { mint: key(0), owner: key(32), amount: bytes.readBigUInt64LE(64), state } };
}

// JSON of Solana's RPC, which writes u64 as numbers: read so that none loses a digit.
import { z } from 'zod';

/** TypeScript does not know the third argument yet: the text that a value was written as (ECMAScript 2026). */
type Reviver = (name: string, value: unknown, context?: { source?: string }) => unknown;

const exact: Reviver = (_, value, context) =>
  typeof value === 'number' && !Number.isSafeInteger(value) && /^-?\d+$/.test(context?.source ?? '')
    ? BigInt(context?.source ?? 0)
    : value;
/**
 * Only a number of so many digits can be one that a double does not hold; without one the quick way will do. Where a number can begin
 * (RFC 8259 section 2), since addresses have as many: the system program's is all ones, and in every log.
 */
const LONG_NUMBER = /(?:^|[:,[])\s*-?\d{16}/;

/** Whole numbers that a double does not hold come as bigint, all others as number. @throws {SyntaxError} */
export function parseRpcJson(text: string): unknown {
  return LONG_NUMBER.test(text) ? JSON.parse(text, exact) : JSON.parse(text);
}

const U64_MAX = 2n ** 64n - 1n;

/** A u64 of an answer, as bigint whatever its size. */
export const u64 = z
  .union([z.bigint(), z.int()])
  .transform(BigInt)
  .refine((value) => value >= 0n && value <= U64_MAX, 'is no u64');
/** The same, as the decimal text in which token amounts come. */
export const u64Text = z
  .string()
  .regex(/^\d{1,20}$/, 'is no u64')
  .transform(BigInt)
  .refine((value) => value <= U64_MAX, 'is no u64');

// What a simulation's error means to somebody who wanted to trade. Pure. Which program failed is only in the logs.
import { z } from 'zod';

export const SIMULATION_RESULTS = [
  'Success',
  'Failure',
  'InsufficientFunds',
  'SlippageExceeded',
  'InvalidToken',
  'UnknownError',
] as const;
export type SimulationResult = (typeof SIMULATION_RESULTS)[number];

const PROGRAMS = {
  system: '11111111111111111111111111111111',
  token: 'TokenkegQfeZyiNwAJbNbGKPFXCWuBvf9Ss623VQ5DA',
  token2022: 'TokenzQdBNbLqP5VEhdkAS6EPFLC1PHnBqCXEpPxuEb',
  jupiter: 'JUP6LkbZbjS1jKKwapdHNy74zcZ3tLUZoi5QNyVTaV4',
  pump: '6EF8rrecthR5Dkzon8Nwu78hRvfCKubJ14M5uBEwF6P',
  pumpSwap: 'pAMMBay6oceH9fJKBRHGP5D4bD4sWpmSwMn52FMfXEA',
} as const;

/** The token programs: 1 funds, 2 and 3 another mint, 17 a frozen account; Token-2022 besides: 37 not transferable, 67 paused. */
const TOKEN_CODES: Readonly<Record<number, SimulationResult>> = {
  1: 'InsufficientFunds',
  2: 'InvalidToken',
  3: 'InvalidToken',
  17: 'InvalidToken',
  37: 'InvalidToken',
  67: 'InvalidToken',
};

/** Custom codes by program: the programs' own IDLs. The same number means another thing to each. */
const CODES: Readonly<Record<string, Readonly<Record<number, SimulationResult>>>> = {
  [PROGRAMS.system]: { 1: 'InsufficientFunds' },
  [PROGRAMS.token]: TOKEN_CODES,
  [PROGRAMS.token2022]: TOKEN_CODES,
  [PROGRAMS.jupiter]: {
    6001: 'SlippageExceeded',
    6014: 'InvalidToken',
    6017: 'SlippageExceeded',
    6024: 'InsufficientFunds',
    6025: 'InvalidToken',
  },
  [PROGRAMS.pump]: {
    6002: 'SlippageExceeded',
    6003: 'SlippageExceeded',
    6004: 'InvalidToken',
    6023: 'InsufficientFunds',
    6040: 'InsufficientFunds',
    6042: 'SlippageExceeded',
  },
  [PROGRAMS.pumpSwap]: { 6004: 'SlippageExceeded', 6040: 'SlippageExceeded' },
};

/** Failures that need no code to be told apart. */
const NAMED: Readonly<Record<string, SimulationResult>> = {
  InsufficientFunds: 'InsufficientFunds',
  InsufficientFundsForFee: 'InsufficientFunds',
  InsufficientFundsForRent: 'InsufficientFunds',
  AccountNotFound: 'InsufficientFunds', // Of the payer: an account without lamports does not exist.
  InvalidAccountForFee: 'InsufficientFunds',
};

const instructionError = z.object({ InstructionError: z.tuple([z.number(), z.unknown()]) });
const custom = z.object({ Custom: z.number() });
const FAILED = /^Program ([1-9A-HJ-NP-Za-km-z]{32,44}) failed: /;

/** The innermost program that failed: its line comes first. */
function failedProgram(logs: readonly string[]): string | undefined {
  for (const line of logs) {
    const found = FAILED.exec(line)?.[1];
    if (found !== undefined) return found;
  }
  return undefined;
}

/** The classes of the API for an `err` of simulateTransaction. */
export function resultOf(err: unknown, logs: readonly string[]): SimulationResult {
  if (err === null) return 'Success';
  if (typeof err === 'string') return NAMED[err] ?? 'Failure';
  const parsed = instructionError.safeParse(err);
  if (!parsed.success) {
    const [name] = typeof err === 'object' && err !== null ? Object.keys(err) : [];
    return name === undefined ? 'UnknownError' : (NAMED[name] ?? 'Failure');
  }
  const [, why] = parsed.data.InstructionError;
  const code = custom.safeParse(why).data?.Custom;
  if (code === undefined) return typeof why === 'string' ? (NAMED[why] ?? 'Failure') : 'Failure';
  return CODES[failedProgram(logs) ?? '']?.[code] ?? 'Failure';
}

/** The error in a sentence, or null. */
export function errorText(err: unknown): string | null {
  if (err === null) return null;
  return typeof err === 'string'
    ? err
    : JSON.stringify(err, (_, value) => (typeof value === 'bigint' ? Number(value) : value));
}

/** Which instruction failed; undefined when it was none of them. */
export const failedInstruction = (err: unknown): number | undefined =>
  instructionError.safeParse(err).data?.InstructionError[0];

// A chain on which Pump's tokens are launched, traded, sold out and migrated, by a seed: what happens in a slot depends on nothing
// else, so that a server that starts over tells the same.
import { createHash } from 'node:crypto';
import { type Address, getAddressDecoder } from '@solana/kit';
import {
  buyCall,
  completedEvent,
  createCall,
  createdEvent,
  migrateCall,
  migratedEvent,
  PUMP_PROGRAM,
  type Reserves,
  type Token,
  tradedEvent,
} from './pump.ts';
import type { Chain } from './server.ts';
import { type ChainCall, type ChainTransaction, transactionOf } from './transactions.ts';

/** A token is launched each. */
export const LAUNCH_EVERY_SLOTS = 6n;
const TRADES = 20;
const SLOTS_PER_TRADE = 2;
const SOLD_OUT_AGE = TRADES * SLOTS_PER_TRADE;
const FAILED_MIGRATION_AGE = SOLD_OUT_AGE + 2;
const MIGRATION_AGE = SOLD_OUT_AGE + 4;
const REPEATED_MIGRATION_AGE = SOLD_OUT_AGE + 6;
const LIFE_SLOTS = BigInt(REPEATED_MIGRATION_AGE + 1);
/** One token in so many is sold out and migrates. */
export const GRADUATES_EACH = 3n;

/** When the sandbox's chain began, and with which slot. */
const GENESIS_MS = Date.parse('2026-01-01T00:00:00.000Z');
export const GENESIS_SLOT = 300_000_000n;

const REAL_TOKENS = 793_100_000_000_000n;
const UNSOLD_VIRTUAL_TOKENS = 279_900_000_000_000n;
const PRODUCT = 1_073_000_000_000_000n * 30_000_000_000n;
const START_VIRTUAL_SOL = 30_000_000_000n;

export interface LaunchedToken extends Token {
  readonly graduates: boolean;
  readonly launchSlot: bigint;
  /** Undefined for one that does not. */
  readonly migrationSlot: bigint | undefined;
}

export interface PumpChain {
  readonly chain: Chain;
  readonly token: (number: bigint) => LaunchedToken;
}

export interface PumpChainOptions {
  readonly seed: number;
  readonly firstSlot: bigint;
  /** When a slot was, in seconds; told in the events. */
  readonly secondsOf: (slot: bigint) => bigint;
}

const NAMES = ['Banyan', 'Fig', 'Aerial', 'Root', 'Canopy', 'Wasp', 'Latex', 'Sap'] as const;
const RAYDIUM_AMM_V4 = new Uint8Array(32).fill(91);
const ROUTER = new Uint8Array(32).fill(92);

function reservesAfter(soldBp: bigint): Reserves {
  const realTokens = REAL_TOKENS - (REAL_TOKENS * soldBp) / 10_000n;
  const virtualTokens = realTokens + UNSOLD_VIRTUAL_TOKENS;
  const virtualSol = PRODUCT / virtualTokens;
  return { realTokens, virtualTokens, virtualSol, realSol: virtualSol - START_VIRTUAL_SOL };
}

export function createPumpChain({ seed, firstSlot, secondsOf }: PumpChainOptions): PumpChain {
  const hash = (what: string) => createHash('sha512').update(`${seed} ${what}`).digest();
  const keyOf = (what: string): Address => getAddressDecoder().decode(hash(what).subarray(0, 32));
  const signatureOf = (what: string) => Uint8Array.from(hash(`signature ${what}`));

  function token(number: bigint): LaunchedToken {
    const launchSlot = firstSlot + number * LAUNCH_EVERY_SLOTS;
    const graduates = number % GRADUATES_EACH === 0n;
    const name = NAMES[Number(number % BigInt(NAMES.length))] ?? '';
    return {
      mint: keyOf(`mint ${number}`),
      bondingCurve: keyOf(`curve ${number}`),
      pool: keyOf(`pool ${number}`),
      user: keyOf(`user ${number % 7n}`),
      name: `${name} ${number}`,
      symbol: `${name.toUpperCase()}${number}`,
      graduates,
      launchSlot,
      migrationSlot: graduates ? launchSlot + BigInt(MIGRATION_AGE) : undefined,
    };
  }

  /** How much is sold after so many trades: all of it of those that graduate, else less than the final stretch. */
  function soldBp(number: bigint, { graduates }: LaunchedToken, trades: number): bigint {
    const most = graduates ? 10_000 : 2000 + (hash(`most ${number}`)[0] ?? 0) * 20;
    return BigInt(Math.floor((most * trades) / TRADES));
  }

  function trade(number: bigint, launched: LaunchedToken, trades: number, seconds: bigint): ChainCall {
    const [before, after] = [trades - 1, trades].map((each) => reservesAfter(soldBp(number, launched, each)));
    if (!before || !after) throw new TypeError('there are two'); // As the compiler cannot know.
    const amounts = { sol: after.realSol - before.realSol, tokens: before.realTokens - after.realTokens, isBuy: true };
    const completed = after.realTokens === 0n ? [completedEvent(launched, seconds)] : [];
    return buyCall(launched, [tradedEvent(launched, amounts, after, seconds), ...completed]);
  }

  /** By either form, and now and then by another program with every address from a lookup table. */
  function migration(number: bigint, launched: LaunchedToken, seconds: bigint, name: string): ChainTransaction {
    const form = number % 2n === 0n ? 'migrate' : 'migrate_v2';
    const { inner = [], ...call } = migrateCall(launched, form, [migratedEvent(launched, seconds)]);
    if (number % 4n < 2n) return transactionOf(signatureOf(name), [{ ...call, inner }]);
    const routed = { program: ROUTER, accounts: [], data: Uint8Array.of(1), inner: [call, ...inner] };
    return transactionOf(signatureOf(name), [routed], { isLoaded: (address) => !Buffer.from(address).equals(ROUTER) });
  }

  function stepOf(number: bigint, slot: bigint): readonly ChainTransaction[] {
    const launched = token(number);
    const age = Number(slot - launched.launchSlot);
    const seconds = secondsOf(slot);
    const name = `${number} ${age}`;
    if (age === 0) {
      const created = createCall(launched, [createdEvent(launched, reservesAfter(0n), seconds)]);
      return [transactionOf(signatureOf(name), [created])];
    }
    if (age <= SOLD_OUT_AGE) {
      if (age % SLOTS_PER_TRADE !== 0) return [];
      return [transactionOf(signatureOf(name), [trade(number, launched, age / SLOTS_PER_TRADE, seconds)])];
    }
    if (!launched.graduates) return [];
    if (age === FAILED_MIGRATION_AGE)
      return [transactionOf(signatureOf(name), [migrateCall(launched, 'migrate', [])], { failed: true })];
    if (age === MIGRATION_AGE) return [migration(number, launched, seconds, name)];
    if (age === REPEATED_MIGRATION_AGE)
      return [transactionOf(signatureOf(name), [migrateCall(launched, 'migrate', [])])];
    return [];
  }

  return {
    token,
    chain(slot) {
      const age = slot - firstSlot;
      if (age < 0n) return [];
      // A router that names Pump and Raydium and does nothing that is of interest.
      const routed = { program: ROUTER, accounts: [PUMP_PROGRAM, RAYDIUM_AMM_V4], data: Uint8Array.of(2) };
      const transactions = [transactionOf(signatureOf(`noise ${slot}`), [routed])];
      const newest = age / LAUNCH_EVERY_SLOTS;
      const oldest = age < LIFE_SLOTS ? 0n : (age - LIFE_SLOTS) / LAUNCH_EVERY_SLOTS;
      for (let number = oldest; number <= newest; number++) transactions.push(...stepOf(number, slot));
      return transactions;
    },
  };
}

/** The sandbox's chain: it goes by the clock, so that it goes on while nobody serves it. */
export function createSandboxChain({ seed, slotMs }: { readonly seed: number; readonly slotMs: number }) {
  const msOf = (slot: bigint) => GENESIS_MS + Number(slot - GENESIS_SLOT) * slotMs;
  const secondsOf = (slot: bigint) => BigInt(Math.floor(msOf(slot) / 1000));
  return {
    ...createPumpChain({ seed, firstSlot: GENESIS_SLOT, secondsOf }),
    firstSlot: GENESIS_SLOT,
    /** The slot that has just happened. */
    slotAt: (nowMs: number) => GENESIS_SLOT + BigInt(Math.floor((nowMs - GENESIS_MS) / slotMs)),
  };
}

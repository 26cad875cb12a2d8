// What Pump tells of itself in a transaction: launches, trades, sold-out curves, migrations.

import { type Address, getAddressDecoder, type ReadonlyUint8Array } from '@solana/kit';
import type { Call } from './calls.ts';
import {
  COMPLETED,
  CREATED,
  EVENT_PREFIX,
  EVENTS,
  MIGRATE,
  MIGRATE_MINT_AT,
  MIGRATE_V2,
  MIGRATED,
  PUMP_BYTES,
  readFields,
  TRADED,
} from './pump-program.ts';

/** A curve's reserves, in the least units of token and quote. */
export type Curve = { readonly virtualTokens: bigint; readonly virtualSol: bigint; readonly realTokens: bigint };

export type PumpEvent = { readonly mint: Address; readonly timeMs: number } & (
  | {
      readonly kind: 'created';
      readonly name: string;
      readonly symbol: string;
      readonly bondingCurve: Address;
      readonly curve: Curve | undefined;
    }
  | {
      readonly kind: 'traded';
      readonly isBuy: boolean;
      readonly sol: bigint;
      readonly tokens: bigint;
      readonly user: Address;
      readonly curve: Curve;
    }
  /** The curve is sold out; the migration is to come, in a transaction of its own. */
  | { readonly kind: 'completed'; readonly bondingCurve: Address }
  | {
      readonly kind: 'migrated';
      readonly by: 'migrate' | 'migrate_v2';
      readonly bondingCurve: Address;
      readonly pool: Address;
      readonly tokens: bigint;
      readonly sol: bigint;
    }
);

export type PumpEvents = {
  readonly events: readonly PumpEvent[];
  /** Events that ended too early to be read, or migrations that nobody called for. */
  readonly unread: number;
};

const EVENT_DATA_AT = EVENT_PREFIX.length + EVENTS.created.length;
const addresses = getAddressDecoder();

function startsWith(bytes: Uint8Array, start: Uint8Array, offset = 0): boolean {
  return bytes.length >= offset + start.length && start.every((byte, i) => bytes[offset + i] === byte);
}
const isSame = (a: Uint8Array, b: ReadonlyUint8Array) => a.length === b.length && a.every((byte, i) => b[i] === byte);
const ms = (seconds: bigint) => Number(seconds) * 1000;

function created(data: Uint8Array): PumpEvent | undefined {
  const { name, symbol, mint, bondingCurve, timestampSeconds, ...reserves } = readFields(CREATED, data);
  if (name === undefined || symbol === undefined || !mint || !bondingCurve) return undefined;
  const { virtualTokens, virtualSol, realTokens } = reserves;
  const isWhole = virtualTokens !== undefined && virtualSol !== undefined && realTokens !== undefined;
  const curve = isWhole ? { virtualTokens, virtualSol, realTokens } : undefined;
  return { kind: 'created', mint, name, symbol, bondingCurve, curve, timeMs: ms(timestampSeconds ?? 0n) };
}

function traded(data: Uint8Array): PumpEvent | undefined {
  const { mint, sol, tokens, isBuy, user, timestampSeconds, ...reserves } = readFields(TRADED, data);
  const { virtualTokens, virtualSol, realTokens } = reserves;
  if (!mint || !user || sol === undefined || tokens === undefined || timestampSeconds === undefined) return undefined;
  if (virtualTokens === undefined || virtualSol === undefined || realTokens === undefined) return undefined;
  const curve = { virtualTokens, virtualSol, realTokens };
  return { kind: 'traded', mint, isBuy: isBuy === 1, sol, tokens, user, curve, timeMs: ms(timestampSeconds) };
}

function completed(data: Uint8Array): PumpEvent | undefined {
  const { mint, bondingCurve, timestampSeconds } = readFields(COMPLETED, data);
  if (!mint || !bondingCurve || timestampSeconds === undefined) return undefined;
  return { kind: 'completed', mint, bondingCurve, timeMs: ms(timestampSeconds) };
}

/** The call that an event's migration was made by: either form, called by a user or by another program. */
function migrationCall(calls: readonly Call[], mint: Address): 'migrate' | 'migrate_v2' | undefined {
  for (const { program, data, account } of calls) {
    const form = startsWith(data, MIGRATE) ? 'migrate' : startsWith(data, MIGRATE_V2) ? 'migrate_v2' : undefined;
    const called = form && isSame(program, PUMP_BYTES) ? account(MIGRATE_MINT_AT) : undefined;
    if (called && addresses.decode(called) === mint) return form;
  }
  return undefined;
}

function migrated(data: Uint8Array, calls: readonly Call[]): PumpEvent | undefined {
  const { mint, tokens, sol, bondingCurve, timestampSeconds, pool } = readFields(MIGRATED, data);
  if (!mint || !bondingCurve || !pool || tokens === undefined || sol === undefined) return undefined;
  const by = migrationCall(calls, mint);
  return by && { kind: 'migrated', mint, by, bondingCurve, pool, tokens, sol, timeMs: ms(timestampSeconds ?? 0n) };
}

/** Everything that Pump told in these calls, in order. What other programs say in its form is not believed. */
export function pumpEventsOf(calls: readonly Call[]): PumpEvents {
  const events: PumpEvent[] = [];
  let unread = 0;
  for (const { program, data } of calls) {
    if (!startsWith(data, EVENT_PREFIX) || !isSame(program, PUMP_BYTES)) continue;
    const is = (start: Uint8Array) => startsWith(data, start, EVENT_PREFIX.length);
    const body = data.subarray(EVENT_DATA_AT);
    let event: PumpEvent | undefined;
    if (is(EVENTS.traded)) event = traded(body);
    else if (is(EVENTS.created)) event = created(body);
    else if (is(EVENTS.completed)) event = completed(body);
    else if (is(EVENTS.migrated)) event = migrated(body, calls);
    else continue; // Of something that nobody here asks about.
    if (event) events.push(event);
    else unread += 1;
  }
  return { events, unread };
}

// A token of the pulse: what is known of it, and what an event makes of it. Pure.
import { type Decimal, decimalOf, multiply } from '../../domain/money.ts';
import type { At } from '../migration-detector/detector.ts';
import type { Curve, PumpEvent } from '../migration-detector/pump-events.ts';
import { REAL_TOKENS_AT_START } from '../migration-detector/pump-program.ts';
import { CATEGORIES, type Category } from './categories.ts';

/** So much of the curve sold is the final stretch, in hundredths of a percent: as the system before had it. */
const FINAL_STRETCH_BP = 9000n;
const WHOLE_BP = 10_000n;
/** Every token of Pump: a billion, with six decimals. */
const SUPPLY_UNITS = 1_000_000_000_000_000n;

export type Token = {
  readonly mint: string;
  /** Undefined when its launch was not seen. */
  readonly name: string | undefined;
  readonly symbol: string | undefined;
  readonly bondingCurve: string | undefined;
  readonly realTokensAtStart: bigint;
  readonly curve: Curve | undefined;
  readonly pool: string | undefined;
  /** Undefined for one that is not new, and not far either. */
  readonly category: Category | undefined;
  /** Of the newest event, and when that was. */
  readonly signature: string;
  readonly slot: bigint;
  readonly timeMs: number;
};

const rankOf = (category: Category | undefined) => (category === undefined ? -1 : CATEGORIES.indexOf(category));
const further = (a: Category | undefined, b: Category | undefined) => (rankOf(b) > rankOf(a) ? b : a);

function soldBp({ curve, realTokensAtStart: start, category }: Token): bigint {
  if (category === 'migrated') return WHOLE_BP;
  if (!curve || start === 0n) return 0n;
  const sold = start - curve.realTokens;
  return sold < 0n ? 0n : (sold * WHOLE_BP) / start;
}

function blank(mint: string): Token {
  return {
    mint,
    name: undefined,
    symbol: undefined,
    bondingCurve: undefined,
    realTokensAtStart: REAL_TOKENS_AT_START,
    curve: undefined,
    pool: undefined,
    category: undefined,
    signature: '',
    slot: -1n,
    timeMs: 0,
  };
}

/** What the event itself says, whatever is known already. */
function told(token: Token, event: PumpEvent): Token {
  switch (event.kind) {
    case 'created': {
      const { name, symbol, bondingCurve, curve } = event;
      const realTokensAtStart = curve?.realTokens ?? REAL_TOKENS_AT_START;
      const category = further(token.category, 'new_pairs');
      return { ...token, name, symbol, bondingCurve, realTokensAtStart, category, curve: token.curve ?? curve };
    }
    case 'traded':
      return { ...token, curve: event.curve };
    case 'completed': {
      const { bondingCurve } = event;
      const curve = token.curve && { ...token.curve, realTokens: 0n };
      return { ...token, bondingCurve, curve, category: further(token.category, 'final_stretch') };
    }
    case 'migrated':
      return { ...token, bondingCurve: event.bondingCurve, pool: event.pool, category: 'migrated' };
  }
}

/** The token after the event. Trades from before what is known of it change nothing: slots are read again after a reconnection. */
export function tokenAfter(before: Token | undefined, event: PumpEvent, { signature, slot }: At): Token {
  const token = before ?? blank(event.mint);
  if (event.kind === 'traded' && slot < token.slot) return token;
  const after = told(token, event);
  const category = soldBp(after) >= FINAL_STRETCH_BP ? further(after.category, 'final_stretch') : after.category;
  if (slot < token.slot) return { ...after, category };
  return { ...after, category, signature, slot, timeMs: event.timeMs };
}

function marketCapSol({ curve }: Token): Decimal | undefined {
  if (!curve || curve.virtualTokens === 0n || curve.virtualSol === 0n) return undefined;
  return decimalOf(`${(curve.virtualSol * SUPPLY_UNITS) / curve.virtualTokens}e-9`);
}

/** A token as clients are told of it; the names are those of the system before, whose pools were Raydium's. */
export function tokenView(token: Token, solPrice: Decimal | undefined) {
  const sol = marketCapSol(token);
  return {
    token_address: token.mint,
    token_symbol: token.symbol ?? null,
    token_name: token.name ?? null,
    category: token.category ?? null,
    timestamp: token.timeMs,
    slot: Number(token.slot),
    signature: token.signature,
    bonding_curve: token.bondingCurve ?? null,
    bonding_curve_progress: decimalOf(`${soldBp(token)}e-4`),
    raydium_pool_address: token.pool ?? null,
    market_cap_sol: sol ?? null,
    market_cap_usd: sol && solPrice ? multiply(sol, solPrice) : null,
  };
}

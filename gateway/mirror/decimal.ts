// Exact decimal numbers, for tolerances: nothing passes through a floating-point number.
import { canonicalDecimal } from './canonical.ts';

/** units × 10^exponent. */
export interface Decimal {
  readonly units: bigint;
  readonly exponent: number;
}

/** A number that needs more digits than this is nothing to measure a distance with; `1e999999999` must not fill memory. */
const DIGITS_MAX = 400;

/** The number that a text spells, or undefined when it spells none, or one that is far too long. */
export function parseDecimal(text: string): Decimal | undefined {
  const canonical = canonicalDecimal(text);
  if (canonical === undefined) return undefined;
  if (canonical === '0') return { units: 0n, exponent: 0 };
  const [units = '', exponent = ''] = canonical.split('e');
  return units.length > DIGITS_MAX ? undefined : { units: BigInt(units), exponent: Number(exponent) };
}

export function times(a: Decimal, b: Decimal): Decimal {
  return { units: a.units * b.units, exponent: a.exponent + b.exponent };
}

/** Whether |a - b| <= limit. Numbers too far apart in size to be written beside each other are not within anything. */
export function isWithin(a: Decimal, b: Decimal, limit: Decimal): boolean {
  const all = [a, b, limit].filter(({ units }) => units !== 0n);
  const least = Math.min(...all.map(({ exponent }) => exponent));
  if (all.some(({ exponent }) => exponent - least > DIGITS_MAX)) return false;
  const scaled = ({ units, exponent }: Decimal) => (units === 0n ? 0n : units * 10n ** BigInt(exponent - least));
  return magnitude(scaled(a) - scaled(b)) <= scaled(limit);
}

/** Less than 0 when a < b, 0 when they are equal. Undefined when they are too far apart in size to be compared. */
export function compareDecimals(a: Decimal, b: Decimal): number | undefined {
  if (a.units === 0n || b.units === 0n || a.units < 0n !== b.units < 0n) return Number(sign(a.units) - sign(b.units));
  const least = Math.min(a.exponent, b.exponent);
  if (Math.max(a.exponent, b.exponent) - least > DIGITS_MAX) return undefined;
  const scaled = ({ units, exponent }: Decimal) => units * 10n ** BigInt(exponent - least);
  return Number(sign(scaled(a) - scaled(b)));
}

export function magnitude(value: bigint): bigint {
  return value < 0n ? -value : value;
}

function sign(value: bigint): bigint {
  return value < 0n ? -1n : value > 0n ? 1n : 0n;
}

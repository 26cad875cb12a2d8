// Exact decimals as strings. No amount ever becomes a JS number: 0.1 + 0.2 must be 0.3, and 18 decimals must survive.

declare const decimal: unique symbol;
/** A finite decimal in canonical form: digits, an optional point, no exponent, no superfluous zeros, no "-0". */
export type Decimal = string & { readonly [decimal]: true };

/** Longest text accepted and largest exponent: a bound on the memory a hostile "1e999999999" could ask for. */
const TEXT_MAX = 128;
const EXPONENT_MAX = 100;
const FORM = /^([+-]?)(\d*)(?:\.(\d*))?(?:[eE]([+-]?\d{1,4}))?$/;

/** value = units / 10^scale */
type Scaled = { readonly units: bigint; readonly scale: number };

function cast(canonical: string): Decimal {
  return canonical as Decimal; // The only place where a string is declared to be one: `render` made it.
}

function render({ units, scale }: Scaled): Decimal {
  const negative = units < 0n;
  const digits = (negative ? -units : units).toString().padStart(scale + 1, '0');
  const whole = digits.slice(0, digits.length - scale);
  const fraction = digits.slice(digits.length - scale).replace(/0+$/, '');
  const text = fraction === '' ? whole : `${whole}.${fraction}`;
  return cast(negative && text !== '0' ? `-${text}` : text);
}

function scaledOf(text: string): Scaled | undefined {
  if (text.length > TEXT_MAX) return undefined;
  const match = FORM.exec(text);
  if (!match) return undefined;
  const [, sign = '', whole = '', fraction = '', exponentText = '0'] = match;
  if (whole === '' && fraction === '') return undefined;
  const exponent = Number(exponentText);
  if (Math.abs(exponent) > EXPONENT_MAX) return undefined;
  const magnitude = BigInt(whole + fraction);
  const units = sign === '-' ? -magnitude : magnitude;
  const scale = fraction.length - exponent;
  return scale >= 0 ? { units, scale } : { units: units * 10n ** BigInt(-scale), scale: 0 };
}

function exact(value: Decimal): Scaled {
  const scaled = scaledOf(value);
  if (!scaled) throw new Error(`not a decimal: ${value}`); // Only a cast could bring one here.
  return scaled;
}

function aligned(a: Decimal, b: Decimal): readonly [a: bigint, b: bigint, scale: number] {
  const [x, y] = [exact(a), exact(b)];
  const scale = Math.max(x.scale, y.scale);
  return [x.units * 10n ** BigInt(scale - x.scale), y.units * 10n ** BigInt(scale - y.scale), scale];
}

export const ZERO = cast('0');

/** Decimals of a price that division made: tokens cost as little as 1e-9. */
export const PRICE_SCALE = 12;

/**
 * The canonical form of `input`, or undefined when it is not a finite decimal ("NaN", "1,5", ""). A number is read by its
 * shortest decimal text, which is what a JSON client meant. Exponents are accepted ("1E-8" is how some clients print).
 */
export function parseDecimal(input: string | number): Decimal | undefined {
  const scaled = scaledOf(typeof input === 'number' ? String(input) : input);
  return scaled && render(scaled);
}

/** Stored money as the API shows it: canonical where it is a decimal; something odd in a row from elsewhere, as it is. */
export const shown = (stored: string): string => parseDecimal(stored) ?? stored;

/** A decimal known when the code is written; throws on anything else. */
export function decimalOf(literal: string): Decimal {
  const value = parseDecimal(literal);
  if (value === undefined) throw new Error(`not a decimal: ${literal}`);
  return value;
}

/** Negative, zero or positive as `a` is less than, equal to or greater than `b`. */
export function compare(a: Decimal, b: Decimal): -1 | 0 | 1 {
  const [x, y] = aligned(a, b);
  return x < y ? -1 : x > y ? 1 : 0;
}

export function isPositive(value: Decimal): boolean {
  return compare(value, ZERO) > 0;
}

export function add(a: Decimal, b: Decimal): Decimal {
  const [x, y, scale] = aligned(a, b);
  return render({ units: x + y, scale });
}

export function subtract(a: Decimal, b: Decimal): Decimal {
  const [x, y, scale] = aligned(a, b);
  return render({ units: x - y, scale });
}

export function negate(value: Decimal): Decimal {
  return subtract(ZERO, value);
}

export function multiply(a: Decimal, b: Decimal): Decimal {
  const [x, y] = [exact(a), exact(b)];
  return render({ units: x.units * y.units, scale: x.scale + y.scale });
}

/** `a / b` to `scale` decimals, half away from zero (the one operation that may round). Throws on division by zero. */
export function divide(a: Decimal, b: Decimal, scale: number): Decimal {
  const [x, y] = aligned(a, b);
  if (y === 0n) throw new RangeError('division by zero');
  const negative = x < 0n !== y < 0n;
  const [top, bottom] = [(x < 0n ? -x : x) * 10n ** BigInt(scale), y < 0n ? -y : y];
  const rounded = (2n * top + bottom) / (2n * bottom);
  return render({ units: negative ? -rounded : rounded, scale });
}

/** How many decimals the value has. */
export const decimalPlaces = (value: Decimal): number => exact(value).scale;

/** The least value with `scale` decimals that is not below `value`. */
export function roundUp(value: Decimal, scale: number): Decimal {
  const { units, scale: given } = exact(value);
  if (given <= scale) return value;
  const step = 10n ** BigInt(given - scale);
  const floor = units / step; // BigInt division truncates toward zero, which for negatives already is up.
  return render({ units: units > 0n && units % step !== 0n ? floor + 1n : floor, scale });
}

/** The largest value with `scale` decimals that is not above `value`, which must not be negative. */
export function roundDown(value: Decimal, scale: number): Decimal {
  const { units, scale: given } = exact(value);
  return given <= scale ? value : render({ units: units / 10n ** BigInt(given - scale), scale });
}

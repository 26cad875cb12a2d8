/** An exact decimal number: a bigint counting units of 10^-18. Floats would make the stand-ins disagree with themselves. */
export type Decimal = bigint;

const PLACES = 18;
const ONE = 10n ** BigInt(PLACES);
/** Plain notation only, as exchanges and databases write amounts; the digit limits bound the work on hostile input. */
const PLAIN = /^(-?)(\d{1,30})(?:\.(\d{1,18}))?$/;

/** The value of `text` in plain decimal notation, or undefined when it is something else (exponents, spaces, words). */
export function parseDecimal(text: string): Decimal | undefined {
  const found = PLAIN.exec(text);
  if (!found) return undefined;
  const [, sign, whole = '', fraction = ''] = found;
  const value = BigInt(whole) * ONE + BigInt(fraction.padEnd(PLACES, '0'));
  return sign ? -value : value;
}

/** As parseDecimal, for text we wrote ourselves: throws a RangeError when it is no number. */
export function decimal(text: string): Decimal {
  const value = parseDecimal(text);
  if (value === undefined) throw new RangeError(`not a plain decimal number: ${JSON.stringify(text)}`);
  return value;
}

/** The shortest plain notation: "65000.25", "0.5", "1". */
export function formatDecimal(value: Decimal): string {
  const digits = (value < 0n ? -value : value).toString().padStart(PLACES + 1, '0');
  const fraction = digits.slice(-PLACES).replace(/0+$/, '');
  return (value < 0n ? '-' : '') + digits.slice(0, -PLACES) + (fraction ? `.${fraction}` : '');
}

/** a * b, cut off after 18 places. */
export function multiply(a: Decimal, b: Decimal): Decimal {
  return (a * b) / ONE;
}

/** a / b, cut off after 18 places; `b` must not be zero. */
export function divide(a: Decimal, b: Decimal): Decimal {
  return (a * ONE) / b;
}

/** `value` with at most `places` decimals, halves away from zero. */
export function roundTo(value: Decimal, places: number): Decimal {
  const unit = 10n ** BigInt(PLACES - places);
  const half = value < 0n ? -unit / 2n : unit / 2n;
  return ((value + half) / unit) * unit;
}

/** `value` cut off after `places`, towards zero for what is not negative. */
export function cut(value: Decimal, places: number): Decimal {
  return value - (value % 10n ** BigInt(PLACES - places));
}

/** Whether `value` needs no more than `places` decimals. */
export function fits(value: Decimal, places: number): boolean {
  return value % 10n ** BigInt(PLACES - places) === 0n;
}

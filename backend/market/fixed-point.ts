// Prices within a book as whole numbers of 10^-scale: exact, and a comparison is one instruction. Text comes in, text goes out.

const ZERO_CODE = 48;
const NINE_CODE = 57;
const POINT_CODE = 46;
/** Beyond it a whole number is not exact as a double. */
const UNITS_MAX = Number.MAX_SAFE_INTEGER;
/** 10^0 to 10^15; a scale beyond that leaves no room for a digit before the point. */
const POWERS = Array.from({ length: 16 }, (_, exponent) => 10 ** exponent);
export const SCALE_MAX = POWERS.length - 1;

export const powerOf = (scale: number): number => POWERS[scale] ?? Number.NaN;

/** Whether it is digits with at most one point, and at least one digit: what an exchange may write, and a hostile one may not. */
export function isPlain(text: string): boolean {
  let digits = 0;
  let points = 0;
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code >= ZERO_CODE && code <= NINE_CODE) digits += 1;
    else if (code === POINT_CODE) points += 1;
    else return false;
  }
  return digits > 0 && points <= 1;
}

/** Whether a plain text is zero, however it is written. */
export function isZero(text: string): boolean {
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code > ZERO_CODE && code <= NINE_CODE) return false;
  }
  return true;
}

/** Decimals that a plain text needs, trailing zeros left out. */
export function scaleOf(text: string): number {
  const point = text.indexOf('.');
  if (point < 0) return 0;
  let end = text.length;
  while (end > point + 1 && text.charCodeAt(end - 1) === ZERO_CODE) end -= 1;
  return end - point - 1;
}

/** A plain text in units of 10^-scale. Undefined when it needs more decimals than that or is too large to be exact. */
export function toUnits(text: string, scale: number): number | undefined {
  let units = 0;
  let decimals = -1;
  for (let i = 0; i < text.length; i++) {
    const digit = text.charCodeAt(i) - ZERO_CODE;
    if (digit === POINT_CODE - ZERO_CODE) decimals = 0;
    else if (decimals < 0) units = units * 10 + digit;
    else if (decimals < scale) {
      units = units * 10 + digit;
      decimals += 1;
    } else if (digit !== 0) return undefined;
  }
  units *= powerOf(scale - Math.max(0, decimals));
  return units <= UNITS_MAX ? units : undefined;
}

/** The shortest plain text: "65000.25", "0.5", "1". */
export function fromUnits(units: number, scale: number): string {
  if (scale === 0) return String(units);
  const digits = String(units).padStart(scale + 1, '0');
  const fraction = digits.slice(-scale).replace(/0+$/, '');
  const whole = digits.slice(0, -scale);
  return fraction === '' ? whole : `${whole}.${fraction}`;
}

// Instants in the formats in which services write them: ISO 8601, the date of HTTP, and seconds, milliseconds,
// microseconds or nanoseconds since 1970.
import { canonicalTimestamp, isSameUtcTimestamp, withoutTrailingZeros } from './canonical.ts';
import { type Decimal, parseDecimal } from './decimal.ts';

/** IMF-fixdate, the one form that a sender may write (RFC 9110 section 5.6.7). */
const HTTP_DATE =
  /^(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun), (\d\d) (Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec) (\d{4}) (\d\d:\d\d:\d\d) GMT$/;
const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'];
const EPOCH = /^(-?)(\d+)(?:\.(\d+))?$/;
/**
 * The unit follows from the size: up to 11 digits are seconds (till the year 5138), up to 14 milliseconds (since March
 * 1973), up to 17 microseconds, up to 20 nanoseconds.
 */
const UNITS: readonly (readonly [digitsMax: number, places: number])[] = [
  [11, 0],
  [14, 3],
  [17, 6],
  [20, 9],
];

/** The one spelling of an instant, in every format: seconds since 1970, and the fraction. Undefined for other texts. */
export function canonicalInstant(text: string): string | undefined {
  return canonicalTimestamp(text) ?? epoch(text) ?? httpDate(text);
}

/** Whether two texts are the same instant; false when one of them is none. */
export function isSameInstant(a: string, b: string): boolean {
  if (isSameUtcTimestamp(a, b)) return true;
  const canonical = canonicalInstant(a);
  return canonical !== undefined && canonical === canonicalInstant(b);
}

/** The instant in seconds since 1970. */
export function parseInstant(text: string): Decimal | undefined {
  const [seconds, fraction = ''] = canonicalInstant(text)?.split('.') ?? [];
  if (seconds === undefined) return undefined;
  const whole = parseDecimal(seconds);
  const part = parseDecimal(`0.${fraction}`);
  if (!whole || !part) return undefined;
  // The fraction is counted upwards from the second before, also before 1970.
  const exponent = Math.min(whole.exponent, part.exponent);
  const scaled = (each: Decimal) => each.units * 10n ** BigInt(each.exponent - exponent);
  return { units: scaled(whole) + scaled(part), exponent };
}

function httpDate(text: string): string | undefined {
  const found = HTTP_DATE.exec(text);
  if (!found) return undefined;
  const [, day, month = '', year, time] = found;
  return canonicalTimestamp(`${year}-${String(MONTHS.indexOf(month) + 1).padStart(2, '0')}-${day}T${time}Z`);
}

function epoch(text: string): string | undefined {
  const [, minus, digits = '', written = ''] = EPOCH.exec(text) ?? [];
  const whole = digits.replace(/^0+(?=\d)/, '');
  const places = minus === undefined ? undefined : UNITS.find(([digitsMax]) => whole.length <= digitsMax)?.[1];
  if (places === undefined) return undefined;
  const padded = whole.padStart(places + 1, '0');
  const at = padded.length - places;
  const fraction = withoutTrailingZeros(padded.slice(at) + written);
  const seconds = BigInt(padded.slice(0, at));
  if (minus === '' || (fraction === '' && seconds === 0n)) return `${seconds}.${fraction}`;
  if (fraction === '') return `${-seconds}.`;
  const rest = String(10n ** BigInt(fraction.length) - BigInt(fraction)).padStart(fraction.length, '0');
  return `${-seconds - 1n}.${rest}`;
}

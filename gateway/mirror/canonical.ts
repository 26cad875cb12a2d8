// One spelling for values that may be spelled in several ways. Exact: no value passes through a floating-point number.

const DECIMAL = /^([+-]?)(\d*)(?:\.(\d*))?(?:[eE]([+-]?\d{1,9}))?$/;

/** The one spelling of a decimal number (`1`, `1.0`, `10e-1` and `+1.` are all `1e0`), or undefined when the text is none. */
export function canonicalDecimal(text: string): string | undefined {
  const found = DECIMAL.exec(text);
  if (!found) return undefined;
  const [, sign, whole = '', fraction = '', exponent = '0'] = found;
  const digits = whole + fraction;
  if (digits === '') return undefined;
  const significant = digits.replace(/^0+/, '');
  if (significant === '') return '0';
  const trimmed = withoutTrailingZeros(significant);
  const scale = Number(exponent) - fraction.length + (significant.length - trimmed.length);
  return `${sign === '-' ? '-' : ''}${trimmed}e${scale}`;
}

/** By a loop: the pattern for it takes quadratic time on many zeros that something follows. */
export function withoutTrailingZeros(digits: string): string {
  let end = digits.length;
  while (end > 0 && digits.charCodeAt(end - 1) === ZERO) end--;
  return digits.slice(0, end);
}

const [ZERO, NINE, DOT, PLUS, MINUS] = [0x30, 0x39, 0x2e, 0x2b, 0x2d] as const;

/** Whether two texts spell the same decimal number; false when one of them is none. */
export function isSameDecimal(a: string, b: string): boolean {
  // What is common: the digits are the same, and one of them has zeros behind the point that the other leaves out.
  let at = 0;
  let digits = 0;
  let points = 0;
  for (; at < a.length && a.charCodeAt(at) === b.charCodeAt(at); at++) {
    const code = a.charCodeAt(at);
    if (code >= ZERO && code <= NINE) digits++;
    else if (code === DOT) points++;
    else if (at > 0 || (code !== PLUS && code !== MINUS)) break;
  }
  if (digits > 0 && points < 2 && isZeroTail(a, at, points) && isZeroTail(b, at, points)) return true;
  const canonical = canonicalDecimal(a);
  return canonical !== undefined && canonical === canonicalDecimal(b);
}

/** Whether nothing follows but zeros behind a point. */
function isZeroTail(text: string, from: number, points: number): boolean {
  let at = from;
  if (points === 0 && at < text.length && text.charCodeAt(at++) !== DOT) return false;
  while (at < text.length) if (text.charCodeAt(at++) !== ZERO) return false;
  return true;
}

const TIMESTAMP =
  /^(\d{4})-(\d\d)-(\d\d)[Tt ](\d\d):(\d\d)(?::(\d\d)(?:[.,](\d+))?)?(?:([Zz])|([+-])(\d\d):?(\d\d)?)?$/;

/**
 * The one spelling of an instant: seconds since 1970 and the fraction, however fine. Without an offset UTC is meant,
 * as the services that leave it out do. Undefined when the text is no ISO 8601 date and time.
 */
export function canonicalTimestamp(text: string): string | undefined {
  const found = TIMESTAMP.exec(text);
  if (!found) return undefined;
  const [
    ,
    year,
    month,
    day,
    hour,
    minute,
    second = '00',
    fraction = '',
    ,
    sign,
    offsetHours = '0',
    offsetMinutes = '0',
  ] = found;
  if (Number(offsetHours) > 23 || Number(offsetMinutes) > 59) return undefined;
  const utc = Date.parse(`${year}-${month}-${day}T${hour}:${minute}:${second}Z`);
  // Date takes the 30th of February for a day in March; what is no date must not equal one.
  if (Number.isNaN(utc) || new Date(utc).getUTCDate() !== Number(day)) return undefined;
  const offsetSeconds = (Number(offsetHours) * 60 + Number(offsetMinutes)) * 60 * (sign === '-' ? -1 : 1);
  return `${utc / 1000 - offsetSeconds}.${withoutTrailingZeros(fraction)}`;
}

const UTC_TIMESTAMP =
  /^(\d{4}-(?:0[1-9]|1[0-2])-(?:0[1-9]|1\d|2[0-8])T(?:[01]\d|2[0-3]):[0-5]\d:[0-5]\d)(?:\.(?=\d)(\d{0,20}?)0{0,20})?(?:Z|[+-]00:00)$/;

/** Whether both are the same instant in UTC, in a spelling that needs no calendar to be read; false says nothing. */
export function isSameUtcTimestamp(a: string, b: string): boolean {
  if (!a.startsWith(b.slice(0, 19))) return false;
  const [left, right] = [UTC_TIMESTAMP.exec(a), UTC_TIMESTAMP.exec(b)];
  return left !== null && right !== null && left[1] === right[1] && (left[2] ?? '') === (right[2] ?? '');
}

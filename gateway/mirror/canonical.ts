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
  const trimmed = significant.replace(/0+$/, '');
  const scale = Number(exponent) - fraction.length + (significant.length - trimmed.length);
  return `${sign === '-' ? '-' : ''}${trimmed}e${scale}`;
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
  return `${utc / 1000 - offsetSeconds}.${fraction.replace(/0+$/, '')}`;
}

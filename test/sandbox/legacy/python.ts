/** A number that Python would hold as a float: it is printed with a point or an exponent even when it is whole. */
export class PyFloat {
  readonly value: number;
  constructor(value: number) {
    this.value = value;
  }
}

/** Python's float(text) of a database numeric; null stays None. Digits beyond a double's 15 to 17 are lost here. */
export function float(text: string): PyFloat;
export function float(text: string | null): PyFloat | null;
export function float(text: string | null): PyFloat | null {
  return text === null ? null : new PyFloat(Number(text));
}

/** JSON as FastAPI writes it: json.dumps with separators (",", ":") and ensure_ascii=False. */
export function pythonJson(value: unknown): string {
  if (value instanceof PyFloat) return floatRepr(value.value);
  if (Array.isArray(value)) return `[${value.map(pythonJson).join(',')}]`;
  if (typeof value === 'object' && value !== null) {
    const members = Object.entries(value).filter(([, member]) => member !== undefined);
    return `{${members.map(([name, member]) => `${JSON.stringify(name)}:${pythonJson(member)}`).join(',')}}`;
  }
  return JSON.stringify(value) ?? 'null';
}

/**
 * repr(float): the shortest digits that read back to the same double, which JavaScript finds too, but with exponents
 * from 1e+16 and below 1e-4 (JavaScript: 1e21 and 1e-6), at least two exponent digits, and ".0" on whole numbers.
 */
export function floatRepr(value: number): string {
  if (!Number.isFinite(value)) throw new RangeError('Out of range float values are not JSON compliant');
  if (Object.is(value, -0)) return '-0.0';
  const [mantissa = '0', exponentText = '0'] = value.toExponential().split('e');
  const exponent = Number(exponentText);
  if (value !== 0 && (exponent < -4 || exponent >= 16)) {
    const digits = String(Math.abs(exponent)).padStart(2, '0');
    return `${mantissa}e${exponent < 0 ? '-' : '+'}${digits}`;
  }
  const text = String(value); // Plain notation: the exponent lies within JavaScript's own limits, except below.
  if (text.includes('e')) return value.toFixed(-exponent + mantissa.replace(/^-?\d\.?/, '').length);
  return text.includes('.') ? text : `${text}.0`;
}

/** datetime.isoformat() of a Postgres timestamptz text in UTC: microseconds only when there are any. */
export function isoformat(postgresText: string): string {
  const [, day, time, fraction] = /^(\S+) (\d\d:\d\d:\d\d)(?:\.(\d+))?\+00$/.exec(postgresText) ?? [];
  if (!day) throw new RangeError(`not a UTC timestamp of Postgres: ${postgresText}`);
  return `${day}T${time}${fraction ? `.${fraction.padEnd(6, '0')}` : ''}+00:00`;
}

/** datetime.now(timezone.utc).isoformat() */
export function nowIso(nowMs: number): string {
  return isoformat(new Date(nowMs).toISOString().replace('T', ' ').replace('.000Z', 'Z').replace('Z', '+00'));
}

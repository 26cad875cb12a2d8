// Postgres's texts as the texts that the store keeps, without loss: no amount becomes a number, no time a Date (which would cut
// microseconds). Sessions are set to UTC and ISO; see SESSION in connect.ts.

/** A column's text as Postgres prints it, or null. */
export type Cell = string | null;
export type Row = Readonly<Record<string, Cell>>;

/** The row cannot be mapped; `message` says which column and why. It becomes a dead letter, never an approximation. */
export class BadValue extends Error {
  override readonly name = 'BadValue';
}

const NUMERIC = /^(-?)0*(\d+?)(?:\.(\d*?)0*)?$/;

/** numeric: digits without superfluous zeros ("1.500" is "1.5"). Refuses NaN and the infinities. */
export function decimalText(row: Row, column: string): string {
  const text = textOf(row, column);
  const match = NUMERIC.exec(text);
  if (!match) throw new BadValue(`${column} is ${clip(text)}, which is no finite decimal`);
  const [, sign = '', whole = '0', fraction = ''] = match;
  const digits = fraction === '' ? whole : `${whole}.${fraction}`;
  return digits === '0' ? digits : sign + digits;
}

const TIMESTAMPTZ = /^(\d{4})-(\d\d)-(\d\d) (\d\d:\d\d:\d\d)(?:\.(\d{1,6}))?\+00$/;

/** timestamptz: ISO 8601 in UTC with six digits, so that text order is time order. Refuses infinity, BC, years above 9999. */
export function timestampText(row: Row, column: string): string {
  const text = textOf(row, column);
  const match = TIMESTAMPTZ.exec(text);
  if (!match) throw new BadValue(`${column} is ${clip(text)}, which is no time from year 0001 to 9999 in UTC`);
  const [, year, month, day, time, fraction = ''] = match;
  return `${year}-${month}-${day}T${time}.${fraction.padEnd(6, '0')}Z`;
}

/** A column that must not be null. */
export function textOf(row: Row, column: string): string {
  const cell = row[column];
  if (cell === null || cell === undefined) throw new BadValue(`${column} is null`);
  return cell;
}

/** `read` where the column is not null. */
export function nullable(read: (row: Row, column: string) => string, row: Row, column: string): Cell {
  return row[column] === null ? null : read(row, column);
}

const CLIP_CHARS = 40;
const clip = (text: string) => JSON.stringify(text.length > CLIP_CHARS ? `${text.slice(0, CLIP_CHARS)}...` : text);

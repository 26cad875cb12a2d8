// Positions in Postgres's write-ahead log: "0/19060610" is 64 bits as two hexadecimal halves (pg_lsn).

const FORM = /^([0-9A-F]{1,8})\/([0-9A-F]{1,8})$/i;

export type Lsn = bigint;

/** @throws on anything but two hexadecimal halves. */
export function parseLsn(text: string): Lsn {
  const match = FORM.exec(text);
  if (!match) throw new Error(`not a log position: ${text}`);
  return (BigInt(`0x${match[1]}`) << 32n) | BigInt(`0x${match[2]}`);
}

export function formatLsn(lsn: Lsn): string {
  return `${(lsn >> 32n).toString(16).toUpperCase()}/${(lsn & 0xffffffffn).toString(16).toUpperCase()}`;
}

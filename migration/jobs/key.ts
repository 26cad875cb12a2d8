// Primary keys of source rows: their order, which is Postgres's, and ranges of them. Pure.

/** The key's columns, as texts, in order. */
export type Key = readonly string[];

/** How a column of a key sorts. Texts sort by their bytes, which is Postgres's order under collation "C". */
export type KeyType = 'uuid' | 'text' | 'int8';
export type KeyColumn = { readonly name: string; readonly type: KeyType };

/** From just above `after` up to and with `upTo`; null is open. */
export type KeyRange = { readonly after: Key | null; readonly upTo: Key | null };

function compareTexts(type: KeyType, a: string, b: string): number {
  switch (type) {
    case 'uuid': // Lower-case hex: as texts, so as bytes.
      return a < b ? -1 : a > b ? 1 : 0;
    case 'text': // Not by UTF-16 units: above U+FFFF they sort otherwise than bytes do.
      return Buffer.compare(Buffer.from(a), Buffer.from(b));
    case 'int8': {
      const [x, y] = [BigInt(a), BigInt(b)];
      return x < y ? -1 : x > y ? 1 : 0;
    }
  }
}

/** Negative, zero or positive, as Postgres compares the rows (a...) and (b...). */
export function compareKeys(columns: readonly KeyColumn[], a: Key, b: Key): number {
  for (const [i, { type }] of columns.entries()) {
    const order = compareTexts(type, a[i] ?? '', b[i] ?? '');
    if (order !== 0) return order;
  }
  return 0;
}

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;
const INT8_END = 2n ** 63n;

/** Whether Postgres takes the key, as it prints such keys: one that was read in an altered item may be anything. */
export function isKey(columns: readonly KeyColumn[], key: Key): boolean {
  return columns.every(({ type }, i) => {
    const text = key[i];
    if (text === undefined) return false;
    if (type === 'uuid') return UUID.test(text);
    if (type === 'text') return !text.includes('\0');
    return /^-?\d{1,19}$/.test(text) && BigInt(text) >= -INT8_END && BigInt(text) < INT8_END;
  });
}

/** The index of the first of `upTos` (ascending, the last one open) that is not below `key`: the range that holds it. */
export function rangeOf(columns: readonly KeyColumn[], upTos: readonly (Key | null)[], key: Key): number {
  let [low, high] = [0, upTos.length - 1];
  while (low < high) {
    const middle = (low + high) >> 1;
    const upTo = upTos[middle] ?? null;
    if (upTo === null || compareKeys(columns, key, upTo) <= 0) high = middle;
    else low = middle + 1;
  }
  return low;
}

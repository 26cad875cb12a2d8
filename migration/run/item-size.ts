// How large DynamoDB reckons an item: names and values in UTF-8 (AWS docs, "Item sizes and formats").
import type { AttributeValue, Item } from '../../backend/store/items.ts';

/** DynamoDB refuses larger items. */
export const ITEM_BYTES_MAX = 400 * 1024;

function valueBytes(value: AttributeValue): number {
  if ('S' in value) return Buffer.byteLength(value.S);
  if ('N' in value) return Math.ceil(value.N.length / 2) + 1;
  if ('M' in value) return 3 + itemBytes(value.M);
  if ('L' in value) return 3 + value.L.reduce((bytes, each) => bytes + 1 + valueBytes(each), 0);
  return 1;
}

export function itemBytes(item: Item): number {
  let bytes = 0;
  for (const [name, value] of Object.entries(item)) bytes += Buffer.byteLength(name) + valueBytes(value);
  return bytes;
}

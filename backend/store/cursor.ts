// The opaque cursor of a list of orders: the last order id seen, which together with the user in the path is the key.
import { type OrderId, parseOrderId } from '../domain/ids.ts';

const PREFIX = '1:'; // The form's version: a cursor kept by a client over an upgrade is refused, not misread.

export function encodeCursor(lastSeen: string): string {
  return Buffer.from(PREFIX + lastSeen).toString('base64url');
}

/** The order id to go on after, or undefined when `cursor` is not one of ours. */
export function decodeCursor(cursor: string): OrderId | undefined {
  if (cursor.length > 100 || !/^[A-Za-z0-9_-]+$/.test(cursor)) return undefined;
  const text = Buffer.from(cursor, 'base64url').toString('utf8');
  return text.startsWith(PREFIX) ? parseOrderId(text.slice(PREFIX.length)) : undefined;
}

// Branded identifiers and how they are made.
import { createHash, randomBytes } from 'node:crypto';

declare const orderId: unique symbol;
/** A lower-case UUID whose first 48 bits are the creation time in ms (RFC 9562 section 5.7), so text order is time order. */
export type OrderId = string & { readonly [orderId]: true };

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;
const COUNTER_MAX = 0xfff;

export function parseOrderId(text: string): OrderId | undefined {
  return UUID.test(text) ? (text as OrderId) : undefined;
}

export type Clock = () => number;

function format(timeMs: number, counter: number, random: Uint8Array): OrderId {
  const time = timeMs.toString(16).padStart(12, '0');
  const tail = Buffer.from(random);
  tail[0] = ((tail[0] ?? 0) & 0x3f) | 0x80; // RFC 9562: variant 10.
  const hex = tail.toString('hex');
  const version = `7${counter.toString(16).padStart(3, '0')}`;
  return `${time.slice(0, 8)}-${time.slice(8)}-${version}-${hex.slice(0, 4)}-${hex.slice(4)}` as OrderId;
}

/**
 * Makes order ids that strictly increase within this process, even when the clock stands still or steps back (the 12 bits
 * after the version count, RFC 9562 section 6.2 method 1), and that no other process makes (62 random bits).
 */
export function createOrderIds(deps: { now: Clock; random?: (bytes: number) => Uint8Array }): () => OrderId {
  const random = deps.random ?? randomBytes;
  let lastMs = -1;
  let counter = 0;
  return function nextOrderId() {
    const nowMs = deps.now();
    if (nowMs > lastMs) {
      lastMs = nowMs;
      counter = 0;
    } else if (counter === COUNTER_MAX) {
      lastMs += 1; // 4,096 ids in one millisecond: borrow from the next one rather than repeat.
      counter = 0;
    } else counter += 1;
    return format(lastMs, counter, random(8));
  };
}

/**
 * The id of the order numbered `index` of something of id `parent`: always the same, so that however often and wherever it is
 * made, it is one order. In text order after its parent and before what was made a second later.
 */
export function childOrderId(parent: OrderId, index: number): OrderId {
  const digest = createHash('sha256').update(`${parent}#${index}`).digest();
  return format(orderIdTimeMs(parent), Math.min(index, COUNTER_MAX), digest.subarray(0, 8));
}

/** When the order of this id was created, ms since 1970. */
export function orderIdTimeMs(id: OrderId): number {
  return Number.parseInt(id.slice(0, 8) + id.slice(9, 13), 16);
}

/**
 * What the exchange knows the order by: the 32 hex digits of the id, exactly the exchange's limit of 32 characters.
 * Derived, not stored apart, so that after a crash the order can be asked for with nothing but its id.
 */
export function clientOrderIdOf(id: OrderId): string {
  return id.replaceAll('-', '');
}

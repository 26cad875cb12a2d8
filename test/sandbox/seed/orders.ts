import { type Decimal, decimal, divide, formatDecimal, multiply, roundTo } from '../decimal.ts';
import { type SimulatedSymbol, SYMBOLS, TAKER_FEE } from '../symbols.ts';
import { createRandom, type Random } from './random.ts';
import { TRADER_COUNT, USER_COUNT, userId } from './users.ts';

export type SeedStatus = 'pending' | 'open' | 'partially_filled' | 'filled' | 'cancelled' | 'error' | 'unknown';

/** One order of the seed. Money is plain decimal text, times are ISO 8601 in UTC with milliseconds. */
export interface SeedOrder {
  readonly order_id: string;
  readonly user_id: string;
  readonly symbol: string;
  readonly side: 'BUY' | 'SELL';
  readonly order_type: 'LIMIT' | 'MARKET';
  readonly quantity: string;
  readonly price: string | null;
  readonly filled_quantity: string;
  readonly average_price: string | null;
  readonly fee: string;
  readonly status: SeedStatus;
  readonly mexc_order_id: string | null;
  readonly client_order_id: string;
  readonly notes: string | null;
  readonly meta: object | null;
  readonly created_at: string;
  readonly updated_at: string;
}

const FIRST_MS = Date.parse('2026-03-01T00:00:00.000Z');
const LAST_MS = Date.parse('2026-11-15T00:00:00.000Z');
/** Every user has so many orders; few users have many more, as everywhere. */
const ORDERS_LEAST = 60;
const ORDERS_MOST_ADDED = 1500;
/** The share of orders created in the same millisecond as the one before: lists have to break ties. */
const TIE_SHARE = 0.003;
const PRICE_PLACES = 8;

/** Text that has broken somebody's migration before. */
const NOTES = [
  'take profit',
  '买入 ☕ am Morgen',
  'überhitzt – wait, “then” buy',
  'نقطة الدخول',
  '👩🏽‍🚀🚀 moon',
  'line one\nline two\ttabbed',
  'back\\slash "quoted" \'single\'',
  'e\u0301 is not é',
  '  spaces around  ',
  '',
];

const SETTLED: readonly SeedStatus[] = statuses({ filled: 72, cancelled: 16, error: 8, open: 3, partially_filled: 1 });
const UNSETTLED: readonly SeedStatus[] = [...SETTLED, 'pending', 'unknown'];

/** All orders of the user of that index (0 to USER_COUNT - 1), oldest first; the same at every call. */
export function ordersOf(index: number): readonly SeedOrder[] {
  const random = createRandom(0xba17a000 + index);
  const count = ORDERS_LEAST + Math.floor(ORDERS_MOST_ADDED / (index + 1));
  const gapMs = (LAST_MS - FIRST_MS) / count;
  const orders: SeedOrder[] = [];
  let atMs = FIRST_MS;
  for (let i = 0; i < count; i++) {
    if (i === 0 || !random.chance(TIE_SHARE))
      atMs = FIRST_MS + Math.floor(gapMs * i) + random.int(0, Math.floor(gapMs) - 1);
    orders.push(order(random, index, atMs));
  }
  return orders;
}

/** Every order of every user. */
export function* allOrders(): Generator<SeedOrder> {
  for (let index = 0; index < USER_COUNT; index++) yield* ordersOf(index);
}

function order(random: Random, index: number, createdMs: number): SeedOrder {
  const rules = random.pick(SYMBOLS);
  const side = random.pick(['BUY', 'SELL'] as const);
  const status = random.pick(index < USER_COUNT - TRADER_COUNT ? SETTLED : UNSETTLED);
  const resting = status === 'open' || status === 'partially_filled';
  const type = resting || random.chance(0.6) ? 'LIMIT' : 'MARKET';
  const price = resting ? restingPrice(random, rules, side) : aroundPrice(random, rules);
  const quantity = quantityFor(random, rules, price);
  const filled = filledOf(random, rules, quantity, status);
  const average = filled === 0n ? undefined : averageOf(random, price);
  const fee =
    average === undefined ? 0n : roundTo(multiply(multiply(filled, average), decimal(TAKER_FEE)), PRICE_PLACES);
  const id = orderId(random, createdMs);
  return {
    order_id: id,
    user_id: userId(index),
    symbol: rules.symbol,
    side,
    order_type: type,
    quantity: formatDecimal(quantity),
    price: type === 'LIMIT' ? formatDecimal(price) : null,
    filled_quantity: formatDecimal(filled),
    average_price: average === undefined ? null : formatDecimal(average),
    fee: formatDecimal(fee),
    status,
    mexc_order_id: status === 'pending' || status === 'error' || status === 'unknown' ? null : random.hex(32),
    client_order_id: `lg${id.replaceAll('-', '').slice(0, 30)}`,
    notes: random.chance(0.15) ? random.pick(NOTES) : null,
    meta: random.chance(0.3)
      ? { source: random.pick(['web', 'bot', 'api']), attempt: random.int(1, 3), tags: ['s1', 'ø'] }
      : null,
    created_at: new Date(createdMs).toISOString(),
    updated_at: new Date(createdMs + updateDelayMs(random, status)).toISOString(),
  };
}

/** The UUIDv7 layout (RFC 9562 section 5.7): 48 bits of time, version, variant, the rest random. */
function orderId(random: Random, createdMs: number): string {
  const time = createdMs.toString(16).padStart(12, '0');
  const variant = random.pick(['8', '9', 'a', 'b']);
  return `${time.slice(0, 8)}-${time.slice(8)}-7${random.hex(3)}-${variant}${random.hex(3)}-${random.hex(12)}`;
}

/** Within a tenth of today's price. */
function aroundPrice(random: Random, rules: SimulatedSymbol): Decimal {
  return roundTo(multiply(decimal(rules.price), decimal(`${random.int(900, 1100) / 1000}`)), rules.pricePlaces);
}

/** On the far side of today's price, so that the exchange leaves the order where it is. */
function restingPrice(random: Random, rules: SimulatedSymbol, side: 'BUY' | 'SELL'): Decimal {
  const thousandths = side === 'BUY' ? random.int(850, 990) : random.int(1010, 1150);
  return roundTo(multiply(decimal(rules.price), decimal(`${thousandths / 1000}`)), rules.pricePlaces);
}

/** Worth between 10 and some 5,000 in the quote asset. */
function quantityFor(random: Random, rules: SimulatedSymbol, price: Decimal): Decimal {
  const worth = decimal(String(random.int(10, 50) * random.pick([1, 10, 100])));
  return roundTo(divide(worth, price), rules.quantityPlaces) || decimal(rules.quantityMin);
}

function filledOf(random: Random, rules: SimulatedSymbol, quantity: Decimal, status: SeedStatus): Decimal {
  if (status === 'filled') return quantity;
  const partial = status === 'partially_filled' || (status === 'cancelled' && random.chance(0.2));
  if (!partial) return 0n;
  const share = roundTo(multiply(quantity, decimal(`${random.int(100, 900) / 1000}`)), rules.quantityPlaces);
  return share;
}

/** Several fills rarely average to a round price. */
function averageOf(random: Random, price: Decimal): Decimal {
  if (random.chance(0.4)) return price;
  return roundTo(multiply(price, decimal(`${random.int(99_900_001, 100_099_999) / 100_000_000}`)), PRICE_PLACES);
}

function updateDelayMs(random: Random, status: SeedStatus): number {
  if (status === 'open' || status === 'pending') return 0;
  return status === 'cancelled' ? random.int(1_000, 3_600_000) : random.int(5, 2_500);
}

function statuses(weights: Partial<Record<SeedStatus, number>>): readonly SeedStatus[] {
  return (Object.entries(weights) as [SeedStatus, number][]).flatMap(([status, weight]) => Array(weight).fill(status));
}

import { parseDecimal } from '../decimal.ts';
import { Problem } from './problem.ts';

/** A checked request for an order. Amounts are plain decimal text. */
export interface OrderInput {
  readonly userId: string;
  readonly symbol: string;
  readonly side: 'BUY' | 'SELL';
  readonly orderType: 'LIMIT' | 'MARKET';
  readonly quantity: string;
  readonly price: string | null;
}

/** Reads the body of POST /api/trade/order; throws a Problem (400) that names what is wrong. */
export function readOrderInput(body: string, headerUserId: string | undefined): OrderInput {
  const given = parseObject(body);
  const userId = readUserId(given.user_id ?? headerUserId);
  const symbol = given.symbol;
  if (typeof symbol !== 'string') throw new Problem(400, 'symbol is required');
  if (!/^[A-Z0-9]{2,32}$/.test(symbol)) throw new Problem(400, 'symbol must be upper-case letters and digits');
  const { side, order_type: orderType } = given;
  if (side !== 'BUY' && side !== 'SELL') throw new Problem(400, 'side must be BUY or SELL');
  if (orderType !== 'LIMIT' && orderType !== 'MARKET') throw new Problem(400, 'order_type must be LIMIT or MARKET');
  const quantity = readAmount('quantity', given.quantity);
  const price = given.price === undefined || given.price === null ? null : readAmount('price', given.price);
  if (orderType === 'LIMIT' && price === null) throw new Problem(400, 'price is required for LIMIT orders');
  return { userId, symbol, side, orderType, quantity, price: orderType === 'LIMIT' ? price : null };
}

/** Checks a user id from a path, a body or a header. */
export function readUserId(given: unknown): string {
  if (typeof given !== 'string') throw new Problem(400, 'user_id is required');
  if (!/^[A-Za-z0-9_.@:-]{1,128}$/.test(given)) {
    throw new Problem(400, 'user_id must be 1 to 128 letters, digits or _ . @ : -');
  }
  return given;
}

function parseObject(body: string): Record<string, unknown> {
  let parsed: unknown;
  try {
    parsed = JSON.parse(body);
  } catch {
    throw new Problem(400, 'the body is not valid JSON');
  }
  if (typeof parsed === 'object' && parsed !== null && !Array.isArray(parsed)) return { ...parsed };
  throw new Problem(400, 'the body must be a JSON object');
}

function readAmount(name: string, given: unknown): string {
  const isText = typeof given === 'string' && given !== '';
  if (!isText && (typeof given !== 'number' || !Number.isFinite(given)))
    throw new Problem(400, `${name} must be a number`);
  // A small or large number prints with an exponent; 18 places are all that an amount may have.
  const text = typeof given === 'number' && String(given).includes('e') ? given.toFixed(18) : String(given);
  const value = parseDecimal(text);
  if (value === undefined && !/^-?\d+(\.\d+)?$/.test(text)) throw new Problem(400, `${name} must be a number`);
  if (value !== undefined && value <= 0n) throw new Problem(400, `${name} must be greater than 0`);
  if (value === undefined || !/^\d{1,20}(\.\d+)?$/.test(text)) throw new Problem(400, `${name} has too many digits`);
  return text;
}

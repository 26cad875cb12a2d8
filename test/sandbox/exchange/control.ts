import * as z from 'zod';
import { decimal, formatDecimal } from '../decimal.ts';
import { SYMBOLS, symbolOf } from '../symbols.ts';
import type { Account } from './account.ts';
import type { Faults } from './faults.ts';

const when = z.enum(['before', 'after']);
const scope = { method: z.string().optional(), path: z.string().optional(), count: z.int().min(1).optional() };
const fault = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('latency'), latencyMs: z.int().min(0).max(60_000), ...scope }),
  z.strictObject({ kind: z.literal('error'), status: z.int().min(500).max(599), when, ...scope }),
  z.strictObject({ kind: z.literal('reset'), when, ...scope }),
  z.strictObject({ kind: z.literal('hang'), when, ...scope }),
  z.strictObject({
    kind: z.literal('rate-limit'),
    retryAfterSeconds: z.int().min(0),
    status: z.literal([429, 418]).optional(),
    ...scope,
  }),
  z.strictObject({ kind: z.literal('partial-fill'), share: z.string().regex(/^(0(\.\d{1,8})?|1)$/), ...scope }),
]);
const price = z.strictObject({
  symbol: z.string().refine((name) => symbolOf(name) !== undefined, 'not a simulated symbol'),
  price: z
    .string()
    .regex(/^\d{1,12}(\.\d{1,8})?$/)
    .refine((text) => /[1-9]/.test(text), 'must be positive'),
});

/**
 * The simulator's own endpoint, which the real exchange has not: POST /__control/faults (a Fault), DELETE
 * /__control/faults, POST /__control/price {symbol, price}, GET /__control/state.
 */
export function answerControl(
  request: { method: string; path: string; body: string },
  account: Account,
  faults: Faults,
): { status: number; body: object } {
  try {
    switch (`${request.method} ${request.path.replace('/__control/', '')}`) {
      case 'POST faults':
        faults.inject(withoutUndefined(fault.parse(JSON.parse(request.body))));
        return { status: 200, body: {} };
      case 'DELETE faults':
        faults.clear();
        return { status: 200, body: {} };
      case 'POST price': {
        const wanted = price.parse(JSON.parse(request.body));
        account.setPrice(wanted.symbol, decimal(wanted.price));
        return { status: 200, body: {} };
      }
      case 'GET state':
        return { status: 200, body: state(account) };
      default:
        return { status: 404, body: { msg: 'no such control' } };
    }
  } catch (error) {
    return { status: 400, body: { msg: error instanceof Error ? error.message : String(error) } };
  }
}

function state(account: Account): object {
  const prices = SYMBOLS.map(({ symbol }) => [symbol, formatDecimal(account.priceOf(symbol))]);
  return { orders: account.orderCount(), open: account.open(undefined).length, prices: Object.fromEntries(prices) };
}

/** zod's optional fields may be present as undefined in its types; ours are either there or not. */
type Exact<T> = T extends unknown ? { [K in keyof T]: Exclude<T[K], undefined> } : never;

function withoutUndefined<T extends object>(value: T): Exact<T> {
  return value as Exact<T>; // JSON has no undefined, so there is nothing to remove but in the type.
}

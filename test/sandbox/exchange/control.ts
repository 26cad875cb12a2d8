import * as z from 'zod';
import { decimal, formatDecimal } from '../decimal.ts';
import { listingScript } from './listings.ts';
import type { ExchangeState } from './state.ts';

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
  z.strictObject({ kind: z.literal('denied'), ...scope }),
  z.strictObject({ kind: z.literal('stale-snapshot'), ...scope }),
  z.strictObject({ kind: z.literal('partial-fill'), share: z.string().regex(/^(0(\.\d{1,8})?|1)$/), ...scope }),
]);
const streamFault = z.strictObject({
  kind: z.enum(['gap', 'duplicate', 'reorder', 'garbage']),
  topic: z.string().optional(),
  count: z.int().min(1).optional(),
});
const price = z.strictObject({
  symbol: z.string(),
  price: z
    .string()
    .regex(/^\d{1,12}(\.\d{1,8})?$/)
    .refine((text) => /[1-9]/.test(text), 'must be positive'),
});
const participants = z.strictObject({
  symbol: z.string(),
  seed: z.int().min(0).default(1),
  steps: z.int().min(0).max(100_000).default(1000),
  /** What they go on doing by themselves; 0: nothing, until asked again. */
  stepsPerS: z.int().min(0).max(10_000).default(0),
});
const skew = z.strictObject({ skewMs: z.int().min(-86_400_000).max(86_400_000) });

/**
 * The simulator's own endpoints, which the real exchange has not: POST /__control/faults (a Fault), DELETE
 * /__control/faults, POST stream-faults (a StreamFault), POST cut (every stream), POST expire-listen-keys, POST price
 * {symbol, price}, POST participants {symbol, seed?, steps?, stepsPerS?} (the house leaves, others trade), POST listing
 * (a ListingScript), POST clock {skewMs}, GET state.
 */
export function answerControl(
  request: { method: string; path: string; body: string },
  state: ExchangeState,
): { status: number; body: object } {
  const given = <Schema extends z.ZodType>(schema: Schema): z.infer<Schema> => schema.parse(JSON.parse(request.body));
  const done = { status: 200, body: {} };
  try {
    switch (`${request.method} ${request.path.replace('/__control/', '')}`) {
      case 'POST faults':
        state.faults.inject(withoutUndefined(given(fault)));
        return done;
      case 'DELETE faults':
        state.faults.clear();
        state.streams.clearFaults();
        return done;
      case 'POST stream-faults':
        state.streams.inject(withoutUndefined(given(streamFault)));
        return done;
      case 'POST cut':
        state.streams.cut();
        return done;
      case 'POST expire-listen-keys':
        state.listenKeys.expireAll();
        return done;
      case 'POST price': {
        const wanted = given(price);
        state.setPrice(wanted.symbol, decimal(wanted.price));
        return done;
      }
      case 'POST participants':
        state.participate(given(participants));
        return done;
      case 'POST listing':
        state.listings.add(given(listingScript));
        return done;
      case 'POST clock':
        state.setSkew(given(skew).skewMs);
        return done;
      case 'GET state':
        return { status: 200, body: view(state) };
      default:
        return { status: 404, body: { msg: 'no such control' } };
    }
  } catch (error) {
    return { status: 400, body: { msg: error instanceof Error ? error.message : String(error) } };
  }
}

function view({ markets, accounts, streams, orderCount }: ExchangeState): object {
  const prices = [...markets.values()].map(({ rules, lastPrice }) => [rules.symbol, formatDecimal(lastPrice())]);
  const open = [...accounts.values()].reduce((sum, account) => sum + account.open(undefined).length, 0);
  const connected = { connections: streams.connectionCount(), subscriptions: streams.subscriptionCount() };
  return { orders: orderCount(), open, prices: Object.fromEntries(prices), ...connected };
}

/** zod's optional fields may be present as undefined in its types; ours are either there or not. */
type Exact<T> = T extends unknown ? { [K in keyof T]: Exclude<T[K], undefined> } : never;

function withoutUndefined<T extends object>(value: T): Exact<T> {
  return value as Exact<T>; // JSON has no undefined, so there is nothing to remove but in the type.
}

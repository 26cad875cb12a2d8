// The endpoints of MEXC spot v3 that are called here: weight, and whether the order-rate limit counts them. Weights are those
// of the exchange's documentation of 2026.
import type { Priority } from './limiter.ts';

type Endpoint = { readonly weight: number; readonly priority: Priority; readonly countsAsOrder: boolean };

const trade = (weight: number): Endpoint => ({ weight, priority: 'trade', countsAsOrder: false });
const data = (weight: number): Endpoint => ({ weight, priority: 'data', countsAsOrder: false });
/** New orders and cancels share a limit of their own. */
const ordering = (weight: number): Endpoint => ({ weight, priority: 'trade', countsAsOrder: true });

export const ENDPOINTS = {
  'GET ping': data(1),
  'GET time': trade(1), // A refused timestamp holds an order up.
  'GET exchangeInfo': data(25),
  'GET depth': data(3),
  'GET klines': data(1),
  'GET ticker/price': data(10),
  'GET ticker/24hr': data(25),
  'POST order': ordering(1),
  'DELETE order': ordering(1),
  'GET order': trade(2),
  'GET myTrades': trade(10),
  'GET account': trade(10), // Some users' orders wait for it.
  'POST userDataStream': data(1),
  'GET userDataStream': data(1),
  'PUT userDataStream': data(1),
  'DELETE userDataStream': data(1),
} as const satisfies Record<string, Endpoint>;

export type EndpointName = keyof typeof ENDPOINTS;
export type Method = 'GET' | 'POST' | 'PUT' | 'DELETE';

/** `GET ticker/price` as its parts. */
export function partsOf(name: EndpointName): { readonly method: Method; readonly path: string } {
  const blank = name.indexOf(' ');
  return { method: name.slice(0, blank) as Method, path: name.slice(blank + 1) }; // The table's keys say so.
}

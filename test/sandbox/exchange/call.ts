import type { Decimal } from '../decimal.ts';
import type { Account } from './account.ts';
import type { ExchangeError } from './errors.ts';
import type { ListenKeys } from './listen-keys.ts';
import type { Market } from './market.ts';

/** What an endpoint works with: the request's parameters and the exchange's state. */
export interface Call {
  readonly params: ReadonlyMap<string, string>;
  readonly markets: ReadonlyMap<string, Market>;
  /** The account that signed; of an open endpoint any. */
  readonly account: Account;
  readonly apiKey: string;
  readonly listenKeys: ListenKeys;
  readonly nowMs: number;
  /** The share of a crossing order that fills; all of it unless a fault says otherwise. */
  readonly share: Decimal | undefined;
  /** Depth answers an old book, by this fault. */
  readonly isStale: boolean;
}

export interface Endpoint {
  readonly signed: boolean;
  /** What it costs of the address's rate limit, as published in 2026. */
  readonly weight: number;
  readonly isOrder: boolean;
  readonly answer: (call: Call) => object | ExchangeError;
}

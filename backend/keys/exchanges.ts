// Each user's own exchange: the account that the user's keys open, on the connection that all share.
import type { Exchange } from '../exchange/exchange.ts';
import { createMexcExchange } from '../exchange/mexc.ts';
import type { MexcConnection } from '../exchange/mexc-connection.ts';
import type { MexcMarket } from '../exchange/mexc-market.ts';
import type { Credentials, ExchangeKeys, Purpose } from './credentials.ts';

export const MEXC = 'mexc';
/** Accounts remembered with their counts of the order rate; the one used longest ago goes first. */
const ACCOUNTS_MAX = 10_000;

export type UserExchange = Omit<Exchange, 'close'>;

export type Exchanges = {
  /** The user's exchange for one purpose, audited; undefined when the user has no keys. Rejects as `Credentials.use` does. */
  readonly of: (userId: string, purpose: Purpose) => Promise<UserExchange | undefined>;
};

export type ExchangesDeps = {
  readonly credentials: Pick<Credentials, 'use'>;
  readonly connection: MexcConnection;
  readonly market: MexcMarket;
  readonly recvWindowMs: number;
};

export function createExchanges({ credentials, connection, market, recvWindowMs }: ExchangesDeps): Exchanges {
  const accounts = new Map<string, { readonly keys: ExchangeKeys; readonly exchange: UserExchange }>();
  return {
    async of(userId, purpose) {
      const keys = await credentials.use({ userId, exchange: MEXC }, purpose);
      if (!keys) return undefined;
      const known = accounts.get(userId);
      const isSame = known?.keys.apiKey === keys.apiKey && known.keys.secretKey === keys.secretKey;
      const exchange = isSame ? known.exchange : createMexcExchange(connection, market, { ...keys, recvWindowMs });
      accounts.delete(userId); // Re-inserting makes the map's order the order of use.
      const oldest = accounts.size >= ACCOUNTS_MAX ? accounts.keys().next().value : undefined;
      if (oldest !== undefined) accounts.delete(oldest);
      accounts.set(userId, { keys, exchange });
      return exchange;
    },
  };
}

// One Exchange for all: what names a user's account goes out with that user's keys, everything else with the service's own.
import type { Exchange, Rejection } from '../exchange/exchange.ts';
import { StoreUnavailable } from '../store/store.ts';
import { CredentialUnreadable } from './credentials.ts';
import type { Exchanges, UserExchange } from './exchanges.ts';

/** Who uses the keys, in the audit trail. */
const ACTOR = 'orders';

/** Why nothing was sent in the user's name. */
const refusal = (detail: string): Rejection => ({ kind: 'rejected', reason: 'unauthorised', code: null, detail });
export const noKeys = refusal('the user has no keys of the exchange any more');

/** As `noKeys`, of keys that could not be had. Throws an error that is about something else. */
export function noKeysBecause(error: unknown): Rejection {
  if (error instanceof StoreUnavailable) return refusal('the user’s keys cannot be read now');
  if (error instanceof CredentialUnreadable) return refusal('the user’s keys cannot be opened');
  throw error;
}

export function exchangeByAccount(own: Exchange, exchanges: Exchanges): Exchange {
  /** The exchange of the account, or why there is none: its keys are gone, or cannot be read now. */
  async function of(account: string | undefined, action: string): Promise<UserExchange | Rejection> {
    if (account === undefined) return own;
    try {
      return (await exchanges.of(account, { actor: ACTOR, action })) ?? noKeys;
    } catch (error) {
      return noKeysBecause(error);
    }
  }

  return {
    ...own,
    async submit(order) {
      const exchange = await of(order.account, 'submit');
      return 'kind' in exchange ? exchange : exchange.submit(order);
    },
    async find(ref) {
      const exchange = await of(ref.account, 'find');
      return 'kind' in exchange ? exchange : exchange.find(ref);
    },
    async balances(account) {
      const exchange = await of(account, 'balances');
      return 'kind' in exchange ? exchange : exchange.balances();
    },
    async cancel(ref) {
      const exchange = await of(ref.account, 'cancel');
      return 'kind' in exchange ? exchange : exchange.cancel(ref);
    },
  };
}

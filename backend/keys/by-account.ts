// One Exchange for all: what names a user's account goes out with that user's keys, everything else with the service's own.
import type { Exchange, Rejection } from '../exchange/exchange.ts';
import { StoreUnavailable } from '../store/store.ts';
import { CredentialUnreadable } from './credentials.ts';
import type { Exchanges, UserExchange } from './exchanges.ts';

/** Who uses the keys, in the audit trail. */
const ACTOR = 'orders';

/** Why nothing was sent in the user's name. */
function noKeys(detail: string): Rejection {
  return { kind: 'rejected', reason: 'unauthorised', code: null, detail };
}

export function exchangeByAccount(own: Exchange, exchanges: Exchanges): Exchange {
  /** The exchange of the account, or why there is none: its keys are gone, or cannot be read now. */
  async function of(account: string | undefined, action: string): Promise<UserExchange | Rejection> {
    if (account === undefined) return own;
    try {
      const found = await exchanges.of(account, { actor: ACTOR, action });
      return found ?? noKeys('the user has no keys of the exchange any more');
    } catch (error) {
      if (error instanceof StoreUnavailable) return noKeys('the user’s keys cannot be read now');
      if (error instanceof CredentialUnreadable) return noKeys('the user’s keys cannot be opened');
      throw error;
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

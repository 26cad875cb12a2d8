// Whether risk lets a user send a transaction. What it does to positions nobody here can tell, so only ACTIVE lets it through.
import type { Denial } from '../../risk/denial.ts';
import type { TradingStates } from '../../risk/trading-state.ts';
import type { Store } from '../../store/store.ts';
import type { SubmissionDeps } from './submissions.ts';

export type PermissionDeps = {
  readonly tradingStates: Pick<TradingStates, 'current' | 'refresh'>;
  readonly store: Pick<Store, 'getAccount'>;
};

/** The strictest of the trading state of all, the kill switches, and the user's own state. Rejects with StoreUnavailable. */
export function createPermission({ tradingStates, store }: PermissionDeps): SubmissionDeps['denied'] {
  return async function denied(userId): Promise<Pick<Denial, 'reason'> | undefined> {
    if (!tradingStates.current()) await tradingStates.refresh();
    const states = [tradingStates.current()?.state ?? 'HALTED', (await store.getAccount(userId))?.state ?? 'ACTIVE'];
    if (states.includes('HALTED')) return { reason: 'TRADING_HALTED' };
    return states.includes('REDUCING') ? { reason: 'TRADING_STATE_REDUCING' } : undefined;
  };
}

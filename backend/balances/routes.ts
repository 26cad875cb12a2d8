// What a user has to trade with, over the API.

import type { Clock } from '../domain/ids.ts';
import { shown } from '../domain/money.ts';
import { isoTime } from '../domain/time.ts';
import { allowed, fail, json, parse, type Route, userId } from '../http.ts';
import type { Balances } from './balances.ts';

export type BalanceRouteDeps = {
  readonly balances: Balances;
  /** Whether the user trades with an account of its own. */
  readonly hasOwnAccount: (userId: string) => Promise<boolean>;
  readonly now: Clock;
};

export function balanceRoutes(route: Route, { balances, hasOwnAccount, now }: BalanceRouteDeps): void {
  route(
    'GET',
    '/api/market/balance',
    async function balance(context, caller) {
      const named = context.req.query('user_id');
      const given = named ?? (caller.identity?.role === 'trader' ? caller.identity.subject : undefined);
      const user = given === undefined ? undefined : parse(userId, given);
      // Without a user it is the service's account, which is nobody's own: whoever may see all users sees it.
      if (user === undefined) allowed(caller.identity?.role === 'viewer' ? undefined : caller.has('operator'));
      else allowed(caller.mayRead(user));
      const account = user !== undefined && (await hasOwnAccount(user)) ? user : undefined;
      const fresh = balances.fresh(account);
      const result = fresh ? ({ kind: 'funds', funds: fresh } as const) : await balances.ask(account);
      if (result.kind !== 'funds') return fail('exchange_refused', `no balances from the exchange: ${result.detail}`);
      const { byAsset, askedAtMs } = result.funds;
      return json({
        account: account === undefined ? 'service' : 'user',
        balances: [...byAsset]
          .sort(([a], [b]) => (a < b ? -1 : 1))
          .map(([asset, { free, locked }]) => ({ asset, free: shown(free), locked: shown(locked) })),
        as_of: isoTime(askedAtMs),
        timestamp: now(),
      });
    },
    { summary: 'What ?user_id=, or the caller, has to trade with: free and locked, by asset' },
  );
}

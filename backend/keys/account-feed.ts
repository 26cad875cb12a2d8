// The private stream of a user's own account, opened with the keys that the user has at the moment.
import type { MexcConnection, SignedCall } from '../exchange/mexc-connection.ts';
import { createUserStream, type UserFeed } from '../exchange/user-stream.ts';
import { noKeys, noKeysBecause } from './by-account.ts';
import type { Credentials } from './credentials.ts';
import { MEXC } from './exchanges.ts';

/** Who uses the keys, and what for, in the audit trail. */
const PURPOSE = { actor: 'streams', action: 'listen' };

export function createAccountFeed(deps: {
  readonly credentials: Pick<Credentials, 'use'>;
  readonly connection: MexcConnection;
  readonly recvWindowMs: number;
  /** Of the exchange's streams. */
  readonly url: string;
  readonly onTrouble: (what: string) => void;
}): (account: string) => UserFeed {
  const { credentials, connection, recvWindowMs, url, onTrouble } = deps;
  return function feedOf(account) {
    const call: SignedCall = async (name, parameters) => {
      try {
        const keys = await credentials.use({ userId: account, exchange: MEXC }, PURPOSE);
        return keys ? connection.account(keys, recvWindowMs)(name, parameters) : noKeys;
      } catch (error) {
        return noKeysBecause(error);
      }
    };
    return (hooks) => createUserStream({ ...hooks, url, call, onTrouble });
  };
}

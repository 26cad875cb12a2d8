// What the exchange tells by itself: of the service's account, and of users' own. Heard by orders and balances; after each time
// that nobody heard, orders are gone through.
import type { Balances } from './balances/balances.ts';
import { createAccountStreams } from './exchange/account-streams.ts';
import type { UserEvent, UserFeed } from './exchange/user-stream.ts';
import type { Credentials } from './keys/credentials.ts';
import { MEXC } from './keys/exchanges.ts';
import { raisedTo } from './metrics.ts';
import type { OrderDeps } from './orders/deps.ts';
import type { OrderListener } from './orders/listening.ts';
import { liveOrders } from './orders/live.ts';
import type { Reconciler } from './orders/reconcile.ts';
import { accountOf, type Settlement } from './orders/settle.ts';
import { isSettled } from './orders/state.ts';
import type { OrderRecord } from './store/items.ts';

export type ToldDeps = Pick<OrderDeps, 'store' | 'metrics' | 'log' | 'now'> & {
  readonly balances: Balances;
  readonly credentials: Credentials | undefined;
  /** Undefined: the exchange tells nothing by itself. */
  readonly userFeed: UserFeed | undefined;
  /** The same of users' own accounts. */
  readonly accountFeed: ((account: string) => UserFeed) | undefined;
};

export type Told = {
  /** Whether what becomes of the order is told. */
  readonly isTold: (order: OrderRecord) => boolean;
  /** An order as it is stored now: while it lives its account is listened to. */
  readonly note: (order: OrderRecord) => void;
  /** Begins to listen to the service's account. */
  readonly start: () => void;
  readonly close: () => Promise<void>;
};

export function createTold(
  deps: ToldDeps,
  to: {
    readonly listener: () => OrderListener;
    readonly reconciler: () => Pick<Reconciler, 'afterUp'>;
    readonly settlement: () => Pick<Settlement, 'follow'>;
  },
): Told {
  const { store, balances, credentials, userFeed, accountFeed, metrics, log, now } = deps;
  const raised = raisedTo(metrics, log);
  let isUp = false;
  let userStream: ReturnType<UserFeed> | undefined;

  function heard(up: boolean): void {
    isUp = up;
    balances.setStreamed(undefined, up);
    metrics.pushedUp.set(up ? 1 : 0);
  }

  function take(account: string | undefined, event: UserEvent): void {
    to.listener().take(event, account);
    if (event.kind === 'balance') balances.take(account, event);
  }

  /** What happened to the account's orders while nobody listened. */
  async function lookThrough(account: string): Promise<void> {
    for (const order of await liveOrders(store, account)) {
      if (accountOf(order).account !== undefined) to.settlement().follow(order);
    }
  }

  const accounts =
    accountFeed &&
    createAccountStreams({
      feedOf: accountFeed,
      keysOf: async (userId) => (await credentials?.describe({ userId, exchange: MEXC }))?.updatedAt,
      onEvent: take,
      onUp(account) {
        balances.setStreamed(account, true);
        lookThrough(account).catch((error: unknown) => raised('orders.lookThrough', error));
      },
      onDown(account, reason) {
        balances.setStreamed(account, false);
        log.info({ userId: account, reason }, 'the private stream of a user’s account is down');
      },
      metrics,
      raised,
      now,
    });

  return {
    isTold(order) {
      const { account } = accountOf(order);
      return account === undefined ? isUp : (accounts?.isUp(account) ?? false);
    },
    note(order) {
      const { account } = accountOf(order);
      if (account !== undefined && !isSettled(order.status)) accounts?.want(account);
    },
    start() {
      userStream = userFeed?.({
        onEvent: (event) => take(undefined, event),
        onUp() {
          heard(true);
          to.reconciler().afterUp();
        },
        onDown(reason) {
          heard(false);
          log.warn({ reason }, 'the exchange’s private stream is down; orders are asked about until it is back');
        },
      });
    },
    close: async () => void (await Promise.all([userStream?.close(), accounts?.close()])),
  };
}

import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { decimalOf, ZERO } from '../../backend/domain/money.ts';
import { emptyAccount } from '../../backend/risk/account.ts';
import type { CalendarRecord } from '../../backend/store/calendar-items.ts';
import type { ExecutionRecord } from '../../backend/store/execution-items.ts';
import type { ItemKey } from '../../backend/store/item-table.ts';
import type { AuditRecord, CredentialRecord, KlineRecord, OrderRecord } from '../../backend/store/items.ts';
import { type OrderSet, SHARDS, shardOf } from '../../backend/store/keys.ts';
import type { SetCursor, Store } from '../../backend/store/store.ts';
import { anOrder, aPosition, aTarget } from '../helpers/records.ts';

/** A store under test and the clock it reads. */
export type StoreSubject = {
  readonly store: Store;
  readonly setClock: (ms: number) => void;
  readonly close: () => Promise<void>;
  /** Whether it counts what is below it only, as a discarding store does. */
  readonly countsBelow?: boolean;
};

const DAY_MS = 86_400_000;
/** The present: a server that deletes what has expired goes by its own clock, whatever the store's says. */
const NOW_MS = Date.now();

async function idsOfSet(store: Store, set: OrderSet, limit: number): Promise<string[]> {
  const ids: string[] = [];
  for (let shard = 0; shard < SHARDS; shard++) {
    let after: SetCursor | undefined;
    do {
      const page = await store.ordersOfSet(set, shard, { limit, ...(after ? { after } : {}) });
      ids.push(...page.orders.map(({ order_id }) => order_id));
      after = page.next ?? undefined;
    } while (after);
  }
  return ids.sort();
}

/** The port's promises, for any implementation. `start` gives an empty store. */
export function storeContract(name: string, start: () => Promise<StoreSubject>): void {
  describe(`store contract: ${name}`, () => {
    let store: Store;
    let subject: StoreSubject;
    let isOverlay = false;
    before(async () => {
      subject = await start();
      subject.setClock(NOW_MS);
      store = subject.store;
      isOverlay = subject.countsBelow ?? false;
    });
    after(() => subject.close());

    test('an order inserted is read back exactly, odd forms of money included', async () => {
      const order = anOrder({
        quantity: '1.500',
        price: '1E-8',
        filled_quantity: '00.5',
        average_price: '65000.123456789012345678901234567890',
        created_at: '2026-01-05T10:00:00.123456Z',
        submission: { status: 'open', code: null, detail: null },
      });
      assert.equal(await store.insertOrder(order), 'stored');
      assert.deepEqual(await store.getOrder(order.user_id, order.order_id), order);
    });

    test('inserting an order that is there leaves it alone', async () => {
      const order = anOrder();
      await store.insertOrder(order);
      assert.equal(await store.insertOrder({ ...order, quantity: '9' }), 'exists');
      assert.deepEqual(await store.getOrder(order.user_id, order.order_id), order);
    });

    test('an order of somebody else, or of no id, is not there', async () => {
      const order = anOrder();
      await store.insertOrder(order);
      assert.equal(await store.getOrder('user-0002', order.order_id), undefined);
      assert.equal(await store.getOrder(order.user_id, 'no such id'), undefined);
    });

    test('replacing asks for the version before; the slower of two writers gets a conflict', async () => {
      const order = anOrder();
      await store.insertOrder(order);
      const [one, two]: OrderRecord[] = [
        { ...order, status: 'cancelled', version: 2 },
        { ...order, status: 'filled', version: 2 },
      ];
      assert.ok(one && two);
      const results = await Promise.all([store.replaceOrder(one), store.replaceOrder(two)]);
      assert.deepEqual(results.toSorted(), ['conflict', 'stored']);
      const winner = results[0] === 'stored' ? one : two;
      assert.deepEqual(await store.getOrder(order.user_id, order.order_id), winner);
      assert.equal(await store.replaceOrder({ ...anOrder(), version: 2 }), 'conflict');
    });

    test('a user’s orders come newest first, page by page, each once, and the last page says so', async () => {
      const user_id = 'user-list';
      const orders = Array.from({ length: 7 }, () => anOrder({ user_id }));
      for (const order of orders) await store.insertOrder(order);
      await store.putPosition(aPosition({ user_id })); // Of the same partition, and no order.
      const seen: string[] = [];
      let after: string | undefined;
      const sizes: number[] = [];
      do {
        const page = await store.listOrders(user_id, { limit: 3, ...(after ? { after } : {}) });
        seen.push(...page.orders.map(({ order_id }) => order_id));
        sizes.push(page.orders.length);
        after = page.lastSeen ?? undefined;
      } while (after);
      assert.deepEqual(sizes, [3, 3, 1]);
      assert.deepEqual(seen, orders.map(({ order_id }) => order_id).toReversed());
      assert.equal((await store.listOrders(user_id, { limit: 7 })).lastSeen, null);
      assert.deepEqual(await store.listOrders('nobody', { limit: 3 }), { orders: [], lastSeen: null });
    });

    test('orders are in the set of their state and move with it', async () => {
      const orders = ['pending', 'unknown', 'open', 'partially_filled', 'filled', 'cancelled', 'error'] as const;
      const records = orders.map((status) => anOrder({ user_id: 'user-sets', status }));
      const owed = anOrder({ user_id: 'user-sets', status: 'filled', filled_quantity: '1', applied_quantity: '0' });
      const before = {
        UNSURE: await idsOfSet(store, 'UNSURE', 50),
        OPEN: await idsOfSet(store, 'OPEN', 50),
        DONE: await idsOfSet(store, 'DONE', 50),
      };
      for (const record of [...records, owed]) await store.insertOrder(record);
      const added = async (set: OrderSet) => (await idsOfSet(store, set, 1)).filter((id) => !before[set].includes(id));
      const ids = records.map(({ order_id }) => order_id);
      assert.deepEqual(await added('UNSURE'), [...ids.slice(0, 2), owed.order_id].sort());
      assert.deepEqual(await added('OPEN'), ids.slice(2, 4));
      assert.deepEqual(await added('DONE'), ids.slice(4));
      const [pending] = records;
      assert.ok(pending);
      await store.replaceOrder({ ...pending, status: 'open', version: 2 });
      assert.deepEqual(await added('OPEN'), [ids[0], ...ids.slice(2, 4)].sort());
    });

    test('positions are inserted once, replaced by version, and listed by symbol', async () => {
      const user_id = 'user-positions';
      const eth = aPosition({
        user_id,
        symbol: 'ETHUSDT',
        applied: { 'order-1': { quantity: '1', quote: '3200.50' } },
      });
      const btc = aPosition({ user_id, quantity: '0.10' });
      assert.equal(await store.putPosition(eth), 'stored');
      assert.equal(await store.putPosition(btc), 'stored');
      assert.equal(await store.putPosition(btc), 'conflict');
      const grown = { ...btc, quantity: '0.2', version: 2 };
      assert.equal(await store.putPosition(grown), 'stored');
      assert.equal(await store.putPosition({ ...btc, quantity: '7', version: 2 }), 'conflict');
      assert.deepEqual(await store.getPosition(user_id, 'BTCUSDT'), grown);
      assert.deepEqual(await store.listPositions(user_id), [grown, eth]);
      assert.deepEqual(await store.listPositions('nobody'), []);
    });

    test('of claims to one key the first holds, for its user only', async () => {
      const claim = { user_id: 'user-claims', key: 'key-1', order_id: 'order-1', request_digest: 'digest-1' };
      assert.deepEqual(await store.claim(claim), claim);
      assert.deepEqual(await store.claim({ ...claim, order_id: 'order-2', request_digest: 'digest-2' }), claim);
      const other = { ...claim, user_id: 'user-other', order_id: 'order-3' };
      assert.deepEqual(await store.claim(other), other);
    });

    test('a settled order and a claim are gone after 90 days, deleted or not; an open order is not', async () => {
      const settled = anOrder({ user_id: 'user-expiry', status: 'filled' });
      const open = anOrder({ user_id: 'user-expiry' });
      const claim = { user_id: 'user-expiry', key: 'k', order_id: 'order-1', request_digest: 'd' };
      await store.insertOrder(settled);
      await store.insertOrder(open);
      await store.claim(claim);
      subject.setClock(NOW_MS + 90 * DAY_MS - 1000);
      assert.equal((await store.listOrders('user-expiry', { limit: 5 })).orders.length, 2);
      subject.setClock(NOW_MS + 90 * DAY_MS);
      assert.deepEqual((await store.listOrders('user-expiry', { limit: 5 })).orders, [open]);
      assert.equal(await store.getOrder('user-expiry', settled.order_id), undefined);
      const again = { ...claim, order_id: 'order-2' };
      assert.deepEqual(await store.claim(again), again);
      subject.setClock(NOW_MS);
    });

    test('fills are appended once, and read in the order of their numbers from any place on', async () => {
      const user_id = 'user-fills';
      const fill = (seq: number) =>
        ({
          kind: 'fill',
          user_id,
          symbol: 'BTCUSDT',
          seq,
          at: '2026-01-05T10:00:00.000Z',
          order_id: 'order-1',
          side: 'BUY',
          quantity: '0.50',
          price: '1',
          fees: { USDT: '0.1', MX: '1' },
          total: { quantity: '1', quote: '1', fee: '0.1' },
        }) as const;
      for (const seq of [2, 10, 1]) assert.equal(await store.appendFill(fill(seq)), 'stored');
      assert.equal(await store.appendFill({ ...fill(2), quantity: '9' }), 'exists');
      assert.deepEqual(await store.getFill(user_id, 'BTCUSDT', 2), fill(2));
      assert.deepEqual(await store.listFills(user_id, 'BTCUSDT', { limit: 5 }), [fill(1), fill(2), fill(10)]);
      assert.deepEqual(await store.listFills(user_id, 'BTCUSDT', { limit: 1, after: 1 }), [fill(2)]);
      assert.deepEqual(await store.listFills(user_id, 'BTC', { limit: 5 }), [], 'another symbol, whose name begins it');
    });

    test('accounts replace by version, and those with reservations are found by shard', async () => {
      const reservation = { symbol: 'BTCUSDT', side: 'BUY', quantity: '1', price: null, unit_value: '0' } as const;
      const reservations = { 'order-1': { ...reservation, at: '2026-01-05T10:00:00.000Z' } };
      const users = ['user-a1', 'user-a2', 'user-a3'];
      const limits = { symbols: ['BTCUSDT'], open_orders_max: 5, price_collar: null };
      const accounts = users.map((user) => ({ ...emptyAccount(user, NOW_MS), limits, reservations, version: 1 }));
      for (const account of accounts) assert.equal(await store.putAccount(account), 'stored');
      const [first] = accounts;
      assert.ok(first);
      assert.equal(await store.putAccount(first), 'conflict');
      assert.deepEqual(await store.getAccount('user-a1'), first);
      const found = async () => {
        const ids: string[] = [];
        for (let shard = 0; shard < SHARDS; shard++) {
          let after: ItemKey | undefined;
          do {
            const page = await store.accountsReserved(shard, { limit: 1, ...(after ? { after } : {}) });
            ids.push(...page.accounts.map(({ user_id }) => user_id));
            after = page.next ?? undefined;
          } while (after);
        }
        return ids.sort();
      };
      assert.deepEqual(await found(), users);
      await store.putAccount({ ...first, reservations: {}, version: 2 });
      assert.deepEqual(await found(), ['user-a2', 'user-a3']);
    });

    test('the trading state is one, and of two who change it one is told', async () => {
      const state = { state: 'HALTED', reason: 'r', by: 'b', at: '2026-01-05T10:00:00.000Z', version: 1 } as const;
      assert.equal(await store.getTradingState(), undefined);
      const results = await Promise.all([store.putTradingState(state), store.putTradingState(state)]);
      assert.deepEqual(results.toSorted(), ['conflict', 'stored']);
      assert.deepEqual(await store.getTradingState(), state);
    });

    test('executions are found by shard while they run, and listed newest first', async () => {
      const execution: ExecutionRecord = {
        execution_id: 'x1',
        user_id: 'user-executions',
        symbol: 'BTCUSDT',
        side: 'BUY',
        quantity: '3',
        price: null,
        plan: { kind: 'twap', slice_quantity: '1', interval_ms: 1000 },
        status: 'running',
        reason: null,
        children_count: 1,
        live: [{ order_id: 'order-1', quantity: '1', at: '2026-01-05T10:00:00.000Z' }],
        filled_quantity: '0',
        refusals: 0,
        not_before: '2026-01-05T10:00:00.000Z',
        created_at: '2026-01-05T10:00:00.000Z',
        updated_at: '2026-01-05T10:00:00.000Z',
        version: 1,
      };
      const running = async () => {
        const pages = Array.from({ length: SHARDS }, (_, shard) => store.executionsRunning(shard, { limit: 9 }));
        return (await Promise.all(pages)).flatMap(({ executions }) => executions.map((each) => each.execution_id));
      };
      for (const execution_id of ['x1', 'x2']) await store.putExecution({ ...execution, execution_id });
      assert.deepEqual(await store.getExecution('user-executions', 'x1'), execution);
      assert.deepEqual((await running()).sort(), ['x1', 'x2']);
      await store.putExecution({ ...execution, status: 'completed', version: 2 });
      assert.deepEqual(await running(), ['x2']);
      const listed = await store.listExecutions('user-executions', { limit: 5 });
      assert.deepEqual(
        listed.map((each) => each.execution_id),
        ['x2', 'x1'],
      );
    });

    test('listings are replaced by version and read in the order of their opening; those from elsewhere come back as they were', async () => {
      const migrated: CalendarRecord = {
        ...{ vcoin_id: 'v1', symbol: 'T1USDT', project_name: '月光 "1"', status: 'sniped' },
        ...{ launch_price: '0.000000000123456789', token_supply: '999999999000000000000000001.5' },
        first_open_time: '2026-06-01T00:00:00.000123Z',
        details: '{"sts": 2, "n": 12345678901234567890.5, "links": [null, "https://example.invalid/✓"]}',
        ...{ created_at: '2026-05-31T00:00:00.123456Z', version: 1 },
      };
      const earlier = { ...migrated, vcoin_id: 'v2', first_open_time: '2026-06-01T00:00:00.000Z', launch_price: null };
      for (const listing of [migrated, earlier]) assert.equal(await store.putListing(listing), 'stored');
      assert.equal(await store.putListing(migrated), 'conflict');
      assert.deepEqual(await store.getListing('v1'), migrated);
      assert.deepEqual(await store.listings(), [earlier, migrated]);
      const later = { ...earlier, first_open_time: '2026-07-01T00:00:00.000Z', version: 2 };
      assert.equal(await store.putListing(later), 'stored');
      assert.deepEqual(await store.listings(), [migrated, later]);
    });

    test('targets are found by shard while there is something to be done, and listed newest first', async () => {
      const target = aTarget({ user_id: 'user-targets', target_id: 't1', status: 'active' });
      const atWork = async () => {
        const pages = Array.from({ length: SHARDS }, (_, shard) => store.targetsAtWork(shard, { limit: 9 }));
        return (await Promise.all(pages)).flatMap(({ targets }) => targets.map((each) => each.target_id)).sort();
      };
      assert.equal(await store.putTarget(target), 'stored');
      assert.equal(await store.putTarget({ ...target, target_id: 't2', status: 'pending' }), 'stored');
      assert.equal(await store.putTarget({ ...target, budget: '9' }), 'conflict');
      assert.deepEqual(await store.getTarget('user-targets', 't1'), target);
      assert.equal(await store.getTarget('somebody', 't1'), undefined);
      assert.deepEqual(await atWork(), ['t1']);
      const exit = { status: 'watching', trigger: null, index: 0, order_id: null, not_before: null } as const;
      const bought = { ...target, status: 'completed', exit: { ...exit, sold: '0', proceeds: '0' } } as const;
      assert.equal(await store.putTarget({ ...bought, version: 2 }), 'stored');
      assert.deepEqual(await atWork(), ['t1'], 'it is to be sold again');
      await store.putTarget({ ...bought, exit: { ...bought.exit, status: 'closed' }, version: 3 });
      assert.deepEqual(await atWork(), []);
      const listed = await store.listTargets('user-targets', { limit: 5 });
      assert.deepEqual(
        listed.map((each) => each.target_id),
        ['t2', 't1'],
      );
    });

    test('what is active is counted: orders that are not settled, positions that are not zero', async () => {
      const before = await store.countActive();
      await store.insertOrder(anOrder());
      await store.insertOrder(anOrder({ status: 'unknown' }));
      await store.insertOrder(anOrder({ status: 'filled' }));
      await store.putPosition(aPosition({ user_id: 'user-count' }));
      await store.putPosition(aPosition({ user_id: 'user-count', symbol: 'ETHUSDT', quantity: '0' }));
      const counted = await store.countActive();
      const grew = [counted.orders - before.orders, counted.positions - before.positions];
      assert.deepEqual(grew, isOverlay ? [0, 0] : [2, 1]);
    });

    test('a live store answers a ping', async () => {
      assert.equal(await store.ping(), undefined);
    });

    const kline = (open_time: number, given: Partial<KlineRecord> = {}): KlineRecord => {
      const prices = {
        open: decimalOf('1'),
        high: decimalOf('2.5'),
        low: decimalOf('0.00000001'),
        close: decimalOf('1.5'),
      };
      const volumes = { volume: decimalOf('1000000000000.5'), quote_volume: ZERO };
      return { symbol: 'BTCUSDT', interval: '1m', open_time, ...prices, ...volumes, ...given };
    };

    test('candles are read by range, oldest first, each series by itself, the last one written of a time', async () => {
      const times = Array.from({ length: 60 }, (_, i) => 1_800_000_000_000 + i * 60_000);
      const first = times[0] ?? 0;
      await store.putKlines(times.toReversed().map((time) => kline(time)));
      await store.putKlines([kline(first, { interval: '5m' }), kline(first, { symbol: 'ETHUSDT' }), kline(9)]);
      await store.putKlines([kline(first, { close: decimalOf('7') })]);
      const range = { fromMs: first, toMs: first + 3 * 60_000, limit: 100 };
      assert.deepEqual(await store.klines('BTCUSDT', '1m', range), [
        kline(first, { close: decimalOf('7') }),
        ...times.slice(1, 4).map((time) => kline(time)),
      ]);
      assert.equal((await store.klines('BTCUSDT', '1m', { ...range, toMs: first * 2, limit: 7 })).length, 7);
      assert.deepEqual(await store.klines('BTCUSDT', '1m', { fromMs: 0, toMs: 10, limit: 5 }), [kline(9)]);
      assert.deepEqual(await store.klines('BTCUSDT', '4h', range), []);
    });

    test('a credential is replaced only by its next version, and found by shard', async () => {
      const credential = (version: number, hint: string): CredentialRecord => ({
        ...{
          user_id: 'key-owner',
          exchange: 'mexc',
          master_key_id: 'k1',
          wrapped_key: 'd3JhcHBlZA==',
          sealed: 'c2VhbGVk',
          hint,
        },
        ...{ created_at: '2026-01-05T10:00:00.000Z', updated_at: '2026-01-05T10:00:00.000Z', version },
      });
      assert.equal(await store.putCredential(credential(1, 'aaaa')), 'stored');
      assert.equal(await store.putCredential(credential(1, 'bbbb')), 'conflict');
      assert.equal(await store.putCredential(credential(3, 'cccc')), 'conflict');
      assert.equal(await store.putCredential(credential(2, 'dddd')), 'stored');
      assert.deepEqual(await store.getCredential('key-owner', 'mexc'), credential(2, 'dddd'));
      assert.equal(await store.getCredential('key-owner', 'elsewhere'), undefined);
      const found = await store.credentialsOfShard(shardOf('key-owner'), { limit: 10 });
      assert.deepEqual(found, { credentials: [credential(2, 'dddd')], next: null });
    });

    test('an audit trail is read newest first', async () => {
      const audit = (id: string, first_at_ms: number): AuditRecord => ({
        ...{
          user_id: 'key-owner',
          id,
          action: 'order',
          actor: 'orders',
          count: 2,
          first_at_ms,
          last_at_ms: first_at_ms + 5,
        },
      });
      const trail = Array.from({ length: 30 }, (_, i) => audit(`a${i}`, 1000 + i));
      await store.putAudits(trail);
      assert.deepEqual(await store.audits('key-owner', 2), [audit('a29', 1029), audit('a28', 1028)]);
      assert.equal((await store.audits('key-owner', 100)).length, 30);
    });
  });
}

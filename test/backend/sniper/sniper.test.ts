import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { decimalOf } from '../../../backend/domain/money.ts';
import type { SnapshotResult } from '../../../backend/exchange/market-feed.ts';
import type { TargetRecord } from '../../../backend/store/sniper-items.ts';
import { type Given, START_MS, testBackend } from '../../helpers/backend.ts';
import { eventually } from '../../helpers/deadline.ts';

const OPENS_MS = START_MS + 60_000;
const SIGNS = {
  coinId: 'c',
  contract: null,
  sts: 2,
  st: 2,
  tt: 4,
  priceScale: 4,
  quantityScale: 1,
  opensAtMs: OPENS_MS,
};

/** One listing, as the web site tells of it, at a price of 0.5. */
function subject(signs: Partial<typeof SIGNS> = {}, given: Given = {}) {
  const symbol = 'NEWUSDT';
  const listed = <T>(entry: T) => ({ kind: 'listed', entries: [entry], drifted: 0, example: null }) as const;
  const announced = { vcoinId: 'c', symbol, projectName: 'New', firstOpenMs: OPENS_MS };
  const world = testBackend({
    ...given,
    listingSource: {
      calendar: async () => listed(announced),
      symbols: async () => listed({ ...SIGNS, ...signs, symbol }),
      close: async () => {},
    },
  });
  const { call, clock, backend, exchange, store, published } = world;
  exchange.setPrice(symbol, '0.5');
  exchange.setRules(symbol, { isTraded: false, pricePlaces: 4, quantityPlaces: 1 });
  const path = (id: string, action = '') => `/api/sniper/targets/user-0001/${id}${action}`;
  async function arm(given: object = {}): Promise<string> {
    const wanted = { user_id: 'user-0001', symbol, mode: 'live', budget: '100', ...given };
    const { status, json } = await call('POST', '/api/sniper/targets', wanted);
    assert.equal(status, 201, JSON.stringify(json));
    const id = String(json.target_id);
    assert.equal((await call('POST', path(id, '/arm'))).json.status, 'active');
    return id;
  }
  const read = async (id: string) => (await call('GET', path(id))).json as TargetRecord;
  /** Looks until the target is as wanted, at a clock that goes on by itself meanwhile. */
  async function comes(id: string, isWanted: (target: TargetRecord) => boolean): Promise<TargetRecord> {
    return eventually(async () => {
      clock.nowMs += 10;
      void backend.execute();
      const target = await read(id);
      return isWanted(target) ? target : undefined;
    }, 'the target to come as far');
  }
  const eventsOf = ({ events }: TargetRecord) => events.map(({ event }) => event);
  return { ...world, arm, read, comes, eventsOf, path, published, store };
}

/** Of a user who was denied for them and has done nothing since. */
const BALANCES_ASKED_EVERY_MS = 5000;

describe('a target', () => {
  test('armed, ready and bought at the opening at what the budget pays for, then sold by its take profit', async () => {
    const { clock, arm, comes, exchange, eventsOf, call, published, store } = subject();
    const id = await arm({ take_profit: '0.1', stop_loss: '0.5' });
    await comes(id, ({ status }) => status === 'ready');
    clock.nowMs = OPENS_MS - 600;
    const bought = await comes(id, ({ status }) => status === 'completed');
    assert.deepEqual(bought.holding, { quantity: '181.8', average_price: '0.5' });
    assert.deepEqual([bought.entry?.price, bought.entry?.index, exchange.orderCount()], ['0.55', 0, 1]);
    assert.equal((await store.listings())[0]?.status, 'sniped');
    exchange.setPrice('NEWUSDT', '0.56');
    exchange.setRules('NEWUSDT', { isTraded: true, quantityPlaces: 1 });
    const sold = await comes(id, ({ exit }) => exit?.status === 'closed');
    assert.deepEqual([sold.exit?.trigger, sold.exit?.sold, exchange.orderCount()], ['take_profit', '181.8', 2]);
    assert.deepEqual(eventsOf(sold), [
      ...['armed', 'ready', 'execution_window_started', 'order_placed', 'order_filled', 'balance_updated'],
      ...['execution_window_ended', 'take_profit_triggered', 'order_placed', 'order_filled', 'balance_updated'],
      'exit_closed',
    ]);
    const { json } = await call('GET', '/api/sniper/statistics/user-0001');
    assert.deepEqual([json.closed, json.won, json.realized], [1, 1, '10.908']);
    const told = published.filter(({ channel }) => channel === 'sniper:user-0001').map(({ message }) => message);
    assert.ok(told.some((message) => message.includes('"status":"executing"')));
  });

  test('10007 and rate limits are tried again, a refusal for anything else is not', async () => {
    const early = { kind: 'rejected', reason: 'unknown_symbol', code: 10_007, detail: 'bad symbol' } as const;
    const slow = { kind: 'rejected', reason: 'rate_limited', code: 429, detail: 'Too Many Requests' } as const;
    const poor = { kind: 'rejected', reason: 'insufficient_balance', code: 30_004, detail: 'Insufficient' } as const;
    for (const [troubles, status, submits] of [
      [[early, slow, early], 'completed', 4],
      [[early, poor], 'failed', 2],
    ] as const) {
      const { clock, arm, comes, exchange } = subject();
      for (const trouble of troubles) exchange.trouble('submit', trouble);
      const id = await arm();
      clock.nowMs = OPENS_MS - 600;
      const ended = await comes(id, (target) => ['completed', 'failed', 'missed'].includes(target.status));
      assert.deepEqual([ended.status, exchange.calls.submit], [status, submits]);
    }
  });

  test('an answer that is lost, then the order is found and not made again; one that never arrived is made again', async () => {
    for (const [trouble, submits] of [
      ['lost', 1],
      ['unknown', 2],
    ] as const) {
      const { clock, arm, comes, exchange } = subject();
      exchange.trouble('submit', trouble);
      const id = await arm();
      clock.nowMs = OPENS_MS - 600;
      const ended = await comes(id, ({ status }) => status === 'completed');
      assert.deepEqual([exchange.orderCount(), exchange.calls.submit], [1, submits]);
      assert.equal(ended.holding?.quantity, '181.8');
    }
  });

  test('a listing that never becomes ready is missed; confidence 0 takes the announced time', async () => {
    const { clock, arm, comes } = subject({ tt: 3 });
    const id = await arm();
    clock.nowMs = OPENS_MS + 4000;
    const missed = await comes(id, ({ status }) => status === 'missed');
    assert.equal(missed.reason, 'its listing did not become ready in time');
    const other = subject({ tt: 3 });
    const bold = await other.arm({ confidence_min: 0 });
    other.clock.nowMs = OPENS_MS - 600;
    await other.comes(bold, ({ status }) => status === 'completed');
  });

  test('on paper it buys and sells without an order; a dry run says what it would have bought', async () => {
    const { clock, arm, comes, exchange } = subject();
    const paper = await arm({ mode: 'paper', stop_loss: '0.2' });
    const dry = await arm({ mode: 'dry-run' });
    clock.nowMs = OPENS_MS - 600;
    const rehearsed = await comes(dry, ({ status }) => status === 'completed');
    assert.deepEqual([rehearsed.reason, rehearsed.holding], ['would have bought 181.8 at 0.55 at most', null]);
    await comes(paper, ({ exit }) => exit?.status === 'watching');
    exchange.setPrice('NEWUSDT', '0.4');
    const sold = await comes(paper, ({ exit }) => exit?.status === 'closed');
    assert.deepEqual([sold.exit?.trigger, sold.exit?.proceeds, exchange.calls.submit], ['stop_loss', '72.72', 0]);
  });

  test('halted by risk, then it fails and nothing is sent', async () => {
    const { clock, arm, comes, exchange, call } = subject();
    const id = await arm();
    await call('PUT', '/api/risk/state', { state: 'HALTED', reason: 'drill' });
    clock.nowMs = OPENS_MS - 600;
    const ended = await comes(id, ({ status }) => status === 'failed');
    assert.deepEqual([ended.reason, exchange.calls.submit], ['denied by risk: TRADING_HALTED', 0]);
  });

  test('its trail tells what the account has free once it has bought; unknown balances hold nothing up', async () => {
    for (const isKnown of [true, false]) {
      const { clock, arm, comes, exchange } = subject();
      exchange.setFree('USDT', '900.5');
      exchange.setFree('NEW', '181.8');
      if (!isKnown) exchange.trouble('balances', 'unknown');
      const id = await arm();
      clock.nowMs = OPENS_MS - 600;
      const { events, entry } = await comes(id, ({ status }) => status === 'completed');
      assert.deepEqual(
        events.slice(3).map(({ event, detail }) => `${event}: ${detail}`),
        [
          `order_placed: BUY 181.8, order ${entry?.order_id}`,
          'order_filled: 181.8 at 0.5',
          ...(isKnown ? ['balance_updated: 181.8 NEW and 900.5 USDT free'] : []),
          'execution_window_ended: bought',
        ],
      );
    }
  });

  test('the ticker names no price, then the first one that the book asks is bought at, and the ticker is left alone', async () => {
    const books: number[] = [];
    const first = { kind: 'snapshot', snapshot: { version: 1, bids: [], asks: [{ price: '0.5', quantity: '9' }] } };
    const none = { kind: 'snapshot', snapshot: { version: 1, bids: [], asks: [] } };
    const world = subject(
      {},
      {
        marketQueries: {
          async snapshot() {
            books.push(world.clock.nowMs);
            return (world.clock.nowMs < OPENS_MS + 400 ? none : first) as SnapshotResult;
          },
          klines: async () => ({ kind: 'unknown', detail: 'not asked here' }),
        },
      },
    );
    const { clock, arm, comes, exchange } = world;
    const silent = { kind: 'rejected', reason: 'unknown_symbol', code: 10_007, detail: 'no price yet' } as const;
    for (let i = 0; i < 100; i++) exchange.trouble('price', silent);
    const id = await arm();
    clock.nowMs = OPENS_MS - 900;
    const bought = await comes(id, ({ status }) => status === 'completed');
    assert.deepEqual([bought.entry?.price, bought.entry?.index, bought.holding?.quantity], ['0.55', 0, '181.8']);
    assert.ok(Date.parse(bought.entry?.not_before ?? '') >= OPENS_MS + 400);
    const spentMs = (books.at(-1) ?? 0) - (books[0] ?? 0);
    assert.ok(books.length <= 1 + spentMs / 50, `${books.length} books in ${spentMs} ms`);
    assert.ok(
      exchange.calls.price <= 1 + Math.ceil(spentMs / 3000),
      `${exchange.calls.price} tickers in ${spentMs} ms`,
    );
  });

  test('nothing offered within the slippage, then its order is told of as placed and cancelled', async () => {
    const { clock, arm, comes, exchange } = subject();
    const id = await arm({ reference_price: '0.4' });
    clock.nowMs = OPENS_MS - 600;
    const { events, entry } = await comes(id, ({ status }) => status === 'failed');
    assert.deepEqual(
      events.slice(3).map(({ event, detail }) => `${event}: ${detail}`),
      [
        `order_placed: BUY 227.2, order ${entry?.order_id}`,
        `order_cancelled: 227.2 of order ${entry?.order_id}`,
        'execution_error: nothing was offered within the slippage',
        'execution_window_ended: nothing was offered within the slippage',
      ],
    );
    assert.equal(exchange.calls.balances, 0);
  });

  test('too little is free for what it costs, then the balance check has blocked it and nothing is sent', async () => {
    const { clock, arm, comes, exchange } = subject({}, { limits: { balance_buffer: decimalOf('0.05') } });
    exchange.setFree('USDT', '100');
    const id = await arm();
    clock.nowMs = OPENS_MS - 600;
    const { events, reason } = await comes(id, ({ status }) => status === 'failed');
    assert.equal(reason, 'denied by risk: NOTIONAL_EXCEEDS_FREE_BALANCE');
    const blocked = events.filter(({ event }) => event === 'balance_check_blocked').map(({ detail }) => detail);
    assert.deepEqual([blocked, exchange.calls.submit], [['104.9895 USDT needed, 100 free'], 0]);
  });

  test('what it bought is not free for its sale, then that is told once, and it is sold when it is', async () => {
    const { clock, arm, comes, exchange, eventsOf } = subject({}, { limits: { balance_buffer: decimalOf('0') } });
    exchange.setFree('USDT', '1000');
    const id = await arm({ take_profit: '0.1' });
    clock.nowMs = OPENS_MS - 600;
    await comes(id, ({ status }) => status === 'completed');
    exchange.setPrice('NEWUSDT', '0.56');
    exchange.setRules('NEWUSDT', { isTraded: true, quantityPlaces: 1 });
    await comes(id, (target) => eventsOf(target).includes('balance_check_blocked'));
    for (let look = 0; look < 2; look++) {
      const asked = exchange.calls.balances;
      clock.nowMs += BALANCES_ASKED_EVERY_MS;
      await comes(id, () => exchange.calls.balances > asked);
    }
    exchange.setFree('NEW', '181.8');
    clock.nowMs += BALANCES_ASKED_EVERY_MS;
    const sold = await comes(id, ({ exit }) => exit?.status === 'closed');
    assert.equal(eventsOf(sold).filter((event) => event === 'balance_check_blocked').length, 1);
    assert.deepEqual([sold.exit?.sold, exchange.orderCount()], ['181.8', 2]);
  });
});

describe('the API', () => {
  test('what is no target, then 400 that says so; somebody else’s, or of no id, is not there; disarmed twice is refused', async () => {
    const { call, arm, path } = subject();
    const wrong = [
      [{ budget: '0' }, 'budget must be greater than 0'],
      [{ stop_loss: '1' }, 'stop_loss must be less than 1: it is a share, 0.1 is ten per cent'],
      [{ mode: 'real' }, 'mode must be live, paper, dry-run'],
      [{ window_ms: 5 }, 'window_ms must be from 500 to 600000'],
    ] as const;
    for (const [given, detail] of wrong) {
      const answer = await call('POST', '/api/sniper/targets', {
        user_id: 'u',
        symbol: 'NEWUSDT',
        budget: '1',
        ...given,
      });
      assert.deepEqual([answer.status, answer.json.detail], [400, detail]);
    }
    const id = await arm();
    assert.equal((await call('GET', `/api/sniper/targets/user-0002/${id}`)).status, 404);
    assert.equal((await call('POST', path(id, '/disarm'))).json.status, 'pending');
    const again = await call('POST', path(id, '/disarm'));
    assert.deepEqual([again.status, again.json.code], [409, 'target_not_changeable']);
  });

  test('a user’s token reaches that user’s targets only', async () => {
    const token = 'token-of-the-bot-0000001';
    const tokens = [{ name: 'bot', role: 'trader', user: 'user-0001', token }] as const;
    const { call } = testBackend({ auth: { jwt: undefined, tokens } });
    const authorization = `Bearer ${token}`;
    const wanted = { symbol: 'NEWUSDT', budget: '1' };
    const create = (user_id: string) => call('POST', '/api/sniper/targets', { ...wanted, user_id }, { authorization });
    const { status, json } = await create('user-0001');
    assert.deepEqual([status, (await create('user-0002')).status], [201, 403]);
    const ofOthers = ['targets/user-0002', `targets/user-0002/${json.target_id}`, 'executions/user-0002'];
    for (const path of [...ofOthers, 'statistics/user-0002']) {
      assert.equal((await call('GET', `/api/sniper/${path}`, undefined, { authorization })).status, 403);
    }
    const arm = `/api/sniper/targets/user-0002/${json.target_id}/arm`;
    assert.equal((await call('POST', arm, {}, { authorization })).status, 403);
    assert.equal((await call('GET', '/api/sniper/calendar')).status, 401);
  });

  test('the calendar has the shape of the system before; patterns show the parts of their scores', async () => {
    const { call, backend } = subject();
    await backend.execute();
    const { json } = await call('GET', '/api/sniper/calendar?status=detected');
    assert.deepEqual(json, {
      count: 1,
      events: [
        {
          ...{ vcoin_id: 'c', symbol: 'NEWUSDT', project_name: 'New', status: 'detected' },
          first_open_time: new Date(OPENS_MS).toISOString(),
          ...{ launch_price: null, token_supply: null },
          details: { sts: 2, st: 2, tt: 4, cd: 'c', ca: null, ps: 4, qs: 1 },
        },
      ],
      server_time: new Date(START_MS).toISOString(),
    });
    const wrong = await call('GET', '/api/sniper/calendar?status=new');
    assert.deepEqual([wrong.status, wrong.json.detail], [400, 'status must be detected or sniped or missed']);
    const patterns = (await call('GET', '/api/sniper/patterns')).json.patterns as Record<string, unknown>[];
    const parts = { base: 50, exact_match: 30, completeness: 20, history: 7.5 };
    assert.deepEqual([patterns[0]?.kind, patterns[0]?.score, patterns[0]?.parts], ['ready_state', 100, parts]);
  });
});

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { cancelOf, journeyOf, type World } from '../../loadtest/k6/journeys.ts';
import { PROFILES, scenariosOf, thresholdsOf } from '../../loadtest/k6/profiles.ts';
import type { Profile, Settings } from '../../loadtest/k6/settings.ts';
import { SYMBOLS } from '../sandbox/symbols.ts';

const settings: Settings = {
  ...{ profile: 'steady', target: 'gateway', url: 'http://127.0.0.1:8080', rate: 20, seconds: 60 },
  ...{ clientsMax: 200, streams: 10, writes: true, cancels: true, p95MaxMs: 250 },
};
const names = Object.keys(PROFILES) as Profile[];
const world: World = {
  orders: [{ user: 'user-0001', id: 'a' }],
  market: SYMBOLS.filter(({ symbol }) => symbol !== 'MXUSDT').map(({ symbol, price }) => ({
    symbol,
    price: Number(price),
  })),
};

describe('the profiles', () => {
  it('send by an open model: arrivals wait for nobody', () => {
    const executors = names.map((profile) => scenariosOf({ ...settings, profile }).journeys?.executor);
    assert.deepEqual(
      executors.filter((executor) => !/arrival-rate$/.test(executor ?? '')),
      [],
    );
  });

  it('keep to the clients that there may be', () => {
    for (const profile of names) {
      const { journeys } = scenariosOf({ ...settings, profile, rate: 1000, clientsMax: 50 });
      assert.ok(journeys && 'maxVUs' in journeys);
      assert.deepEqual([journeys.maxVUs, journeys.preAllocatedVUs], [50, 50]);
    }
  });

  it('bear no failed and no lost request while routes are flipped', () => {
    const { answer_failed, dropped_iterations, flip_failed } = thresholdsOf({ ...settings, profile: 'flip' });
    assert.deepEqual([answer_failed, dropped_iterations, flip_failed], [['rate==0'], ['count==0'], ['rate==0']]);
  });

  it('judge the p95 of each route and side', () => {
    const judged = Object.keys(thresholdsOf(settings)).filter((name) => name.startsWith('answer_ms'));
    assert.equal(judged.length, 12);
    assert.ok(judged.includes('answer_ms{route:trade.order.get,side:new}'));
  });
});

describe('the journeys', () => {
  const routesOf = (writes: boolean) => {
    const counts: Record<string, number> = {};
    for (let n = 0; n < 100; n++) {
      const { route } = journeyOf(n, world, writes);
      counts[route] = (counts[route] ?? 0) + 1;
    }
    return counts;
  };

  it('are mostly looks, a tenth of them trades', () => {
    const mix = { 'market.ticker': 35, 'trade.order.get': 25, 'trade.orders.list': 15, 'positions.list': 15 };
    assert.deepEqual(routesOf(true), { ...mix, 'trade.order.create': 10 });
  });

  it('make no order without leave to write', () => {
    assert.equal(routesOf(false)['trade.order.create'], undefined);
  });

  it('are the same for the same number', () => {
    assert.deepEqual(journeyOf(8, world, true), journeyOf(8, world, true));
  });

  it('order what every market takes: above the least worth, in its decimals', () => {
    for (let n = 0; n < 1000; n++) {
      const { body } = journeyOf(n, world, true);
      if (body === undefined) continue;
      const order: { symbol: string; quantity: string; price: string } = JSON.parse(body);
      const market = SYMBOLS.find(({ symbol }) => symbol === order.symbol);
      assert.ok(market);
      const places = (text: string) => text.split('.')[1]?.length ?? 0;
      assert.ok(places(order.quantity) <= market.quantityPlaces, body);
      assert.ok(places(order.price) <= market.pricePlaces, body);
      assert.ok(Number(order.quantity) * Number(order.price) > 10, body);
    }
  });

  it('cancel an order by its user and id', () => {
    assert.equal(cancelOf('user-0181', 'x').path, '/api/trade/order/user-0181/x');
  });
});

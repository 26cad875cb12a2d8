// Which copies are bracketed: the configured share, and more of a route with noise while few have been.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { createBracketing } from '../../../gateway/mirror/bracketing.ts';
import { compileRoutes, type RouteModel } from '../../../gateway/routing/route.ts';
import { aRoute } from '../../helpers/gateway-config.ts';

const MINUTE_MS = 60_000;

function routeOf(bracketPercent: number, id = 'a.route'): RouteModel {
  const [route] = compileRoutes([aRoute({ id, mirror: { bracketPercent } })]).routes;
  assert.ok(route);
  return route;
}

describe('bracketing', () => {
  const chosen = (times: number, choose: () => boolean) => Array.from({ length: times }, choose).filter(Boolean).length;

  test('chooses the configured share of each route', () => {
    const bracketing = createBracketing(
      () => 0,
      () => true,
    );
    const routes = [routeOf(0, 'a'), routeOf(5, 'b'), routeOf(10, 'c'), routeOf(100, 'd')];
    assert.deepEqual(
      routes.map((route) => chosen(1_000, () => bracketing.choose(route))),
      [0, 50, 100, 1_000],
    );
  });

  test('of a noisy route takes all until there are enough, and again as time passes', () => {
    let nowMs = 0;
    const bracketing = createBracketing(
      () => nowMs,
      () => true,
    );
    const route = routeOf(5);
    bracketing.sawNoise('a.route');
    assert.equal(
      chosen(300, () => bracketing.choose(route)),
      300,
    );
    const rest = chosen(2_000, () => bracketing.choose(route));
    assert.ok(rest >= 100 + 0.05 * 1_800 && rest <= 100 + 0.06 * 2_000, `${rest}`);
    nowMs += 5 * MINUTE_MS;
    assert.ok(chosen(190, () => bracketing.choose(route)) >= 190, 'half of them in half of the time');
  });

  test('goes back to the share an hour after the last noise, and stays at it where a side suffers or it is 0', () => {
    let nowMs = 0;
    let isSpare = false;
    const bracketing = createBracketing(
      () => nowMs,
      () => isSpare,
    );
    for (const id of ['a.route', 'off']) bracketing.sawNoise(id);
    assert.equal(
      chosen(1_000, () => bracketing.choose(routeOf(5))),
      50,
    );
    isSpare = true;
    assert.equal(
      chosen(100, () => bracketing.choose(routeOf(0, 'off'))),
      0,
    );
    nowMs += 61 * MINUTE_MS;
    assert.equal(
      chosen(1_000, () => bracketing.choose(routeOf(5))),
      50,
    );
  });
});

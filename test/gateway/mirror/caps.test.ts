import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { createCaps } from '../../../gateway/mirror/caps.ts';
import { compileRoute } from '../../../gateway/routing/route.ts';
import { aRoute } from '../../helpers/gateway-config.ts';

const routeOf = (id: string, mirror: NonNullable<Parameters<typeof aRoute>[0]>['mirror'] = {}) =>
  compileRoute(aRoute({ id, mirror }));

describe('caps', () => {
  test('no limits, then nothing is refused', () => {
    const caps = createCaps({}, () => 0);
    const route = routeOf('a');
    for (let i = 0; i < 100_000; i++) assert.equal(caps.refuse(route), undefined);
  });

  test('copies a second of all, then no more than that over time, whatever route they are of', () => {
    let now = 0;
    const caps = createCaps({ copiesPerSecondMax: 10 }, () => now);
    const routes = [routeOf('a'), routeOf('b')] as const;
    let copies = 0;
    for (; now < 60_000; now += 5) {
      const refusal = caps.refuse(routes[(now / 5) % 2 === 0 ? 0 : 1]);
      if (refusal === undefined) copies++;
      else assert.equal(refusal, 'copies_per_second');
    }
    assert.ok(copies >= 600 && copies <= 611, `${copies}`);
  });

  test('copies a second of one route, then another is not held up; less than one a second is a limit too', () => {
    let now = 0;
    const caps = createCaps({}, () => now);
    const [slow, free] = [routeOf('slow', { copiesPerSecondMax: 0.5 }), routeOf('free')];
    const copies = { slow: 0, free: 0 };
    for (; now < 60_000; now += 100) {
      if (caps.refuse(slow) === undefined) copies.slow++;
      else assert.equal(caps.refuse(slow), 'route_copies_per_second');
      if (caps.refuse(free) === undefined) copies.free++;
    }
    assert.ok(copies.slow >= 30 && copies.slow <= 32, `${copies.slow}`);
    assert.equal(copies.free, 600);
  });

  test('a copy that asks three times, then it counts three times', () => {
    const caps = createCaps({ copiesPerSecondMax: 3 }, () => 0);
    const route = routeOf('a');
    assert.equal(caps.refuse(route), undefined);
    caps.spendCopy(route);
    caps.spendCopy(route);
    assert.equal(caps.refuse(route), 'copies_per_second');
  });

  test('bytes a second, then what was used too much is paid back before more is sent', () => {
    let now = 0;
    const caps = createCaps({ bytesPerSecondMax: 1_000 }, () => now);
    const route = routeOf('a', { bytesPerSecondMax: 500 });
    assert.equal(caps.refuse(route), undefined);
    caps.spendBytes(route, 3_000);
    assert.equal(caps.refuse(route), 'bytes_per_second');
    now = 2_500;
    assert.equal(caps.refuse(route), 'route_bytes_per_second');
    now = 5_500;
    assert.equal(caps.refuse(route), undefined);
  });
});

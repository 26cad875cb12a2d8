import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { type Decision, decide, UNROUTED_DECISION } from '../../../gateway/routing/decide.ts';
import { compileRoute } from '../../../gateway/routing/route.ts';
import { otherSide, type Side } from '../../../gateway/routing/side.ts';
import { aRoute } from '../../helpers/gateway-config.ts';

const route = compileRoute(aRoute({ id: 'trade.get', group: 'trade' }));

interface Facts {
  readonly all: Side | undefined;
  readonly route: Side | undefined;
  readonly flag: boolean;
  readonly mirror: boolean;
}

function decideBy({ all, route: forced, flag, mirror }: Facts): { decision: Decision; asked: string[] } {
  const asked: string[] = [];
  const decision = decide(
    route,
    'user-1',
    { all, route: (id) => (id === 'trade.get' ? forced : undefined) },
    (name, identity) => {
      asked.push(`${name} ${identity}`);
      return name === 'trade.get' ? flag : mirror;
    },
  );
  return { decision, asked };
}

describe('decide', () => {
  const sides = [undefined, 'legacy', 'new'] as const;
  const flags: readonly (readonly [flag: boolean, mirror: boolean, decision: Decision])[] = [
    [false, false, { side: 'legacy', shadow: undefined, reason: 'flag-off' }],
    [false, true, { side: 'legacy', shadow: 'new', reason: 'flag-off' }],
    [true, false, { side: 'new', shadow: undefined, reason: 'flag-on' }],
    [true, true, { side: 'new', shadow: 'legacy', reason: 'flag-on' }],
  ];
  for (const [flag, mirror, expected] of flags) {
    test(`flag ${flag}, mirror ${mirror}: ${expected.side} serves, ${expected.shadow ?? 'nobody'} gets a copy`, () => {
      const { decision, asked } = decideBy({ all: undefined, route: undefined, flag, mirror });
      assert.deepEqual(decision, expected);
      assert.deepEqual(asked, ['trade.get user-1', 'trade.get.mirror user-1']);
    });
    for (const all of sides) {
      for (const forced of sides) {
        if (!all && !forced) continue;
        const side = all ?? forced;
        const reason = all ? 'override-all' : 'override-route';
        test(`flags ${flag}/${mirror}, all forced to ${all}, the route to ${forced}: ${side}, no copy, no flag read`, () => {
          const { decision, asked } = decideBy({ all, route: forced, flag, mirror });
          assert.deepEqual(decision, { side, shadow: undefined, reason });
          assert.deepEqual(asked, []);
        });
      }
    }
  }

  test('another route is forced, then this one follows its flags', () => {
    const decision = decide(
      route,
      'u',
      { all: undefined, route: (id) => (id === 'other' ? 'new' : undefined) },
      () => false,
    );
    assert.deepEqual(decision, { side: 'legacy', shadow: undefined, reason: 'flag-off' });
  });

  test('no route at all, then legacy, and no copy', () => {
    assert.deepEqual(UNROUTED_DECISION, { side: 'legacy', shadow: undefined, reason: 'unrouted' });
  });

  test('the other side of each side', () => {
    assert.deepEqual([otherSide('legacy'), otherSide('new')], ['new', 'legacy']);
  });
});

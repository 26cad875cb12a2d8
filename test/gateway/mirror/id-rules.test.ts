import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { judge } from '../../../gateway/mirror/compare.ts';
import { createIdMap, type IdMap } from '../../../gateway/mirror/id-map.ts';
import { compileIds } from '../../../gateway/mirror/id-rules.ts';
import { compileRules } from '../../../gateway/mirror/rules.ts';
import { aRoute } from '../../helpers/gateway-config.ts';
import { anObservation } from '../../helpers/observations.ts';

type RouteInput = NonNullable<Parameters<typeof aRoute>[0]>;
type Ids = NonNullable<NonNullable<RouteInput['mirror']>['ids']>;

function knowing(...pairs: readonly (readonly [legacy: string, fresh: string])[]): IdMap {
  const map = createIdMap({ pairsMax: 100, onChange: () => {} });
  for (const [legacy, fresh] of pairs) map.learn({ name: 'order', legacy, new: fresh });
  return map;
}
const rulesFor = (ids: Ids, map: IdMap, path = '/orders/:id') =>
  compileIds(aRoute({ match: { methods: ['*'], path }, mirror: { ids } }), map);

describe('a copy that names a thing by its id', () => {
  const ids: Ids = [
    { name: 'order', param: 'id' },
    { name: 'order', query: 'after', unknown: 'pass' },
  ];
  const rows: readonly (readonly [path: string, translated: string | undefined])[] = [
    ['/orders/A', '/orders/17'],
    ['/orders/A?x=%20&after=B%2F1&y', '/orders/17?x=%20&after=n%20%26b&y'],
    ['/orders/%41?after=A', '/orders/17?after=17'],
    ['/orders/A?after=unknown', '/orders/17?after=unknown'],
    ['/orders/unknown', undefined],
    ['/orders/', undefined],
    ['//orders/A', undefined],
    ['/orders/x/../A', undefined],
    ['/orders/%E0%A4', undefined],
  ];
  for (const [path, translated] of rows) {
    test(`${path} is copied ${translated === undefined ? 'not at all' : `as ${translated}`}`, () => {
      const rules = rulesFor(ids, knowing(['"A"', '17'], ['"B/1"', '"n &b"']));
      assert.equal(rules.translate({ path, headers: [], body: undefined }, 'legacy')?.path, translated);
    });
  }

  test('new serves, then it is translated the other way', () => {
    const rules = rulesFor(ids, knowing(['"A"', '17']));
    assert.equal(rules.translate({ path: '/orders/17', headers: [], body: undefined }, 'new')?.path, '/orders/A');
  });

  test('in a JSON body, then there, exactly as JSON has it, and the length is right', () => {
    const rules = rulesFor(
      [{ name: 'order', body: '$.legs[*].order_id' }],
      knowing(['"A"', '17'], ['"B"', '"n"']),
      '/x',
    );
    const body = Buffer.from('{"legs":[{"order_id":"A","qty":1.10},{"order_id":"B"}],"order_id":"A"}');
    const headers = ['Content-Type', 'application/json', 'Content-Length', `${body.length}`];
    const translated = rules.translate({ path: '/x', headers, body }, 'legacy');
    const expected = '{"legs":[{"order_id":17,"qty":1.10},{"order_id":"n"}],"order_id":"A"}';
    assert.equal(translated?.body?.toString(), expected);
    assert.deepEqual(translated?.headers, ['Content-Type', 'application/json', 'Content-Length', `${expected.length}`]);
    const unknown = Buffer.from('{"legs":[{"order_id":"A"},{"order_id":"C"}]}');
    assert.equal(rules.translate({ path: '/x', headers, body: unknown }, 'legacy'), undefined);
  });

  test('in a body that is no JSON, or compressed, then as it is', () => {
    const rules = rulesFor([{ name: 'order', body: '$.id' }], knowing(), '/x');
    for (const headers of [
      ['Content-Type', 'text/plain'],
      ['Content-Type', 'application/json', 'Content-Encoding', 'gzip'],
      ['Content-Type', 'application/json'],
    ]) {
      const request = { path: '/x', headers, body: Buffer.from('{"id":') };
      assert.deepEqual(rules.translate(request, 'legacy'), request);
    }
  });
});

describe('answers that name a thing by its id', () => {
  const RULES = () => compileRules(aRoute().compare, { today: '2026-01-05', statusClass: 2 });
  async function verdict(ids: Ids, map: IdMap, legacy: unknown, fresh: unknown) {
    const pair = {
      legacy: anObservation('legacy', { body: legacy }),
      new: anObservation('new', { body: fresh }),
      copied: 'new',
    } as const;
    const { outcome, differences } = rulesFor(ids, map).reconcile(await judge(pair, RULES));
    return [outcome, ...differences.map(({ path, rule }) => `${path} ${rule ?? ''}`.trim())];
  }

  test('seen for the first time, then a pair; from then on only that pair is equal', async () => {
    const map = knowing();
    const ids: Ids = [{ name: 'order', path: '$.order_id' }];
    assert.deepEqual(await verdict(ids, map, { order_id: 'A' }, { order_id: 17 }), [
      'ignored',
      '$.order_id mapped: order',
    ]);
    assert.deepEqual(await verdict(ids, map, { order_id: 'A' }, { order_id: 17 }), [
      'ignored',
      '$.order_id mapped: order',
    ]);
    assert.equal(map.size, 1);
    assert.deepEqual(await verdict(ids, map, { order_id: 'A' }, { order_id: 18 }), ['mismatch', '$.order_id']);
    assert.equal(map.size, 0, 'nobody knows any more which is right');
  });

  test('where nothing is learned, then what is known is equal, and a wrong id changes nothing that is known', async () => {
    const map = knowing(['"A"', '17']);
    const ids: Ids = [{ name: 'order', path: '$.orders[*].id', learn: false }];
    const orders = (...list: unknown[]) => ({ orders: list.map((id) => ({ id })) });
    assert.deepEqual(await verdict(ids, map, orders('A'), orders(17)), ['ignored', '$.orders[*].id mapped: order']);
    assert.deepEqual(await verdict(ids, map, orders('A', 'B'), orders(17, 18)), [
      'mismatch',
      '$.orders[*].id mapped: order',
      '$.orders[*].id',
    ]);
    assert.deepEqual(await verdict(ids, map, orders('A'), orders(18)), ['mismatch', '$.orders[*].id']);
    assert.equal(map.size, 1);
  });

  test('another difference beside it counts', async () => {
    const ids: Ids = [{ name: 'order', path: '$.order_id' }];
    assert.deepEqual(await verdict(ids, knowing(), { order_id: 'A', p: 1 }, { order_id: 'B', p: 2 }), [
      'mismatch',
      '$.order_id mapped: order',
      '$.p',
    ]);
  });

  describe('in its Location', () => {
    const ids: Ids = [
      { name: 'order', location: '/users/*/orders/:id' },
      { name: 'user', location: '/users/:id/orders/*' },
    ];
    async function located(map: IdMap, legacy: string, fresh: string, more: Partial<RouteInput['mirror']> = {}) {
      const answer = (side: 'legacy' | 'new', location: string, id: unknown) =>
        anObservation(side, {
          status: 201,
          headers: ['Content-Type', 'application/json', 'Location', location],
          body: { id },
        });
      const pair = { legacy: answer('legacy', legacy, 'A'), new: answer('new', fresh, 17), copied: 'new' } as const;
      const ignored = [{ path: '$.id', reason: 'known', owner: 'trading' }];
      const config = aRoute({ compare: { ignore: ignored }, mirror: { ids, ...more } });
      const rules = () => compileRules(config.compare, { today: '2026-01-05', statusClass: 2 });
      const { outcome, differences } = compileIds(config, map).reconcile(await judge(pair, rules));
      return [outcome, differences.find(({ path }) => path === 'header:location')?.rule];
    }

    test('seen for the first time, then a pair, and from then on only that pair is equal', async () => {
      const map = knowing();
      const at = (id: string) => `http://api.example/users/u/orders/${id}?a=1`;
      assert.deepEqual(await located(map, at('A%2F1'), at('17')), ['ignored', 'mapped: order']);
      assert.equal(map.translate('order', 'A/1', 'new'), '"17"');
      assert.deepEqual(await located(map, at('A%2F1'), at('17')), ['ignored', 'mapped: order']);
      assert.deepEqual(await located(map, at('A%2F1'), at('18')), ['mismatch', undefined]);
      assert.equal(map.size, 0, 'nobody knows any more which is right');
    });

    test('several ids, then each becomes a pair', async () => {
      const map = knowing();
      const found = await located(map, '/users/u/orders/A', '/users/7/orders/17');
      assert.deepEqual(found, ['ignored', 'mapped: order, user']);
      assert.deepEqual([map.translate('order', '17', 'legacy'), map.translate('user', 'u', 'new')], ['"A"', '"7"']);
    });

    test('and something else differs too, then a mismatch, and the pair is learned all the same', async () => {
      const map = knowing();
      const found = await located(map, 'http://old/users/u/orders/A', 'http://new/users/u/orders/17');
      assert.deepEqual([found, map.size], [['mismatch', undefined], 1]);
    });

    test('and in the body as a number, then it stays one', async () => {
      const map = knowing();
      const mapping: Ids = [{ name: 'order', path: '$.id', location: '/orders/:id' }];
      assert.deepEqual(await located(map, '/orders/A', '/orders/17', { ids: mapping }), ['ignored', 'mapped: order']);
      assert.equal(map.translate('order', 'A', 'new'), '17');
    });

    for (const [what, legacy, fresh] of [
      ['another path', '/carts/A', '/carts/17'],
      ['a path on one side only', '/users/u/orders/A', '/carts/17'],
      ['a longer path', '/users/u/orders/A/x', '/users/u/orders/17/x'],
      ['a step of a path', '/users/u/orders/A', '/users/u/orders/..'],
      ['nothing', '/users/u/orders/', '/users/u/orders/17'],
    ] as const) {
      test(`${what}, then nothing is learned, and it is a mismatch`, async () => {
        const map = knowing();
        assert.deepEqual([await located(map, legacy, fresh), map.size], [['mismatch', undefined], 0]);
      });
    }
  });

  test('what is no id is not learned: an object, an empty or very long text, a step of a path', async () => {
    for (const [legacy, fresh] of [
      [{}, 1],
      ['', 'b'],
      ['a'.repeat(200), 'b'],
      ['a', '..'],
      ['a', '.'],
      [null, 'b'],
    ]) {
      const map = knowing();
      const [outcome] = await verdict(
        [{ name: 'order', path: '$.order_id' }],
        map,
        { order_id: legacy },
        { order_id: fresh },
      );
      assert.deepEqual([outcome, map.size], ['mismatch', 0], JSON.stringify([legacy, fresh]));
    }
  });
});

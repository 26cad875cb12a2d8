import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { TrieRouter } from 'hono/router/trie-router';
import { compareSpecificity, compileRoute, compileRoutes } from '../../../gateway/routing/route.ts';
import { aRoute } from '../../helpers/gateway-config.ts';

/** A table of routes given as "METHODS PATH", whose ids are just that. */
function tableOf(specs: readonly string[]) {
  const routes = compileRoutes(
    specs.map((spec, index) => {
      const [methods = '', path = ''] = spec.split(' ');
      return aRoute({ id: `r${index}`, match: { methods: methods.split(','), path } });
    }),
  );
  return (method: string, target: string) => {
    const id = routes.match(method, target)?.id;
    return id === undefined ? undefined : specs[Number(id.slice(1))];
  };
}

describe('a compiled route', () => {
  test('its flags are named after it, and its cohort after its group', () => {
    const { flag, mirrorFlag, groupId } = compileRoute(aRoute({ id: 'trade.get', group: 'trade' }));
    assert.deepEqual(
      { flag, mirrorFlag, groupId },
      { flag: 'trade.get', mirrorFlag: 'trade.get.mirror', groupId: 'trade' },
    );
    assert.equal(compileRoute(aRoute({ id: 'alone' })).groupId, 'alone');
  });

  test('the table finds routes by id', () => {
    const table = compileRoutes([aRoute({ id: 'a' }), aRoute({ id: 'b', match: { methods: ['GET'], path: '/b' } })]);
    assert.equal(table.byId('b')?.config.match.path, '/b');
    assert.equal(table.byId('c'), undefined);
    assert.deepEqual(
      table.routes.map(({ id }) => id),
      ['a', 'b'],
    );
  });
});

describe('specificity', () => {
  /** Each row: the routes, in both orders; the request; the one that wins. */
  const rows: readonly (readonly [specs: readonly string[], request: string, winner: string | undefined])[] = [
    [['GET /a/b', 'GET /a/:id'], 'GET /a/b', 'GET /a/b'],
    [['GET /a/b', 'GET /a/:id'], 'GET /a/c', 'GET /a/:id'],
    [['GET /a/:id{[0-9]+}', 'GET /a/:id'], 'GET /a/12', 'GET /a/:id{[0-9]+}'],
    [['GET /a/:id{[0-9]+}', 'GET /a/:id'], 'GET /a/x', 'GET /a/:id'],
    [['GET /a/:id', 'GET /a/*'], 'GET /a/x', 'GET /a/:id'],
    [['GET /a/:id', 'GET /a/*'], 'GET /a/x/y', 'GET /a/*'],
    [['GET /a/*', 'GET /*'], 'GET /a/x', 'GET /a/*'],
    [['GET /a/*', 'GET /*'], 'GET /b', 'GET /*'],
    [['GET /a', 'GET /a/*'], 'GET /a', 'GET /a'],
    [['GET /a', 'GET /a/*'], 'GET /a/b', 'GET /a/*'],
    [['GET /a', 'GET /a/:id?'], 'GET /a', 'GET /a'],
    [['GET /a/image', 'GET /a/image*'], 'GET /a/image', 'GET /a/image'],
    [['GET /a/image*', 'GET /a/:name'], 'GET /a/image-1', 'GET /a/image*'],
    [['GET /', 'GET /*'], 'GET /', 'GET /'],
    [['GET /x/*', 'GET /:a/b/c'], 'GET /x/b/c', 'GET /x/*'],
    [['GET /a/:x/c', 'GET /a/:x/:y'], 'GET /a/b/c', 'GET /a/:x/c'],
    [['GET /a/b', '* /a/b'], 'GET /a/b', 'GET /a/b'],
    [['GET /a/b', '* /a/b'], 'POST /a/b', '* /a/b'],
    [['* /a/b', 'GET /a/:id'], 'GET /a/b', '* /a/b'],
    [['GET /a/b', 'POST /a/:id'], 'POST /a/b', 'POST /a/:id'],
    [['GET /a/b', 'POST /c'], 'DELETE /a/b', undefined],
    [['GET /a/b', 'POST /c'], 'GET /nowhere', undefined],
    [['GET,DELETE /a', 'POST /a'], 'DELETE /a', 'GET,DELETE /a'],
  ];
  for (const [specs, request, winner] of rows) {
    test(`${specs.join(' | ')}: ${request} goes to ${winner ?? 'nobody'}, in whatever order they stand`, () => {
      const [method = '', target = ''] = request.split(' ');
      assert.equal(tableOf(specs)(method, target), winner);
      assert.equal(tableOf(specs.toReversed())(method, target), winner);
    });
  }

  test('equally specific, then the first of the file', () => {
    assert.equal(tableOf(['GET /a/:x', 'GET /a/:y'])('GET', '/a/1'), 'GET /a/:x');
    assert.equal(tableOf(['GET /a/:y', 'GET /a/:x'])('GET', '/a/1'), 'GET /a/:y');
  });

  test('the order is one: antisymmetric and transitive', () => {
    const segments = fc.constantFrom('a', 'b', ':x', ':x{[0-9]+}', '*', 'a*');
    const paths = fc.array(segments, { maxLength: 4 }).map((parts) => `/${parts.join('/')}`);
    fc.assert(
      fc.property(paths, paths, paths, (a, b, c) => {
        assert.equal(Math.sign(compareSpecificity(a, b)) + Math.sign(compareSpecificity(b, a)), 0);
        if (compareSpecificity(a, b) <= 0 && compareSpecificity(b, c) <= 0) assert.ok(compareSpecificity(a, c) <= 0);
      }),
      { numRuns: 500 },
    );
  });
});

describe('HEAD', () => {
  test('no route names it, then it follows GET', () => {
    assert.equal(tableOf(['GET /a', 'POST /a'])('HEAD', '/a'), 'GET /a');
  });
  test('a route names it, then that one', () => {
    assert.equal(tableOf(['GET /a', 'HEAD /a'])('HEAD', '/a'), 'HEAD /a');
    assert.equal(tableOf(['HEAD /a', 'GET /a'])('GET', '/a'), 'GET /a');
  });
  test('a route for every method stands behind, then it still follows GET', () => {
    assert.equal(tableOf(['* /*', 'GET /a'])('HEAD', '/a'), 'GET /a');
    assert.equal(tableOf(['* /a', 'GET /a'])('HEAD', '/a'), 'GET /a');
    assert.equal(tableOf(['* /*', 'GET /a'])('HEAD', '/b'), '* /*');
  });
  test('only another method is named, then nobody', () => {
    assert.equal(tableOf(['POST /a'])('HEAD', '/a'), undefined);
  });
  test('OPTIONS follows nobody', () => {
    assert.equal(tableOf(['GET /a'])('OPTIONS', '/a'), undefined);
  });
});

describe('spellings of a path', () => {
  const match = tableOf(['GET /api/trade/order/:id', 'GET /api/files/*']);
  const order = 'GET /api/trade/order/:id';
  const same: readonly string[] = [
    '/api/trade/order/7',
    '/api/trade/order/7?x=/other',
    '/api/tr%61de/order/7',
    '/api/tr%61de/%6Frder/7',
    '/api/./trade/order/7',
    '/api/trade/../trade/order/7',
    '/api/trade/%2e%2e/trade/order/7',
    '/api/trade/.%2E/trade/order/7',
    '/x/../api/trade/order/7',
    '/../api/trade/order/7',
    '//api/trade/order/7',
    '/api//trade///order/7',
    '/api/trade/order/7#fragment',
    'http://gateway/api/trade/order/7',
    'HTTPS://gateway:8080/api/trade/order/7?q',
    'http://gateway//api/%2e/trade/order/7',
  ];
  for (const target of same) {
    test(`${target} does not slip past its route`, () => {
      assert.equal(match('GET', target), order);
    });
  }

  const others: readonly string[] = [
    '/api/trade/order',
    '/api/trade/order/',
    '/api/trade/order/7/8',
    '/API/trade/order/7',
    '/api%2Ftrade/order/7',
    '/api/trade%2Forder/7',
    '/api/%74rade/order/7/..',
    '/api/trade/order/7/../../x',
    '/api/trade/order%3F/7',
    '*',
    'gateway:443',
    '',
  ];
  for (const target of others) {
    test(`${JSON.stringify(target)} is another path, and unrouted`, () => {
      assert.equal(match('GET', target), undefined);
    });
  }

  test('an encoded slash is data of its segment', () => {
    assert.equal(match('GET', '/api/trade/order/a%2Fb'), order);
    assert.equal(match('GET', '/api/files/a%2f..%2fb'), 'GET /api/files/*');
  });

  test('names of object members as segments find nothing', () => {
    for (const name of ['__proto__', 'constructor', 'toString']) {
      assert.equal(match('GET', `/${name}`), undefined);
      assert.equal(match('GET', `/api/trade/order/${name}`), order);
    }
  });
});

test('any table finds what a trie of its paths finds, the most specific first', () => {
  const segment = fc.constantFrom('a', 'b', ':x', ':n{[0-9]+}', '*');
  const path = fc.array(segment, { minLength: 1, maxLength: 3 }).map((segments) => `/${segments.join('/')}`);
  const asked = fc.array(fc.constantFrom('a', 'b', 'c', '7'), { maxLength: 4 }).map((parts) => `/${parts.join('/')}`);
  fc.assert(
    fc.property(fc.uniqueArray(path, { minLength: 1, maxLength: 6 }), fc.array(asked), (paths, targets) => {
      const trie = new TrieRouter<string>();
      for (const each of [...paths].sort(compareSpecificity)) trie.add('GET', each, each);
      const match = tableOf(paths.map((each) => `GET ${each}`));
      for (const target of targets) {
        const found = trie.match('GET', target)[0][0]?.[0];
        assert.equal(match('GET', target), found && `GET ${found}`);
      }
    }),
    { numRuns: 300 },
  );
});

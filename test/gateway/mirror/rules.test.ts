import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { CompareConfig } from '../../../config/gateway-schema.ts';
import { child, member, type Place } from '../../../gateway/mirror/path.ts';
import { compileRules, createRuleBook, type RuleScope } from '../../../gateway/mirror/rules.ts';
import { aCompareConfig, aRoute, REVIEWED } from '../../helpers/gateway-config.ts';

const TODAY = '2026-01-05';
const compile = (config: CompareConfig, scope: Partial<RuleScope> = {}) =>
  compileRules(config, { today: TODAY, statusClass: 2, ...scope });
const at = (...names: (string | null)[]): Place =>
  names.reduce<Place>((place, name) => (name === null ? member(place) : child(place, name)), undefined);

describe('what rules say of a place', () => {
  const rules = compile(
    aCompareConfig({
      headers: ['Content-Type', 'X-Total'],
      ignore: [
        { path: '$.server_time', ...REVIEWED },
        { path: '$.debug', ...REVIEWED },
        { path: 'header:X-Total', ...REVIEWED },
        { path: 'status', ...REVIEWED },
      ],
      normalise: [{ path: '$.orders[*].price', as: 'number', ...REVIEWED }],
      arrays: [
        { path: '$.orders', key: 'order_id', ...REVIEWED },
        { path: '$.tags', unordered: true, ...REVIEWED },
      ],
      critical: ['$.orders[*].price', '$.balance', 'status', 'header:content-type'],
    }),
  );

  test('nothing, then everything counts', () => {
    assert.deepEqual(compile(aCompareConfig()).at(at('a')), {
      ignored: undefined,
      normalise: undefined,
      array: undefined,
      critical: false,
      criticalBelow: false,
    });
  });

  test('an ignored place, then so is all below it, under the name of its rule', () => {
    assert.equal(rules.at(at('server_time')).ignored, '$.server_time');
    assert.equal(rules.at(at('debug', 'a', null, 'b')).ignored, '$.debug');
    assert.equal(rules.at(at('x', 'debug')).ignored, undefined);
    assert.equal(rules.at(undefined).ignored, undefined);
  });

  test('a normalised or arranged place, then that place only', () => {
    assert.equal(rules.at(at('orders', null, 'price')).normalise, 'number');
    assert.equal(rules.at(at('orders', null, 'price', 'x')).normalise, undefined);
    assert.deepEqual(rules.at(at('orders')).array, { key: 'order_id', unordered: false });
    assert.deepEqual(rules.at(at('tags')).array, { key: undefined, unordered: true });
    assert.equal(rules.at(at('tags', null)).array, undefined);
  });

  test('a critical place, then what is below it is critical, and what is above it loses it when it goes', () => {
    assert.equal(rules.at(at('orders', null, 'price')).critical, true);
    assert.equal(rules.at(at('balance', 'free')).critical, true);
    assert.deepEqual(pick(rules.at(at('orders'))), { critical: false, criticalBelow: true });
    assert.deepEqual(pick(rules.at(at('orders', null))), { critical: false, criticalBelow: true });
    assert.deepEqual(pick(rules.at(undefined)), { critical: false, criticalBelow: true });
    assert.deepEqual(pick(rules.at(at('tags'))), { critical: false, criticalBelow: false });
    assert.deepEqual(pick(rules.at(at('orders', null, 'fee'))), { critical: false, criticalBelow: false });
  });

  test('status and headers have their own, whatever case the rule was written in', () => {
    assert.deepEqual(rules.headers, ['content-type', 'x-total']);
    assert.deepEqual(rules.status, { ignored: 'status', critical: true });
    assert.deepEqual(rules.header('x-total'), { ignored: 'header:X-Total', critical: false });
    assert.deepEqual(rules.header('content-type'), { ignored: undefined, critical: true });
  });

  test('a path that no configuration lets through, then it says so', () => {
    assert.throws(
      () => compile({ ...aCompareConfig(), critical: ['nonsense'] }),
      /not a path that can be compared: nonsense/,
    );
  });

  test('endless member names, then still the same answers, first and last', () => {
    for (let i = 0; i < 5_000; i++) assert.equal(rules.at(at('debug', `name-${i}`)).ignored, '$.debug');
    assert.equal(rules.at(at('debug', 'name-4999')).ignored, '$.debug');
    assert.equal(rules.at(at('other')).ignored, undefined);
  });

  function pick({ critical, criticalBelow }: ReturnType<typeof rules.at>) {
    return { critical, criticalBelow };
  }
});

describe('when a rule holds', () => {
  const config = aCompareConfig({
    ignore: [
      { path: '$.until', expires: '2026-01-05', ...REVIEWED },
      { path: '$.expired', expires: '2026-01-04', ...REVIEWED },
      { path: '$.errors', status: '4xx', ...REVIEWED },
      { path: '$.type', status: '4xx', ...REVIEWED },
      { path: '$.type', ...REVIEWED, expires: '2026-01-04' },
    ],
    normalise: [{ path: '$.n', as: 'number', status: '2xx', ...REVIEWED }],
    arrays: [{ path: '$.a', unordered: true, expires: '2025-12-31', ...REVIEWED }],
  });

  test('its last day, then it still holds; the day after, no more', () => {
    const rules = compile(config);
    assert.equal(rules.at(at('until')).ignored, '$.until');
    assert.equal(rules.at(at('expired')).ignored, undefined);
    assert.equal(rules.at(at('a')).array, undefined);
    assert.equal(compile(config, { today: '2026-01-06' }).at(at('until')).ignored, undefined);
    assert.deepEqual(compile(config, { today: '2025-12-31' }).at(at('a')).array, { key: undefined, unordered: true });
  });

  test('bound to a class of status, then it holds where both answers are of it', () => {
    assert.equal(compile(config, { statusClass: 4 }).at(at('errors')).ignored, '$.errors');
    assert.equal(compile(config, { statusClass: 2 }).at(at('errors')).ignored, undefined);
    assert.equal(compile(config, { statusClass: undefined }).at(at('errors')).ignored, undefined);
    assert.equal(compile(config, { statusClass: 2 }).at(at('n')).normalise, 'number');
    assert.equal(compile(config, { statusClass: 4 }).at(at('n')).normalise, undefined);
  });

  test('the same path twice, one expired, then the other decides', () => {
    assert.equal(compile(config, { statusClass: 4 }).at(at('type')).ignored, '$.type');
    assert.equal(compile(config, { statusClass: 2 }).at(at('type')).ignored, undefined);
  });
});

describe('the rule book', () => {
  const rule = { path: '$.a', expires: '2026-01-05', ...REVIEWED };
  const route = { id: 'a', config: aRoute({ id: 'a', compare: { ignore: [rule] } }) };
  const other = { id: 'b', config: aRoute({ id: 'b' }) };

  test('the day turns (UTC), then an expired rule ends by itself', () => {
    let now = new Date('2026-01-05T23:59:59.999Z');
    const rulesOf = createRuleBook(() => now);
    assert.equal(rulesOf(route)(2).at(at('a')).ignored, '$.a');
    now = new Date('2026-01-06T00:00:00.000Z');
    assert.equal(rulesOf(route)(2).at(at('a')).ignored, undefined);
  });

  test('the same route, class and day, then compiled once; anything else, then apart', () => {
    const rulesOf = createRuleBook(() => new Date('2026-01-05T12:00:00Z'));
    assert.equal(rulesOf(route)(2), rulesOf(route)(2));
    assert.notEqual(rulesOf(route)(2), rulesOf(route)(4));
    assert.notEqual(rulesOf(route)(2), rulesOf(route)(undefined));
    assert.equal(rulesOf(other)(2).at(at('a')).ignored, undefined);
  });
});

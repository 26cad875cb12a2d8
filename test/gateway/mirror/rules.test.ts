import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { CompareConfig } from '../../../config/gateway-schema.ts';
import { type CompiledRules, compileRules, createRuleBook, type RuleScope } from '../../../gateway/mirror/rules.ts';
import type { PlaceRules } from '../../../gateway/mirror/spot.ts';
import { aCompareConfig, aRoute, REVIEWED } from '../../helpers/gateway-config.ts';

const TODAY = '2026-01-05';
const compile = (config: CompareConfig, scope: Partial<RuleScope> = {}) =>
  compileRules(config, { today: TODAY, statusClass: 2, ...scope });
/** What the rules say of a place: names, and `null` for any member of an array. */
const at = (rules: CompiledRules, ...names: (string | null)[]): PlaceRules =>
  names.reduce((spot, name) => (name === null ? spot.member(null) : spot.child(name, null)), rules.root).rules;

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
    assert.deepEqual(at(compile(aCompareConfig()), 'a'), {
      ignored: undefined,
      normalise: undefined,
      nullAsAbsent: false,
      tolerate: undefined,
      enums: undefined,
      array: undefined,
      critical: false,
      criticalBelow: false,
      fuzzy: false,
    });
  });

  test('an ignored place, then so is all below it, under the name of its rule', () => {
    assert.equal(at(rules, 'server_time').ignored, '$.server_time');
    assert.equal(at(rules, 'debug', 'a', null, 'b').ignored, '$.debug');
    assert.equal(at(rules, 'x', 'debug').ignored, undefined);
    assert.equal(at(rules).ignored, undefined);
  });

  test('a normalised or arranged place, then that place only', () => {
    assert.equal(at(rules, 'orders', null, 'price').normalise, 'number');
    assert.equal(at(rules, 'orders', null, 'price', 'x').normalise, undefined);
    assert.deepEqual(at(rules, 'orders').array, { key: 'order_id', unordered: false });
    assert.deepEqual(at(rules, 'tags').array, { key: undefined, unordered: true });
    assert.equal(at(rules, 'tags', null).array, undefined);
  });

  test('a critical place, then what is below it is critical, and what is above it loses it when it goes', () => {
    assert.equal(at(rules, 'orders', null, 'price').critical, true);
    assert.equal(at(rules, 'balance', 'free').critical, true);
    assert.deepEqual(pick(at(rules, 'orders')), { critical: false, criticalBelow: true });
    assert.deepEqual(pick(at(rules, 'orders', null)), { critical: false, criticalBelow: true });
    assert.deepEqual(pick(at(rules)), { critical: false, criticalBelow: true });
    assert.deepEqual(pick(at(rules, 'tags')), { critical: false, criticalBelow: false });
    assert.deepEqual(pick(at(rules, 'orders', null, 'fee')), { critical: false, criticalBelow: false });
  });

  test('status and headers have their own, whatever case the rule was written in', () => {
    assert.deepEqual(rules.headers, ['content-type', 'x-total']);
    const brief = ({ ignored, critical }: PlaceRules) => ({ ignored, critical });
    assert.deepEqual(brief(rules.status), { ignored: 'status', critical: true });
    assert.deepEqual(brief(rules.header('x-total')), { ignored: 'header:X-Total', critical: false });
    assert.deepEqual(brief(rules.header('content-type')), { ignored: undefined, critical: true });
  });

  test('a path that no configuration lets through, then it says so', () => {
    assert.throws(
      () => compile({ ...aCompareConfig(), critical: ['nonsense'] }),
      /expected "status", "header:NAME", "body:line\[\*\]" or a path/,
    );
  });

  function pick({ critical, criticalBelow }: PlaceRules) {
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
    assert.equal(at(rules, 'until').ignored, '$.until');
    assert.equal(at(rules, 'expired').ignored, undefined);
    assert.equal(at(rules, 'a').array, undefined);
    assert.equal(at(compile(config, { today: '2026-01-06' }), 'until').ignored, undefined);
    assert.deepEqual(at(compile(config, { today: '2025-12-31' }), 'a').array, { key: undefined, unordered: true });
  });

  test('bound to a class of status, then it holds where both answers are of it', () => {
    assert.equal(at(compile(config, { statusClass: 4 }), 'errors').ignored, '$.errors');
    assert.equal(at(compile(config, { statusClass: 2 }), 'errors').ignored, undefined);
    assert.equal(at(compile(config, { statusClass: undefined }), 'errors').ignored, undefined);
    assert.equal(at(compile(config, { statusClass: 2 }), 'n').normalise, 'number');
    assert.equal(at(compile(config, { statusClass: 4 }), 'n').normalise, undefined);
  });

  test('the same path twice, one expired, then the other decides', () => {
    assert.equal(at(compile(config, { statusClass: 4 }), 'type').ignored, '$.type');
    assert.equal(at(compile(config, { statusClass: 2 }), 'type').ignored, undefined);
  });
});

describe('the rule book', () => {
  const rule = { path: '$.a', expires: '2026-01-05', ...REVIEWED };
  const route = { id: 'a', config: aRoute({ id: 'a', compare: { ignore: [rule] } }) };
  const other = { id: 'b', config: aRoute({ id: 'b' }) };

  test('the day turns (UTC), then an expired rule ends by itself', () => {
    let now = new Date('2026-01-05T23:59:59.999Z');
    const rulesOf = createRuleBook(() => now);
    assert.equal(at(rulesOf(route.config.compare)(2), 'a').ignored, '$.a');
    now = new Date('2026-01-06T00:00:00.000Z');
    assert.equal(at(rulesOf(route.config.compare)(2), 'a').ignored, undefined);
  });

  test('the same route, class and day, then compiled once; anything else, then apart', () => {
    const rulesOf = createRuleBook(() => new Date('2026-01-05T12:00:00Z'));
    assert.equal(rulesOf(route.config.compare)(2), rulesOf(route.config.compare)(2));
    assert.notEqual(rulesOf(route.config.compare)(2), rulesOf(route.config.compare)(4));
    assert.notEqual(rulesOf(route.config.compare)(2), rulesOf(route.config.compare)(undefined));
    assert.equal(at(rulesOf(other.config.compare)(2), 'a').ignored, undefined);
  });
});

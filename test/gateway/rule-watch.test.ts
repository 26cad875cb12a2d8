import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { createMetrics } from '../../gateway/metrics.ts';
import type { StandingRule } from '../../gateway/rule-list.ts';
import { watchRules } from '../../gateway/rule-watch.ts';

function aRule(change: Partial<StandingRule>): StandingRule {
  return {
    ...{ id: 'a1', route: 'orders.get', kind: 'ignore', source: 'config', rule: { path: '$.fee' } },
    ...{ reason: 'known', owner: 'trading', expires: '2026-01-04', permanent: null },
    ...{ createdBy: null, createdAt: null, state: 'active', daysLeft: 1 },
    ...change,
  };
}

/** A watch over rules that a test changes, and what it has logged and measured. */
function watching(rules: StandingRule[]) {
  const logged: unknown[] = [];
  const metrics = createMetrics();
  const log = { warn: (fields: { rule: string }) => void logged.push(fields.rule) };
  const watch = watchRules({ list: () => rules, metrics, log });
  const measured = async () => {
    const { values } = await metrics.rules.get();
    return values.map(({ labels, value }) => [labels.route, labels.state, value]);
  };
  return { watch, logged, measured };
}

describe('the watch over rules', () => {
  it('looks by itself, and logs the end of each rule once', (t) => {
    t.mock.timers.enable({ apis: ['setInterval'] });
    const rules = [aRule({}), aRule({ id: 'b2' })];
    const { watch, logged } = watching(rules);
    t.mock.timers.tick(60_000);
    assert.deepEqual(logged, []);
    rules[0] = aRule({ state: 'expired' });
    t.mock.timers.tick(60_000);
    t.mock.timers.tick(60_000);
    assert.deepEqual(logged, ['a1']);
    rules[1] = aRule({ id: 'b2', state: 'expired' });
    t.mock.timers.tick(60_000);
    assert.deepEqual(logged, ['a1', 'b2']);
    watch.close();
    rules.push(aRule({ id: 'c3', state: 'expired' }));
    t.mock.timers.tick(600_000);
    assert.deepEqual(logged, ['a1', 'b2'], 'closed, it looks no more');
  });

  it('counts rules by route and state, and forgets those that are gone', async () => {
    const rules = [aRule({}), aRule({ id: 'b2' }), aRule({ id: 'c3', route: 'other', state: 'expires_soon' })];
    const { watch, measured } = watching(rules);
    watch.check();
    assert.deepEqual(await measured(), [
      ['orders.get', 'active', 2],
      ['other', 'expires_soon', 1],
    ]);
    rules.splice(0, 2);
    watch.check();
    assert.deepEqual(await measured(), [['other', 'expires_soon', 1]]);
    watch.close();
  });
});

// Flags that somebody has written by hand, and wrongly.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createEvaluator, FeatureSource } from '../../../gateway/rollout/evaluator.ts';
import { parseFeatureFile } from '../../../gateway/rollout/feature.ts';

test('a constraint without its values: the flag is off, and requests of its route do not fail', () => {
  const parameters = { rollout: '100', stickiness: 'userId', groupId: 'g' };
  const constraints = [{ contextName: 'userId', operator: 'IN' }];
  const strategies = [{ name: 'flexibleRollout', parameters, constraints }];
  const source = new FeatureSource();
  source.replace(parseFeatureFile(JSON.stringify({ features: [{ name: 'orders', enabled: true, strategies }] })));
  const isEnabled = createEvaluator(source, { appName: 'test' });
  assert.equal(isEnabled('orders', 'anybody'), false);
});

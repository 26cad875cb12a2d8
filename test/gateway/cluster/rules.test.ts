// Rules that operators make, where workers compare.
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { eventually } from '../../helpers/deadline.ts';
import { askFresh, type Sides, startSides, startWorkers, type WorkersGateway } from './start-workers.ts';

const copied = (extra: object = {}) => ({
  id: 'copied',
  initialStage: 'shadow',
  match: { methods: ['*'], path: '/*' },
  compare: { headers: ['x-served-by'] },
  ...extra,
});
const RULE = {
  route: 'copied',
  kind: 'ignore',
  path: 'header:x-served-by',
  reason: 'each side names itself',
  owner: 'core',
  permanent: 'it always will',
};

describe('a rule that an operator makes, with two workers,', () => {
  let sides: Sides;
  let gateway: WorkersGateway;
  before(async () => {
    sides = await startSides();
    gateway = await startWorkers({ workers: 2, sides, routes: [copied()] });
  });
  after(async () => {
    await gateway.close();
    await sides.close();
  });

  let eligible = 0;
  /** The outcomes once `count` more requests are judged. */
  async function compare(count: number) {
    await askFresh(gateway.url, '/x', count, 5);
    eligible += count;
    return eventually(async () => {
      const { body } = await gateway.api('GET', '/api/routes/copied/comparisons');
      return body.eligible === eligible && body.pending === 0 && body.outcomes;
    }, `${eligible} judged requests`);
  }

  it('is in force on both once it is answered, stays so when the configuration changes, and ends on both', async () => {
    assert.equal((await compare(40)).mismatch, 40);
    const preview = await gateway.api('POST', '/api/rules/preview', RULE);
    assert.deepEqual([preview.body.hidden, preview.body.of], [40, 40]);
    const { status, body } = await gateway.api('POST', '/api/rules', RULE);
    assert.deepEqual([status, body.acknowledged], [201, { workers: 2, of: 2 }]);
    const ruled = await compare(40);
    assert.deepEqual([ruled.mismatch, ruled.ignored], [40, 40]);

    gateway.writeConfig([copied({ timeoutMs: 4_000 })]);
    await eventually(async () => {
      const { settings } = (await gateway.api('GET', '/api/routes/copied')).body;
      return settings.timeoutMs === 4_000;
    }, 'the configuration to be followed');
    assert.equal((await compare(40)).ignored, 80);

    const removed = await gateway.api('DELETE', `/api/rules/${body.id}`, { reason: 'over' });
    assert.deepEqual(removed.body.acknowledged, { workers: 2, of: 2 });
    assert.equal((await compare(40)).mismatch, 80);
    const { entries } = (await gateway.api('GET', '/api/audit?route=copied&limit=4')).body;
    assert.deepEqual(
      entries.map(({ action }: { action: string }) => action),
      ['acknowledge', 'remove_rule', 'acknowledge', 'add_rule'],
    );
  });
});

import assert from 'node:assert/strict';
import { it } from 'node:test';
import { backoffMs } from '../../../gateway/cluster/fleet.ts';

it('workers that keep ending young are replaced ever later, up to a limit', () => {
  assert.deepEqual(
    [0, 1, 2, 3, 7, 8, 1_000].map((endedYoung) => backoffMs(endedYoung)),
    [50, 50, 100, 200, 3_200, 5_000, 5_000],
  );
});

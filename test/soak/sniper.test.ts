import assert from 'node:assert/strict';
import { test } from 'node:test';
import { soakSniper } from './sniper-soak.ts';

test('two instances, the one that executes killed with -9 at the opening: the order lands within the window, exactly once', async () => {
  const lines: string[] = [];
  const say = (line: string) => void lines.push(line);
  const result = await soakSniper({ rounds: 3, seed: 7, say }).catch((error: unknown) => {
    throw new Error(lines.join('\n'), { cause: error });
  });
  assert.equal(result.landedMs.length, 3);
});

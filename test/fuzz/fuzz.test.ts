// A short run of the fuzzer by a fixed seed; `npm run fuzz` runs for as long as it is told, by seeds of its own.
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { type FuzzTarget, fuzz } from './fuzz.ts';
import { openTargets } from './targets.ts';

const SEED = 20_260_105;
const ROUNDS = 300;

describe('what reads the bytes of others', () => {
  let targets: readonly FuzzTarget[] = [];
  before(async () => {
    targets = await openTargets();
  });
  after(async () => {
    for (const target of targets) await target.close?.();
  });

  it('keeps its promises, whatever it is given', async () => {
    const { runs, findings } = await fuzz(targets, { seed: SEED, goesOn: (rounds) => rounds < ROUNDS });
    assert.deepEqual(
      findings.map(({ target, input, error }) => `${target}: ${error.message}: ${input.toString('base64')}`),
      [],
    );
    for (const { name } of targets) assert.ok((runs.get(name) ?? 0) > 5, `${name} was hardly run`);
  });

  it('is found out where it does not', async () => {
    const target: FuzzTarget = {
      name: 'broken',
      seeds: ['abcdef'],
      run: (input) => assert.ok(!input.includes('aa'), 'two of them'),
    };
    const { findings } = await fuzz([target], { seed: SEED, goesOn: (rounds) => rounds < 2_000 });
    assert.deepEqual(
      findings.map(({ error }) => error.message),
      ['two of them'],
    );
    assert.ok(findings[0]?.input.includes('aa'));
  });
});

// The simulator finds nothing wrong with the engine, and finds each fault that is put in on purpose.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { type Faults, simulate } from './simulator.ts';

/** More with SIMULATED_RUNS: `SIMULATED_RUNS=100000 npm test -- test/migration/simulator.test.ts`. */
const RUNS = Number(process.env.SIMULATED_RUNS ?? 150);
/** Runs within which each fault must show. */
const RUNS_TO_FIND = 1_000;

test('whatever order things happen in, the target is the mapped source in the end', async () => {
  for (let seed = 1; seed <= RUNS; seed++) {
    await simulate(seed).catch((error) => assert.fail(`seed ${seed}: ${error.stack}`));
  }
});

describe('the simulator finds', () => {
  const faults: Readonly<Record<string, Faults>> = {
    'a log position used as a watermark': { watermark: true },
    'changes acknowledged when they are received': { ackOnReceive: true },
    'deletes without tombstones': { noTombstone: true },
    'large values that were left alone becoming null': { toastNull: true },
    'transaction ids of 32 bits': { narrowXid: true },
    'writes without a condition': { unconditional: true },
    'a chunk read again being judged by its last snapshot': { lastSnapshot: true },
  };
  for (const [name, fault] of Object.entries(faults)) {
    test(name, async (t) => {
      for (let seed = 1; seed <= RUNS_TO_FIND; seed++) {
        const found: unknown = await simulate(seed, fault).catch((error: unknown) => error);
        if (found === undefined) continue;
        assert.ok(found instanceof assert.AssertionError, String(found)); // The fault, not a mistake of the simulator.
        return t.diagnostic(`found with seed ${seed}`);
      }
      assert.fail(`not found in ${RUNS_TO_FIND} runs`);
    });
  }
});

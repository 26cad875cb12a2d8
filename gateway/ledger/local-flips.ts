// Flips of a gateway that shares its ledger with nobody: in memory, since it starts with what it stored.
import { FLIPS_MAX, type Flip, type FlipStore, type FlipsKnown } from './flip-store.ts';

export function createLocalFlips(nowMs: () => number): FlipStore {
  let flips: readonly Flip[] = []; // FLIPS_MAX at most.
  let version = 0;
  return {
    async begin(flip, agoMs) {
      version++;
      flips = [{ ...flip, version, atMs: nowMs() - agoMs }, ...flips].slice(0, FLIPS_MAX);
      return version;
    },
    async beat(instance): Promise<FlipsKnown> {
      return { nowMs: nowMs(), flips, gateways: [{ ...instance, seenMs: nowMs() }] };
    },
    async leave() {},
  };
}

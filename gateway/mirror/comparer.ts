// Compares pairs of answers for the mirror: small bodies then and there, large ones on a thread of their own.
import type { CompareConfig } from '../../config/gateway-schema.ts';
import { type CompareBodies, judge, type ObservedPair, type Verdict } from './compare.ts';
import { compareBodies } from './compare-body.ts';
import { type CompareThread, type CompareThreadDeps, createCompareThread } from './compare-thread.ts';
import { TooMuchWork } from './pairing.ts';
import { createRuleBook } from './rules.ts';

/**
 * Larger bodies go to the thread. Comparing two of this size takes half a millisecond at most, about as long as a
 * request; handing them over costs the event loop about a tenth of that.
 */
export const INLINE_BYTES_MAX = 16_384;
/** So do small ones that turn out to need more looks at values than this: lists without order, within tolerances. */
const INLINE_WORK_MAX = 50_000;

export interface Comparer extends Pick<CompareThread, 'close' | 'waiting' | 'waitingBytes'> {
  /** The outcome is `dropped` when there was no room for comparing; the detail is the reason to count. */
  judge(pair: ObservedPair, config: CompareConfig): Promise<Verdict>;
}

export function createComparer(deps: CompareThreadDeps): Comparer {
  const rulesOf = createRuleBook(deps.now);
  const thread = createCompareThread(deps);
  const spend = <T>(work: () => T): T => {
    const startedAt = performance.now();
    const result = work();
    deps.spend(performance.now() - startedAt);
    return result;
  };

  function bodiesBy(config: CompareConfig): CompareBodies {
    const rulesFor = rulesOf(config);
    return async (legacy, fresh, statusClass) => {
      const onThread = () => thread.compare({ legacy, new: fresh, config, statusClass });
      if (Math.max(legacy.bytes.length, fresh.bytes.length) > INLINE_BYTES_MAX) return onThread();
      const startedAt = performance.now();
      try {
        return compareBodies(legacy, fresh, rulesFor(statusClass), INLINE_WORK_MAX);
      } catch (error) {
        if (error instanceof TooMuchWork) return onThread();
        throw error;
      } finally {
        deps.spend(performance.now() - startedAt);
      }
    };
  }

  return {
    // What is computed before the first wait is counted here; what comes after it, in `bodiesBy`.
    judge: (pair, config) => spend(() => judge(pair, rulesOf(config), bodiesBy(config))),
    get waiting() {
      return thread.waiting;
    },
    get waitingBytes() {
      return thread.waitingBytes;
    },
    close: () => thread.close(),
  };
}

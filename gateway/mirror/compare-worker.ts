// The thread on which large bodies are compared: one pair after the other.
import { parentPort } from 'node:worker_threads';
import type { CompareConfig } from '../../config/gateway-schema.ts';
import { type Body, compareBodies } from './compare-body.ts';
import type { Difference } from './difference.ts';
import { TooMuchWork } from './pairing.ts';
import { createRuleBook } from './rules.ts';

export interface CompareRequest {
  readonly legacy: Body;
  readonly new: Body;
  /** A number for the rules' configuration, which is sent the first time only. */
  readonly configId: number;
  readonly config: CompareConfig | undefined;
  readonly statusClass: number | undefined;
  readonly nowMs: number;
}

/** The differences, or why the bodies cannot be compared; and what the thread has computed since its last reply. */
export type CompareReply = ({ readonly differences: readonly Difference[] } | { readonly incomparable: string }) & {
  readonly spentMs: number;
};

function serve(port: NonNullable<typeof parentPort>): void {
  const configs = new Map<number, CompareConfig>(); // The other side starts another thread before they are too many.
  let nowMs = 0;
  let countedMs = 0;
  const rulesOf = createRuleBook(() => new Date(nowMs));

  function compare({ legacy, new: fresh, configId, config, statusClass }: CompareRequest): readonly Difference[] {
    if (config) configs.set(configId, config);
    const known = configs.get(configId);
    if (!known) throw new Error(`configuration ${configId} was never sent`);
    return compareBodies(legacy, fresh, rulesOf(known)(statusClass));
  }

  function answerTo(request: CompareRequest) {
    try {
      return { differences: compare(request) };
    } catch (error) {
      if (error instanceof TooMuchWork) return { incomparable: error.message };
      throw error; // Ends the thread; the other side counts it and starts another.
    }
  }

  port.on('message', (request: CompareRequest) => {
    nowMs = request.nowMs;
    const answer = answerTo(request);
    const totalMs = cpuMs();
    port.postMessage({ ...answer, spentMs: totalMs - countedMs } satisfies CompareReply);
    countedMs = totalMs;
  });
}

/** What this thread has computed since it began. */
function cpuMs(): number {
  const { user, system } = process.threadCpuUsage();
  return (user + system) / 1000;
}

if (parentPort) serve(parentPort);

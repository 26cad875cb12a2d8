// Troubles of one endpoint of the sandbox's chain, on demand.
import * as z from 'zod';

/**
 * What an endpoint does from now on. `status` answers every request, or the next `count`, with that HTTP status; `lagSlots` makes its
 * node be behind; `hang` answers nothing.
 */
export const faultSchema = z.strictObject({
  endpoint: z.string().min(1).max(32),
  latencyMs: z.int().min(0).max(60_000).optional(),
  status: z.int().min(400).max(599).optional(),
  retryAfterSeconds: z.int().min(0).optional(),
  count: z.int().min(1).optional(),
  lagSlots: z.int().min(0).optional(),
  hang: z.boolean().optional(),
});
export type SolanaFault = z.infer<typeof faultSchema>;

const ENDPOINTS_MAX = 32;

export interface SolanaFaults {
  set(fault: SolanaFault): void;
  /** What strikes this request: one of its count is used up. */
  take(endpoint: string): SolanaFault | undefined;
  /** Looks, and uses nothing up. */
  of(endpoint: string): SolanaFault | undefined;
  clear(): void;
}

export function createSolanaFaults(): SolanaFaults {
  const faults = new Map<string, SolanaFault>();
  return {
    set(fault) {
      if (!faults.has(fault.endpoint) && faults.size >= ENDPOINTS_MAX) {
        throw new RangeError(`at most ${ENDPOINTS_MAX} endpoints can have faults`);
      }
      faults.set(fault.endpoint, fault);
    },
    take(endpoint) {
      const fault = faults.get(endpoint);
      if (fault?.count === undefined) return fault;
      if (fault.count > 1) faults.set(endpoint, { ...fault, count: fault.count - 1 });
      else faults.delete(endpoint);
      return fault;
    },
    of: (endpoint) => faults.get(endpoint),
    clear: () => faults.clear(),
  };
}

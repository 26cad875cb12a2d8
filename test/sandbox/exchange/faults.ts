/**
 * A trouble to cause, for the next `count` requests (1 unless told) that match. `when: 'after'` lets the exchange do
 * the work first and then spoil the answer: the client cannot know whether its order exists.
 */
export type Fault = FaultScope &
  (
    | { readonly kind: 'latency'; readonly latencyMs: number }
    | { readonly kind: 'error'; readonly status: number; readonly when: 'before' | 'after' }
    | { readonly kind: 'reset'; readonly when: 'before' | 'after' }
    | { readonly kind: 'hang'; readonly when: 'before' | 'after' }
    | { readonly kind: 'rate-limit'; readonly retryAfterSeconds: number; readonly status?: 429 | 418 }
    /** A firewall's page in place of the answer, as data centres get it from the web site. */
    | { readonly kind: 'denied' }
    /** Depth answers with a version that lies behind the stream's. */
    | { readonly kind: 'stale-snapshot' }
    /** Of a crossing order only this share (0..1, a plain decimal) fills; the rest stays in the book. */
    | { readonly kind: 'partial-fill'; readonly share: string }
  );

interface FaultScope {
  /** Only this method; any when absent. */
  readonly method?: string;
  /** Only paths that end so, for example "/order"; any below /api/v3 when absent. */
  readonly path?: string;
  readonly count?: number;
}

/** Faults that may wait at once. */
const FAULTS_MAX = 100;

export interface Faults {
  /** Throws a RangeError when too many are waiting. */
  inject(fault: Fault): void;
  /** The fault for this request, used up. At most one fault strikes a request. */
  take(method: string, path: string): Fault | undefined;
  clear(): void;
}

export function createFaults(): Faults {
  let waiting: { fault: Fault; left: number }[] = [];
  return {
    inject(fault) {
      if (waiting.length >= FAULTS_MAX) throw new RangeError(`at most ${FAULTS_MAX} faults can wait`);
      waiting.push({ fault, left: fault.count ?? 1 });
    },
    take(method, path) {
      const found = waiting.find(
        ({ fault }) => (!fault.method || fault.method === method) && (!fault.path || path.endsWith(fault.path)),
      );
      if (!found) return undefined;
      found.left -= 1;
      if (found.left <= 0) waiting = waiting.filter((entry) => entry !== found);
      return found.fault;
    },
    clear() {
      waiting = [];
    },
  };
}

// Admission of requests to the exchange: rate limits kept on our side, trading before data, and silence while banned.
import type { Clock } from '../domain/ids.ts';
import type { RateWindow } from './rate-window.ts';

/** Orders, cancels and questions about orders go first; data gets only part of every window, so that it cannot fill one. */
export type Priority = 'trade' | 'data';
const SHARE: Readonly<Record<Priority, number>> = { trade: 1, data: 0.7 };

/** Requests that wait for room at once. More would only be refused later. */
const WAITING_MAX = 1000;
/** Longest wait for room, ms: long enough for a whole window of the order rate to pass. */
export const ADMISSION_WAIT_MAX_MS = 2000;

export type Demand = {
  readonly priority: Priority;
  readonly uses: readonly { readonly window: RateWindow; readonly amount: number }[];
};

/** Undefined: send now. Else why it must not be sent, for a human. */
export type Refused = string | undefined;

export type Limiter = {
  /** Resolves when the request may be sent, its use counted, or as soon as it is known that it may not. Never rejects. */
  readonly admit: (demand: Demand) => Promise<Refused>;
  /** The exchange told us to be silent: nothing is admitted for `forMs`, and whoever waits is refused. */
  readonly pause: (forMs: number, reason: string) => void;
  /** Why nothing is admitted now; undefined when something is. */
  readonly paused: () => string | undefined;
  /** Refuses whoever waits, and everybody from now on. */
  readonly close: () => void;
};

type Waiter = Demand & { readonly deadlineMs: number; readonly settle: (refused: Refused) => void };

/** `now` must be monotonic, ms. */
export function createLimiter(now: Clock): Limiter {
  let waiting: Waiter[] = [];
  let timer: NodeJS.Timeout | undefined;
  let pausedUntilMs = Number.NEGATIVE_INFINITY;
  let pauseReason = '';
  let closed = false;

  const waitMs = ({ uses, priority }: Demand, nowMs: number): number =>
    uses.reduce((most, { window, amount }) => Math.max(most, window.waitMs(amount, SHARE[priority], nowMs)), 0);

  function paused(): string | undefined {
    if (closed) return 'the client is closed';
    const leftMs = pausedUntilMs - now();
    return leftMs > 0 ? `${pauseReason}; nothing is sent for another ${Math.ceil(leftMs / 1000)} s` : undefined;
  }

  function refuseAll(reason: string): void {
    clearTimeout(timer);
    for (const waiter of waiting.splice(0)) waiter.settle(reason);
  }

  /** Lets go whoever can, trading first; data waits behind trading even where it would fit, since it would take its room. */
  function serve(): void {
    clearTimeout(timer);
    const nowMs = now();
    const left: Waiter[] = [];
    let nextMs = Number.POSITIVE_INFINITY;
    for (const priority of ['trade', 'data'] as const) {
      for (const waiter of waiting) {
        if (waiter.priority !== priority) continue;
        const ms = waitMs(waiter, nowMs);
        if (ms === 0) {
          for (const { window, amount } of waiter.uses) window.use(amount, nowMs);
          waiter.settle(undefined);
        } else if (nowMs + ms > waiter.deadlineMs) {
          waiter.settle(`our limit of the request rate leaves no room within ${ADMISSION_WAIT_MAX_MS} ms`);
        } else {
          left.push(waiter);
          nextMs = Math.min(nextMs, ms);
        }
      }
    }
    waiting = left;
    if (left.length > 0) timer = setTimeout(serve, Math.ceil(nextMs));
  }

  return {
    async admit(demand) {
      const reason = paused();
      if (reason !== undefined) return reason;
      if (waiting.length >= WAITING_MAX) return `${WAITING_MAX} requests wait for room in the request rate already`;
      return new Promise((settle) => {
        waiting.push({ ...demand, deadlineMs: now() + ADMISSION_WAIT_MAX_MS, settle });
        serve();
      });
    },
    pause(forMs, reason) {
      if (now() + forMs < pausedUntilMs) return;
      pausedUntilMs = now() + forMs;
      pauseReason = reason;
      refuseAll(reason);
    },
    paused,
    close() {
      closed = true;
      refuseAll('the client is closed');
    },
  };
}

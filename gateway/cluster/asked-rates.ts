// A worker's rate limits where they are counted in memory: by the primary, for all workers, since an identity's requests
// come to all of them. What is asked within one turn of the event loop goes in one message.
import type { RateLimitConfig } from '../../config/gateway-schema.ts';
import type { RateLimiter } from '../http/rate-limiter.ts';
import type { RateAnswer, RateAsk } from './messages.ts';

/** A primary that does not answer in this time is done without. */
const ASK_TIMEOUT_MS = 250;

export interface AskedRates extends RateLimiter {
  /** The primary has answered. */
  answered(answers: readonly RateAnswer[]): void;
}

export interface AskedRatesDeps {
  ask(asks: readonly RateAsk[]): void;
  /** Counts in this process alone while the primary does not answer. */
  readonly own: RateLimiter;
  readonly raised: (operation: string, error: unknown) => void;
  readonly timeoutMs?: number;
}

export function createAskedRates({ ask, own, raised, timeoutMs = ASK_TIMEOUT_MS }: AskedRatesDeps): AskedRates {
  const waiting = new Map<number, (waitMs: number | undefined) => void>(); // One per request under way.
  let next: RateAsk[] = [];
  let lastRequest = 0;
  let isTold = false; // Once an outage.

  function send(): void {
    const asks = next;
    next = [];
    setTimeout(() => void giveUp(asks), timeoutMs).unref();
    ask(asks);
  }

  function settle(request: number, waitMs: number | undefined): void {
    const resolve = waiting.get(request);
    waiting.delete(request);
    resolve?.(waitMs);
  }

  async function giveUp(asks: readonly RateAsk[]): Promise<void> {
    const unanswered = asks.filter(({ request }) => waiting.has(request));
    if (unanswered.length === 0) return;
    if (!isTold) raised('rate-limit', new Error(`the primary did not answer in ${timeoutMs} ms`));
    isTold = true;
    for (const { request, limit, scope, identity } of unanswered) {
      settle(request, await own.consume(limit, scope, identity));
    }
  }

  return {
    consume(limit: RateLimitConfig, scope, identity) {
      const request = ++lastRequest;
      if (next.push({ request, limit, scope, identity }) === 1) setImmediate(send);
      return new Promise((resolve) => waiting.set(request, resolve));
    },
    answered(answers) {
      isTold = false;
      for (const [request, waitMs] of answers) settle(request, waitMs);
    },
    follow: own.follow,
    close: own.close,
  };
}

/** The primary's side. Never rejects. */
export function answerAsks(rates: RateLimiter, asks: readonly RateAsk[]): Promise<readonly RateAnswer[]> {
  const answer = async ({ request, limit, scope, identity }: RateAsk): Promise<RateAnswer> => {
    return [request, await rates.consume(limit, scope, identity)];
  };
  return Promise.all(asks.map(answer));
}

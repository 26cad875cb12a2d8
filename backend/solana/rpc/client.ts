// Several RPC endpoints as one: the healthiest first, the next when it fails, and a second one asked as well when the first is
// slow (a hedged read; Dean and Barroso, "The Tail at Scale", 2013).
import { createAttempts, type EndpointView, judge, type OnCall } from './attempts.ts';
import type { Endpoint, RpcAnswer, RpcCall } from './endpoint.ts';

/** A read is hedged once it takes this many times the endpoint's usual time, and never before the least, ms. */
const HEDGE_FACTOR = 3;
const HEDGE_LEAST_MS = 15;
/** Of all reads this share may be hedged, so that hedging cannot double the load of a slow day; with a few to begin with. */
const HEDGE_SHARE = 0.1;
const HEDGES_SAVED_MAX = 10;
const SLOT_POLL_MS = 2000;
/** Nobody asked for this long, then nobody asks about slots either. */
const IDLE_MS = 60_000;

export type CallsResult =
  | { readonly kind: 'answers'; readonly answers: readonly RpcAnswer[] }
  /** No endpoint has answered; why, by endpoint. */
  | { readonly kind: 'unavailable'; readonly detail: string };

export type RpcHooks = {
  readonly onCall: OnCall;
  readonly onHedge: () => void;
};

export type RpcClient = {
  /** Calls that go together, in one request where batches are allowed. Never rejects. */
  readonly calls: (calls: readonly RpcCall[], how?: { hedge?: boolean }) => Promise<CallsResult>;
  readonly endpoints: () => readonly EndpointView[];
  readonly close: () => Promise<void>;
};

export type RpcClientOptions = {
  readonly endpoints: readonly Endpoint[];
  /** Bounds one attempt and the time in which another one is begun; with one that hangs, half of it is left for the next. */
  readonly timeoutMs: number;
  readonly allowsBatches: boolean;
  /** Monotonic, ms. */
  readonly now: () => number;
  readonly hooks: RpcHooks;
};

/** Asks one endpoint after another until one answers well. */
function createRace(
  { endpoints, timeoutMs, now, hooks }: RpcClientOptions,
  attempts: ReturnType<typeof createAttempts>,
) {
  let hedgesSaved = HEDGES_SAVED_MAX;

  /** Asks one after another, a failure at once by the next; with `hedge` also slowness. The first good answer ends the others. */
  return function race(calls: readonly RpcCall[], hedge: boolean): Promise<CallsResult> {
    hedgesSaved = Math.min(HEDGES_SAVED_MAX, hedgesSaved + HEDGE_SHARE);
    const order = attempts.order();
    const underWay = new Set<AbortController>();
    const startedAtMs = now();
    const attemptMs = Math.ceil(timeoutMs / Math.min(2, endpoints.length)); // One that hangs leaves time for another.
    const reasons: string[] = [];
    let fallback: CallsResult | undefined;
    let next = 0;
    let hasEnded = false;
    let timer: NodeJS.Timeout | undefined;
    return new Promise((resolve) => {
      const end = (result: CallsResult) => {
        clearTimeout(timer);
        hasEnded = true;
        resolve(result);
        for (const attempt of underWay) attempt.abort();
      };
      const start = () => {
        const index = order[next];
        if (index === undefined) return;
        next += 1;
        // One controller and a timer: AbortSignal.any and timeout take three times as long, and leave much to collect.
        const attempt = new AbortController();
        const late = setTimeout(() => attempt.abort(new DOMException('too late', 'TimeoutError')), attemptMs);
        underWay.add(attempt);
        void attempts.at(index, calls, attempt.signal).then((result) => {
          clearTimeout(late);
          underWay.delete(attempt);
          if (hasEnded) return; // Somebody else was quicker.
          if (judge(result) === 'good' && result.kind === 'answers') return end(result);
          if (result.kind === 'answers')
            fallback = result; // The node's error, if no other node does better.
          else reasons.push(`${attempts.name(index)}: ${result.detail}`);
          if (next < order.length && now() - startedAtMs < timeoutMs) start();
          else if (underWay.size === 0) end(fallback ?? { kind: 'unavailable', detail: reasons.join('; ') });
        });
      };
      start();
      const usualMs = attempts.latencyMs(order[0] ?? 0);
      if (!hedge || order.length < 2) return;
      timer = setTimeout(
        () => {
          if (hedgesSaved < 1 || underWay.size === 0 || next >= order.length) return;
          hedgesSaved -= 1;
          hooks.onHedge();
          start();
        },
        Math.max(HEDGE_LEAST_MS, usualMs * HEDGE_FACTOR),
      );
    });
  };
}

export function createRpcClient(options: RpcClientOptions): RpcClient {
  const { endpoints, timeoutMs, allowsBatches, now, hooks } = options;
  const attempts = createAttempts(endpoints, now, hooks.onCall);
  const race = createRace(options, attempts);
  let usedAtMs = now();

  async function apart(calls: readonly RpcCall[], hedge: boolean): Promise<CallsResult> {
    const results = await Promise.all(calls.map((call) => race([call], hedge)));
    const answers: RpcAnswer[] = [];
    for (const result of results) {
      if (result.kind === 'unavailable') return result;
      answers.push(...result.answers);
    }
    return { kind: 'answers', answers };
  }

  const poll = setInterval(() => {
    if (endpoints.length > 1 && now() - usedAtMs < IDLE_MS) void attempts.compareSlots(timeoutMs);
  }, SLOT_POLL_MS);
  poll.unref();

  return {
    calls(calls, { hedge = true } = {}) {
      usedAtMs = now();
      return calls.length > 1 && !allowsBatches ? apart(calls, hedge) : race(calls, hedge);
    },
    endpoints: attempts.view,
    async close() {
      clearInterval(poll);
      await Promise.all(endpoints.map((endpoint) => endpoint.close()));
    },
  };
}

// How well an RPC endpoint does, and in which order endpoints are tried. Pure.

/** Weight of the newest observation in the running means. */
const NEWEST = 0.2;
/** A latency to begin with, ms: nobody is preferred for having never been asked. */
const FIRST_LATENCY_MS = 50;
/** An endpoint this far behind answers about the past; less is the network's own spread. */
const LAG_SLOTS_FREE = 5;
/** What one slot more costs in the order, ms of latency: a slot takes 400 ms. */
const LAG_COST_MS = 40;
/** How much worse an endpoint that always fails is than one that never does. */
const FAILURE_FACTOR = 20;
/** Failures in a row after which an endpoint is left alone for a while. */
const FAILURES_TO_REST = 3;
const REST_FIRST_MS = 500;
const REST_MAX_MS = 30_000;

export type Health = {
  readonly latencyMs: number;
  /** 0: never fails; 1: always. */
  readonly failureRate: number;
  readonly failuresInRow: number;
  /** The last slot that the endpoint named; undefined: none yet. */
  readonly slot: number | undefined;
  readonly lagSlots: number;
  /** Not asked before then, unless all rest; monotonic ms. */
  readonly restsUntilMs: number;
};

export const NEW_HEALTH: Health = {
  latencyMs: FIRST_LATENCY_MS,
  failureRate: 0,
  failuresInRow: 0,
  slot: undefined,
  lagSlots: 0,
  restsUntilMs: 0,
};

const mean = (old: number, newest: number): number => old + NEWEST * (newest - old);

export function afterAnswer(health: Health, latencyMs: number): Health {
  return {
    ...health,
    latencyMs: mean(health.latencyMs, latencyMs),
    failureRate: mean(health.failureRate, 0),
    failuresInRow: 0,
    restsUntilMs: 0,
  };
}

/** Another endpoint was quicker, and this one was given up after `tookMs`. */
export const afterSlow = (health: Health, tookMs: number): Health => ({
  ...health,
  latencyMs: mean(health.latencyMs, Math.max(tookMs, health.latencyMs)),
});

/** `retryAfterMs` is what the endpoint asked for, where it did. */
export function afterFailure(health: Health, nowMs: number, retryAfterMs?: number): Health {
  const failuresInRow = health.failuresInRow + 1;
  const doublings = failuresInRow - FAILURES_TO_REST;
  const own = doublings < 0 ? 0 : Math.min(REST_FIRST_MS * 2 ** doublings, REST_MAX_MS);
  const restMs = Math.min(retryAfterMs ?? own, REST_MAX_MS);
  return {
    ...health,
    failureRate: mean(health.failureRate, 1),
    failuresInRow,
    restsUntilMs: restMs > 0 ? nowMs + restMs : health.restsUntilMs,
  };
}

/** Every endpoint asked in one round; the slots of those that did not answer are as they were. */
export function afterRound(healths: readonly Health[], slots: readonly (number | undefined)[]): Health[] {
  const newest = Math.max(0, ...slots.map((slot) => slot ?? 0));
  return healths.map((health, index) => {
    const slot = slots[index];
    return slot === undefined ? health : { ...health, slot, lagSlots: newest - slot };
  });
}

/** The lower the better, in ms of latency that it is as bad as. */
export function costMs({ latencyMs, failureRate, lagSlots }: Health): number {
  return latencyMs * (1 + FAILURE_FACTOR * failureRate) + Math.max(0, lagSlots - LAG_SLOTS_FREE) * LAG_COST_MS;
}

/** 1: as good as it gets; near 0: of no use. For dashboards. */
export const scoreOf = (health: Health): number => FIRST_LATENCY_MS / (FIRST_LATENCY_MS + costMs(health));

/** Who is asked first, as places in `healths`; those that rest come last. */
export function orderOf(healths: readonly Health[], nowMs: number): number[] {
  const rank = healths.map((health, index) => ({
    index,
    cost: costMs(health) + (health.restsUntilMs > nowMs ? Number.MAX_SAFE_INTEGER / 2 : 0),
  }));
  return rank.sort((a, b) => a.cost - b.cost || a.index - b.index).map(({ index }) => index);
}

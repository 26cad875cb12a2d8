// Circuit breakers, one per route and side: a side that keeps failing a route is left alone for a while, where the route
// may be served by the other.
import { BrokenCircuitError, CircuitState, ConsecutiveBreaker, circuitBreaker, handleWhenResult } from 'cockatiel';
import { FAILURES, type ForwardFailure } from './proxy/failure.ts';
import { SIDES, type Side } from './routing/side.ts';

/** Failures in a row that open a breaker. */
const FAILURES_IN_A_ROW = 5;
/** How long an open breaker lets nothing through before it tries one request. */
const OPEN_MS = 5_000;

/** How a request, or a WebSocket's handshake, ended at a side. */
export interface Ending {
  /** The side's own answer; undefined where it gave none. */
  readonly status: number | undefined;
  readonly failure: ForwardFailure | undefined;
}

export interface Breakers {
  /** Runs a request, unless the side's breaker is open: then answers undefined, and nothing was sent. */
  run<E extends Ending>(route: string, side: Side, request: () => Promise<E>): Promise<E | undefined>;
  /** The sides of a route that are left alone now. */
  open(route: string): readonly Side[];
}

/** Whether a request's end speaks against the backend: it failed, or said that it did. */
export function speaksAgainst({ failure, status }: Ending): boolean {
  return failure ? FAILURES[failure].blame === 'upstream' : (status ?? 0) >= 500;
}

const keyOf = (route: string, side: Side) => `${side} ${route}`;

export function createBreakers(onChange: (route: string, side: Side, open: boolean) => void): Breakers {
  const policies = new Map<string, ReturnType<typeof newPolicy>>(); // Two per configured route that may fall back.
  const newPolicy = (route: string, side: Side) => {
    const failed = handleWhenResult((result) => speaksAgainst(result as Ending));
    const policy = circuitBreaker(failed, {
      halfOpenAfter: OPEN_MS,
      breaker: new ConsecutiveBreaker(FAILURES_IN_A_ROW),
    });
    policy.onBreak(() => onChange(route, side, true));
    policy.onReset(() => onChange(route, side, false));
    return policy;
  };
  const policyOf = (route: string, side: Side) => {
    const key = keyOf(route, side);
    const known = policies.get(key) ?? newPolicy(route, side);
    policies.set(key, known);
    return known;
  };
  return {
    async run(route, side, request) {
      try {
        return await policyOf(route, side).execute(request);
      } catch (error) {
        if (error instanceof BrokenCircuitError) return undefined;
        throw error;
      }
    },
    open: (route) => SIDES.filter((side) => policies.get(keyOf(route, side))?.state === CircuitState.Open),
  };
}

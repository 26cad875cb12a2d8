// Circuit breakers, one per route and side: a side that keeps failing a route is left alone for a while, where the route
// may be served by the other. Our own, because a library's holds back all other requests while it tries one: that one may
// be an event stream, which lasts for hours.
import { FAILURES, type ForwardFailure } from './proxy/failure.ts';
import { SIDES, type Side } from './routing/side.ts';

/** Failures in a row that open a breaker. */
const FAILURES_IN_A_ROW = 5;
/** How long an open breaker lets nothing through before it tries one request; then one more in every such time. */
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

/** Whether it says that the backend is well: what the client or the gateway got wrong says nothing. */
function speaksFor({ failure, status }: Ending): boolean {
  return failure === undefined && (status ?? 0) < 500;
}

interface Breaker {
  failures: number;
  isOpen: boolean;
  /** When an open one tries the next request. */
  triesAtMs: number;
}

const keyOf = (route: string, side: Side) => `${side} ${route}`;

/** `onChange` hears of a breaker that opens or closes; `nowMs` never goes back. */
export function createBreakers(
  onChange: (route: string, side: Side, open: boolean) => void,
  nowMs = () => performance.now(),
): Breakers {
  const breakers = new Map<string, Breaker>(); // Two per configured route that may fall back.

  function breakerOf(route: string, side: Side): Breaker {
    const key = keyOf(route, side);
    const known = breakers.get(key) ?? { failures: 0, isOpen: false, triesAtMs: 0 };
    breakers.set(key, known);
    return known;
  }

  function setOpen(route: string, side: Side, isOpen: boolean): void {
    const breaker = breakerOf(route, side);
    if (breaker.isOpen === isOpen) return;
    breaker.isOpen = isOpen;
    breaker.triesAtMs = nowMs() + OPEN_MS;
    onChange(route, side, isOpen);
  }

  return {
    async run(route, side, request) {
      const breaker = breakerOf(route, side);
      const isTry = breaker.isOpen;
      if (isTry) {
        if (nowMs() < breaker.triesAtMs) return undefined;
        breaker.triesAtMs = nowMs() + OPEN_MS;
      }
      const ending = await request();
      if (speaksAgainst(ending)) {
        if (++breaker.failures >= FAILURES_IN_A_ROW) setOpen(route, side, true);
      } else if (speaksFor(ending)) {
        breaker.failures = 0;
        if (isTry) setOpen(route, side, false); // Not one from before it was opened: that says nothing of now.
      }
      return ending;
    },
    open: (route) => SIDES.filter((side) => breakers.get(keyOf(route, side))?.isOpen === true),
  };
}

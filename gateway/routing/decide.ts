// Which side serves a request, and which gets a copy. Pure: the same facts, the same decision.
import type { RouteModel } from './route.ts';
import { otherSide, type Side } from './side.ts';

/**
 * Why a side was chosen; in logs, metrics and the x-banyan-decision header. `breaker`: the decided side was known to be
 * down. `fallback`: it turned out to be. `pin`: a tester chose, see pin.ts.
 */
export type Reason =
  | 'override-all'
  | 'override-route'
  | 'pin'
  | 'flag-on'
  | 'flag-off'
  | 'unrouted'
  | 'breaker'
  | 'fallback';

export interface Decision {
  readonly side: Side;
  /** The side that gets a copy, when this request is sampled for one. */
  readonly shadow: Side | undefined;
  readonly reason: Reason;
}

/** Overrides in force: an operator's forced side for all routes, or for single ones. */
export interface ForcedSides {
  readonly all: Side | undefined;
  route(id: string): Side | undefined;
}

/** Whether a flag is on for an identity. */
export type FlagReader = (flag: string, identity: string) => boolean;

export const UNROUTED_DECISION: Decision = { side: 'legacy', shadow: undefined, reason: 'unrouted' };

/**
 * Decides for one request. An override wins over every flag and stops the mirror: who takes a route back wants nothing
 * of it to reach the other side.
 */
export function decide(route: RouteModel, identity: string, forced: ForcedSides, isEnabled: FlagReader): Decision {
  if (forced.all) return { side: forced.all, shadow: undefined, reason: 'override-all' };
  const forcedRoute = forced.route(route.id);
  if (forcedRoute) return { side: forcedRoute, shadow: undefined, reason: 'override-route' };
  const on = isEnabled(route.flag, identity);
  const side: Side = on ? 'new' : 'legacy';
  const shadow = isEnabled(route.mirrorFlag, identity) ? otherSide(side) : undefined;
  return { side, shadow, reason: on ? 'flag-on' : 'flag-off' };
}

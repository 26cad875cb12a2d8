// What is known of a route, put together from everywhere.
import type { RouteEvidence } from '../mirror/evidence.ts';
import type { Window } from '../mirror/windows.ts';
import type { RouteState } from '../rollout/control.ts';
import { flagNotesOf } from '../rollout/feature.ts';
import type { GuardDecision } from '../rollout/guard.ts';
import type { PlanView } from '../rollout/plan-view.ts';
import type { RouteModel } from '../routing/route.ts';
import type { Side } from '../routing/side.ts';
import type { StandingRule } from '../rule-list.ts';
import type { StreamCounts } from '../streams/registry.ts';
import type { SideTraffic } from '../traffic.ts';
import type { WritesLegacyLacks } from '../writes/kept-writes.ts';
import type { OperatorDeps } from './context.ts';

export interface RouteFacts {
  readonly route: RouteModel;
  readonly state: RouteState;
  readonly evidence: RouteEvidence;
  readonly traffic: Readonly<Record<Side, SideTraffic>>;
  readonly streams: StreamCounts;
  /** The route's rules for comparing. */
  readonly rules: readonly StandingRule[];
  /** How many of `processes` leave each side alone. */
  readonly openBreakers: Readonly<Record<Side, number>>;
  readonly processes: number;
  /** What a person has made of the route's flags that its stage does not tell. */
  readonly flagNotes: readonly string[];
  /** Undefined for a route without a plan. */
  readonly plan: PlanView | undefined;
  readonly guard: GuardDecision;
  readonly writes: WritesLegacyLacks;
}

/** What a view is made of beside the route: the window of its evidence, and the rules of all routes. */
interface Seen {
  readonly window?: Window;
  readonly rules: readonly StandingRule[];
}

/** Puts together what is known of a route. */
export function createFactsOf(deps: OperatorDeps): (route: RouteModel, seen: Seen) => RouteFacts {
  const { control } = deps;
  const { evidence, traffic, streams, openBreakers, wanted } = deps.serving;
  return (route, { window, rules }) => ({
    route,
    rules: rules.filter((rule) => rule.route === route.id),
    state: control.route(route.id),
    evidence: evidence.of(route.id, window),
    traffic: traffic.of(route.id),
    streams: streams.counts(route.id),
    openBreakers: openBreakers(route.id),
    processes: wanted,
    flagNotes: flagNotesOf(deps.flags.definitions(), route),
    plan: deps.plans.view(route.id),
    guard: deps.plans.guard(route.id),
    writes: deps.writes.of(route.id),
  });
}

// What the API says of a route. Pure: facts in, JSON out.
import type { RouteEvidence } from '../mirror/evidence.ts';
import type { StreamEvidence } from '../mirror/stream-evidence.ts';
import { attentionOf } from './attention.ts';
import type { RouteDetail, RouteSummary } from './contract/routes.ts';
import type { RouteFacts } from './route-facts.ts';

/** A route in the list: where it is, how it does, and whether somebody should look. */
export function routeSummary(facts: RouteFacts): RouteSummary {
  const { route, state, evidence, traffic, streams } = facts;
  return {
    id: route.id,
    group: route.config.group ?? null,
    match: route.config.match,
    stage: state.stage,
    percent: state.percent,
    mirrorPercent: state.mirrorPercent,
    samplePercent: route.config.mirror.samplePercent,
    override: state.override ?? null,
    revision: state.revision,
    traffic,
    streams,
    comparison: comparisonOf(evidence),
    writesLegacyLacks: { count: facts.writes.count, since: facts.writes.since },
    attention: attentionOf(facts),
  };
}

/** The rates of one window: never one without the others, since each is easily misread alone. */
function comparisonOf({ eligible, coverage, parity, parityLowerBound, outcomes, streams }: RouteEvidence) {
  return {
    ...{ eligible, coverage, parity, parityLowerBound, outcomes },
    ...(streams ? { streams: streamsSummary(streams) } : {}),
  };
}

/** The same of streams. */
function streamsSummary({ begun, messages, coverage, parity, parityLowerBound }: StreamEvidence) {
  return { begun, coverage, parity, parityLowerBound, messages };
}

/** One route with all that is known of it; `windows` are the same evidence in every window. */
export function routeDetail(facts: RouteFacts, windows: readonly RouteEvidence[]): RouteDetail {
  const { timeoutMs, mirror, compare, redact, streams, writes, initialStage, requires } = facts.route.config;
  const { window, since, pending, dropped, differences } = facts.evidence;
  return {
    ...routeSummary(facts),
    writesLegacyLacks: facts.writes,
    openBreakers: facts.openBreakers,
    plan: facts.plan ?? null,
    guard: facts.guard,
    settings: { initialStage, timeoutMs, mirror, compare, redact, streams, writes, requires },
    evidence: {
      ...{ window, since, pending, dropped, differences },
      windows: windows.map((each) => ({ window: each.window, since: each.since, ...comparisonOf(each) })),
    },
  };
}

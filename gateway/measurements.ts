// What gates and guards look at, read from what the gateway knows.
import { agreeingShare, counting, type RouteEvidence } from './mirror/evidence.ts';
import { coveredMessages, coveredStreams, judgedMessages, type StreamEvidence } from './mirror/stream-evidence.ts';
import type { ComparedFacts, ComparedStreams, PlaceCount } from './rollout/facts.ts';
import type { Measurements } from './rollout/guard-watch.ts';
import type { Serving } from './serving.ts';
import type { CurrentSettings } from './settings.ts';

export function measurementsOf({ evidence, traffic }: Serving, settings: CurrentSettings): Measurements {
  return {
    compared: (route, window) => comparedFacts(evidence.of(route, window)),
    totals: traffic.totals,
    healthy: (side) => settings.current.upstreams.health[side].healthy,
  };
}

/** Pure. */
export function comparedFacts(evidence: RouteEvidence): ComparedFacts {
  const { eligible, outcomes, differences, timed, streams } = evidence;
  return {
    eligible,
    agreeing: outcomes.match + outcomes.ignored,
    mismatches: outcomes.mismatch,
    newErrors: outcomes.new_error,
    legacyErrors: outcomes.legacy_error,
    timeouts: outcomes.timeout,
    judged: agreeingShare(evidence),
    timed: { hits: timed.slower, trials: timed.pairs },
    ...placesOf(differences.map((difference) => ({ ...difference, count: counting(difference) }))),
    ...(streams ? { streams: streamFacts(streams) } : {}),
  };
}

function streamFacts(streams: StreamEvidence): ComparedStreams {
  const { begun, ended, differences } = streams;
  return {
    begun,
    failed: { legacy: ended.legacy_failed ?? 0, new: ended.new_failed ?? 0 },
    judged: judgedMessages(streams),
    coveredMessages: coveredMessages(streams),
    coveredStreams: coveredStreams(streams),
    ...placesOf(differences),
  };
}

/** Where answers or messages differ and no rule says that they may. */
function placesOf(
  differences: readonly (PlaceCount & { readonly critical: boolean; readonly rule?: string })[],
): Pick<ComparedFacts, 'critical' | 'worst'> {
  const found = differences
    .filter(({ rule, count }) => rule === undefined && count > 0)
    .sort((a, b) => b.count - a.count);
  return { critical: found.filter(({ critical }) => critical).map(placeOf), worst: found.map(placeOf)[0] };
}

function placeOf({ path, count }: PlaceCount): PlaceCount {
  return { path, count };
}

// What gates and guards look at, read from what the gateway knows.
import { agreeingShare, counting, type RouteEvidence } from './mirror/evidence.ts';
import type { ComparedFacts, PlaceCount } from './rollout/facts.ts';
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
  const { eligible, outcomes, differences, timed } = evidence;
  const found = differences
    .filter(({ rule }) => rule === undefined)
    .map((difference) => ({ ...difference, count: counting(difference) }))
    .filter(({ count }) => count > 0)
    .sort((a, b) => b.count - a.count);
  return {
    eligible,
    agreeing: outcomes.match + outcomes.ignored,
    mismatches: outcomes.mismatch,
    newErrors: outcomes.new_error,
    legacyErrors: outcomes.legacy_error,
    timeouts: outcomes.timeout,
    judged: agreeingShare(evidence),
    timed: { hits: timed.slower, trials: timed.pairs },
    critical: found.filter(({ critical }) => critical).map(placeOf),
    worst: found.map(placeOf)[0],
  };
}

function placeOf({ path, count }: PlaceCount): PlaceCount {
  return { path, count };
}

// What gates and guards look at, read from what the gateway knows.
import type { DifferenceCount, RouteEvidence } from './mirror/evidence.ts';
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
export function comparedFacts({ eligible, outcomes, differences }: RouteEvidence): ComparedFacts {
  const counting = differences.filter(({ rule }) => rule === undefined).map(withoutNoise);
  const found = counting.filter(({ count }) => count > 0).sort((a, b) => b.count - a.count);
  return {
    eligible,
    agreeing: outcomes.match + outcomes.ignored,
    mismatches: outcomes.mismatch,
    newErrors: outcomes.new_error,
    legacyErrors: outcomes.legacy_error,
    timeouts: outcomes.timeout,
    critical: found.filter(({ critical }) => critical).map(placeOf),
    worst: found.map(placeOf)[0],
  };
}

function withoutNoise({ path, critical, count, noise }: DifferenceCount) {
  return { path, critical, count: count - noise };
}

function placeOf({ path, count }: PlaceCount): PlaceCount {
  return { path, count };
}

// Whether a comparison meets the limits: the table in MIGRATION.md, as code. Pure.
import { READ_ROUTES } from './k6/profiles.ts';
import type { Arm, Overhead, Report, Verdict } from './report.ts';
import { type Estimate, meanOverRounds, ratioOverRounds } from './statistics.ts';

/** The limits, in the table's order; a test keeps the table in step. */
export const LIMITS = {
  failed: { what: "new's share of failed requests", unit: 'share', limit: 0.001 },
  lost: { what: 'requests that could not be sent in time, of any target', unit: 'share', limit: 0 },
  readP95: { what: 'p95 of each read, asked of new', unit: 'ms', limit: 15 },
  ratioP95: { what: "new's p95 over legacy's, of each route", unit: 'x', limit: 1.2 },
  overheadP50: { what: 'what the gateway adds at p50, mean of all routes', unit: 'ms', limit: 1 },
  overheadP95: { what: 'what the gateway adds at p95, mean of all routes', unit: 'ms', limit: 3 },
  baselineP95: { what: "new's p95 over the baseline's, of each route", unit: 'x', limit: 1.1 },
} as const satisfies Record<Verdict['measure'], Pick<Verdict, 'what' | 'unit' | 'limit'>>;

type Percentile = 'p50' | 'p95';

/**
 * Met when the whole interval is within the limit, missed when all of it is beyond; else unclear, which more rounds may settle.
 * Shares are counts of what was sent, not estimates.
 */
export function judge(measured: Estimate | null, limit: number): Verdict['outcome'] {
  if (measured === null) return 'unclear';
  if (measured.high !== null && measured.high <= limit) return 'met';
  return measured.low !== null && measured.low > limit ? 'missed' : 'unclear';
}

function verdict(measure: Verdict['measure'], measured: Estimate | null, route: string | null = null): Verdict {
  const { what, unit, limit } = LIMITS[measure];
  const words = route === null ? what : `${what}: ${route}`;
  return { measure, route, what: words, unit, limit, measured, outcome: judge(measured, limit) };
}

/** One verdict for each limit and what it is of; limits of a target that was not asked are left out. */
export function verdictsOf({ arms, lost }: Pick<Report, 'arms' | 'lost'>, baseline?: Report): readonly Verdict[] {
  const ofTarget = (target: Arm['target'], from = arms) => from.filter((arm) => arm.target === target);
  const [legacy, fresh, gateway] = [ofTarget('legacy'), ofTarget('new'), ofTarget('gateway')];
  const sent = arms.reduce((sum, { count }) => sum + count, 0);
  const notSent = Object.values(lost).reduce((sum, count) => sum + count, 0);
  const reads: readonly string[] = READ_ROUTES;
  const inPairs = (measure: Verdict['measure'], others: readonly Arm[]) =>
    fresh.map((arm) => {
      const other = others.find(({ route }) => route === arm.route);
      return verdict(measure, other === undefined ? null : ratio(arm, other), arm.route);
    });
  return [
    ...(fresh.length > 0 ? [verdict('failed', shareFailed(fresh))] : []),
    verdict('lost', exactly(sent === 0 ? 1 : notSent / (sent + notSent))),
    ...fresh.filter(({ route }) => reads.includes(route)).map((arm) => verdict('readP95', arm.p95, arm.route)),
    ...(legacy.length > 0 ? inPairs('ratioP95', legacy) : []),
    ...(gateway.length > 0 && legacy.length + fresh.length > 0
      ? [verdict('overheadP50', overhead(arms, 'p50')), verdict('overheadP95', overhead(arms, 'p95'))]
      : []),
    ...(baseline === undefined ? [] : inPairsWithBaseline(fresh, ofTarget('new', baseline.arms))),
  ];
}

const exactly = (value: number): Estimate => ({ value, low: value, high: value });

function shareFailed(arms: readonly Arm[]): Estimate {
  const sum = (of: (arm: Arm) => number) => arms.reduce((total, arm) => total + of(arm), 0);
  return exactly(sum(({ failed }) => failed) / sum(({ count }) => count));
}

/** The p95 of one arm over another's, round by round: what a round had of the machine falls on both and cancels out. */
function ratio(arm: Arm, other: Arm): Estimate | null {
  const ratios = arm.rounds.flatMap((figures, round) => {
    const base = other.rounds[round];
    return figures && base ? [figures.p95 / base.p95] : [];
  });
  return ratios.length === 0 ? null : ratioOverRounds(ratios);
}

/** Rounds of different runs are no pairs: the ratio of the means, with both intervals in it. */
function inPairsWithBaseline(now: readonly Arm[], then: readonly Arm[]): readonly Verdict[] {
  const logs = (arm: Arm) => arm.rounds.flatMap((figures) => (figures ? [Math.log(figures.p95)] : []));
  return now.map((arm) => {
    const other = then.find(({ route }) => route === arm.route);
    const [a, b] = [logs(arm), other ? logs(other) : []];
    if (a.length === 0 || b.length === 0) return verdict('baselineP95', null, arm.route);
    const [here, there] = [meanOverRounds(a), meanOverRounds(b)];
    const value = here.value - there.value;
    const spread = (of: Estimate) => (of.high === null ? Number.POSITIVE_INFINITY : of.high - of.value);
    const margin = Math.hypot(spread(here), spread(there)); // Independent errors add in squares.
    const bound = (log: number) => (Number.isFinite(log) ? Math.exp(log) : null);
    const measured = { value: Math.exp(value), low: bound(value - margin), high: bound(value + margin) };
    return verdict('baselineP95', measured, arm.route);
  });
}

/** A route through the gateway, and the same route asked directly of the side that answered. */
interface Pair {
  readonly through: Arm;
  readonly direct: Arm;
}

function pairsOf(arms: readonly Arm[]): readonly Pair[] {
  return arms
    .filter(({ target }) => target === 'gateway')
    .flatMap((through) => {
      const direct = arms.find(
        ({ target, route, side }) => target === side && side === through.side && route === through.route,
      );
      return direct === undefined ? [] : [{ through, direct }];
    });
}

/** The mean over rounds of the mean of all pairs' differences in that round. */
function addedBy(pairs: readonly Pair[], of: Percentile): Estimate | null {
  const rounds = Math.max(0, ...pairs.map(({ through }) => through.rounds.length));
  const means = Array.from({ length: rounds }, (_, round) => {
    const differences = pairs.flatMap(({ through, direct }) => {
      const [a, b] = [through.rounds[round], direct.rounds[round]];
      return a && b ? [a[of] - b[of]] : [];
    });
    return differences.length === 0 ? undefined : differences.reduce((sum, each) => sum + each, 0) / differences.length;
  }).filter((mean) => mean !== undefined);
  return means.length === 0 ? null : meanOverRounds(means);
}

/** What the way through the gateway takes beside the direct one. A route of which both sides served counts twice. */
export const overhead = (arms: readonly Arm[], of: Percentile): Estimate | null => addedBy(pairsOf(arms), of);

/** The same of each route, and of each side that served it. */
export function overheads(arms: readonly Arm[]): Overhead[] {
  return pairsOf(arms).map((pair) => {
    const { route, side } = pair.through;
    return { route, side, p50: addedBy([pair], 'p50'), p95: addedBy([pair], 'p95') };
  });
}

export const allMet = (verdicts: readonly Verdict[]): boolean => verdicts.every(({ outcome }) => outcome === 'met');

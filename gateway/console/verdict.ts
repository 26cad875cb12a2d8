// What an operator is told at first sight: of a route, and of all of them. Pure.
import type { RouteSummary } from './answers.ts';
import { formatCount, formatShare } from './format.ts';

/** How a route does, by its worst sign. The words are those of rollout tools; each has a shape beside its colour. */
export const HEALTHS = ['healthy', 'progressing', 'paused', 'degraded', 'unknown'] as const;
export type Health = (typeof HEALTHS)[number];

/** A side that answers so many of its requests with failures is not fine. */
const ERROR_SHARE_MAX = 0.01;
/** Below so many requests a minute a share of failures says nothing. */
const REQUESTS_MIN = 20;

export function healthOf(route: RouteSummary): Health {
  const sides = [route.traffic.legacy, route.traffic.new];
  const failing = sides.some(
    ({ perSecond, errorShare }) => perSecond * 60 >= REQUESTS_MIN && (errorShare ?? 0) > ERROR_SHARE_MAX,
  );
  if (failing || needsAttention(route)) return route.override ? 'paused' : 'degraded';
  if (route.override) return 'paused';
  if (sides.every(({ requests }) => requests === 0)) return 'unknown';
  if (route.stage === 'shadow' || route.stage === 'canary') return 'progressing';
  return 'healthy';
}

/** Whether somebody should look at a route now. */
export function needsAttention({ attention }: RouteSummary): boolean {
  return attention.some(({ severity }) => severity !== 'info');
}

/** What comparing says in one line: `99.71 % alike (at least 99.40 %), of 94.2 % compared`. */
export function parityText({ parity, parityLowerBound, coverage, eligible }: RouteSummary['comparison']): string {
  if (eligible === 0) return 'nothing compared';
  if (parity === null) return `nothing of ${formatCount(eligible)} could be compared`;
  const bound = formatShare(parityLowerBound);
  return `${formatShare(parity)} alike (at least ${bound}), of ${formatShare(coverage, 1)} compared`;
}

export interface Verdict {
  readonly tone: 'good' | 'warn' | 'bad';
  readonly text: string;
}

/** The strip above the table. */
export function overallVerdict(routes: readonly RouteSummary[], warnings: readonly string[], forced: boolean): Verdict {
  if (forced) return { tone: 'bad', text: 'Every route is forced to legacy' };
  const counts = { degraded: 0, paused: 0 };
  for (const route of routes) {
    const health = healthOf(route);
    if (health === 'degraded' || health === 'paused') counts[health]++;
  }
  const parts = [
    ...(counts.degraded > 0 ? [`${plural(counts.degraded, 'route')} to look at`] : []),
    ...(counts.paused > 0 ? [`${plural(counts.paused, 'route')} held by an override`] : []),
    ...(warnings.length > 0 ? [plural(warnings.length, 'warning')] : []),
  ];
  if (parts.length === 0) return { tone: 'good', text: `All ${plural(routes.length, 'route')} as they should be` };
  return { tone: counts.degraded > 0 || warnings.length > 0 ? 'bad' : 'warn', text: parts.join(', ') };
}

export function plural(count: number, noun: string): string {
  return `${formatCount(count)} ${noun}${count === 1 ? '' : 's'}`;
}

// What a move of a route will change, and for how many, said before it is made. Pure.
import type { RouteDetail } from './answers.ts';
import { formatCount, formatRate, formatShare } from './format.ts';
import { plural } from './verdict.ts';

export const STAGES = ['legacy', 'shadow', 'canary', 'live', 'complete'] as const;
export type Stage = (typeof STAGES)[number];

export interface Target {
  readonly stage: Stage;
  /** Of a canary: the share of users that new serves. */
  readonly percent: number;
  /** Of stages with copies: the share of users whose requests are copied. */
  readonly mirrorPercent: number;
}

/** Whether a stage copies requests to the side that does not serve. */
export function isCopying(stage: Stage): boolean {
  return stage === 'shadow' || stage === 'canary' || stage === 'live';
}

export interface Consequence {
  readonly text: string;
  readonly tone: 'plain' | 'warn';
}

/** The share of users that new serves, in percent. */
export function servedByNew({ stage, percent }: Pick<Target, 'stage' | 'percent'>): number {
  if (stage === 'canary') return percent;
  return stage === 'live' || stage === 'complete' ? 100 : 0;
}

/**
 * How dangerous a move is: `typed` wants the route's name typed, because it goes where nothing has been proven, or gives up
 * the proof that the way back works.
 */
export function dangerOf(route: Pick<RouteDetail, 'stage' | 'percent'>, to: Target): 'plain' | 'typed' {
  if (to.stage === 'complete') return 'typed';
  return servedByNew(to) > 0 && route.stage === 'legacy' ? 'typed' : 'plain';
}

export function consequencesOf(route: RouteDetail, to: Target): Consequence[] {
  const plain = (text: string): Consequence => ({ text, tone: 'plain' });
  const warn = (text: string): Consequence => ({ text, tone: 'warn' });
  const before = route.percent;
  const after = servedByNew(to);
  const rate = route.traffic.legacy.perSecond + route.traffic.new.perSecond;
  const moved = (rate * Math.abs(after - before)) / 100;
  const list: Consequence[] = [];
  if (after === before) list.push(plain(`New goes on serving ${after} % of users.`));
  else {
    const [from, into] = after > before ? ['legacy', 'new'] : ['new', 'legacy'];
    list.push(
      plain(
        `New serves ${after} % of users instead of ${before} %: about ${formatRate(moved)} of ${formatRate(rate)} requests a second go from ${from} to ${into}.`,
      ),
    );
  }
  list.push(plain(COPIES[to.stage]));
  if (isCopying(to.stage) && to.mirrorPercent !== route.mirrorPercent) {
    list.push(plain(`Requests of ${to.mirrorPercent} % of users are copied, of ${route.mirrorPercent} % until now.`));
  }
  const { streams } = route;
  const leaving = after > before ? streams.legacy : after < before ? streams.new : 0;
  if (leaving > 0) {
    list.push(plain(`${plural(leaving, 'open stream')} may have to move: ${ON_FLIP[route.settings.streams.onFlip]}.`));
  }
  list.push(...doubts(route, to).map(warn));
  return list;
}

const COPIES: Readonly<Record<Stage, string>> = {
  legacy: 'Nothing is copied, so nothing is compared.',
  shadow: 'New gets copies, and its answers are compared.',
  canary: 'The side that does not serve gets copies, and the answers are compared.',
  live: 'Legacy gets copies, so that going back stays proven.',
  complete: 'Nothing is copied to legacy any more: nobody will see whether going back would still work.',
};

const ON_FLIP = {
  pin: 'they stay where they are until they end',
  drain: 'they are closed one by one and come back on the other side',
  close: 'they are closed at once',
} as const;

/** What speaks against giving new more than it has. */
function doubts(route: RouteDetail, to: Target): string[] {
  if (servedByNew(to) <= route.percent) return [];
  const { comparison, evidence } = route;
  const { parityLowerBound, eligible, outcomes } = comparison;
  const found: string[] = [];
  if (eligible === 0) found.push('Nothing has been compared on this route yet.');
  else if (parityLowerBound !== null && parityLowerBound < 0.99) {
    const compared = outcomes.match + outcomes.ignored + outcomes.mismatch + outcomes.new_error;
    found.push(
      `Parity is only certain to be above ${formatShare(parityLowerBound)}, over ${formatCount(compared)} compared.`,
    );
  }
  for (const { path, kind, count, critical, rule } of evidence.differences) {
    if (critical && rule === undefined)
      found.push(`Critical: ${path} differs (${kind}) in ${formatCount(count)} requests.`);
  }
  return found;
}

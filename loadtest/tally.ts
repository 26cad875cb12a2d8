// What was measured, by target, route and the side that answered, and by round; then the figures of it. Pure.
import { TARGETS, type Target } from './k6/settings.ts';
import type { Point } from './points.ts';
import type { Arm, Moment } from './report.ts';
import { percentile, rankOf } from './statistics.ts';

interface Measured {
  readonly target: Target;
  readonly route: string;
  readonly side: string;
  /** Milliseconds of answers, by round. */
  readonly rounds: number[][];
  count: number;
  failed: number;
}

export interface Tally {
  /** Takes a sample of a run that asked `target`. Its memory grows with the number of requests, which the commands bound. */
  add(point: Point, target: Target, round: number): void;
  /** Sorted by route and target. */
  arms(): readonly Arm[];
  /** Every second in which something was answered, in order. */
  series(): readonly Moment[];
  lost(): Readonly<Partial<Record<Target, number>>>;
}

export function createTally(): Tally {
  const arms = new Map<string, Measured>();
  const seconds = new Map<string, { readonly target: Target; readonly second: number; readonly values: number[] }>();
  const lost: Partial<Record<Target, number>> = {};

  const armOf = (target: Target, route: string, side: string): Measured => {
    const key = `${target} ${route} ${side}`;
    const known = arms.get(key);
    if (known) return known;
    const made: Measured = { target, route, side, rounds: [], count: 0, failed: 0 };
    arms.set(key, made);
    return made;
  };
  const inSecond = (target: Target, atMs: number): number[] => {
    const second = Math.floor(atMs / 1000);
    const key = `${target} ${second}`;
    const known = seconds.get(key);
    if (known) return known.values;
    const values: number[] = [];
    seconds.set(key, { target, second, values });
    return values;
  };

  return {
    add(point, target, round) {
      if (point.metric === 'lost') {
        lost[target] = (lost[target] ?? 0) + point.count;
        return;
      }
      const arm = armOf(target, point.route, point.side);
      if (point.metric === 'answer_failed') {
        arm.count += 1;
        arm.failed += point.value;
        return;
      }
      arm.rounds[round] ??= [];
      arm.rounds[round].push(point.value);
      inSecond(target, point.atMs).push(point.value);
    },
    arms: () => [...arms.values()].map(figuresOf).sort((a, b) => nameOf(a).localeCompare(nameOf(b))),
    series() {
      const ordered = [...seconds.values()].sort((a, b) => a.second - b.second);
      const first = ordered[0]?.second ?? 0;
      return ordered.map(({ target, second, values }) => {
        return { second: second - first, target, count: values.length, ...pairOf(values) };
      });
    },
    lost: () => lost,
  };
}

const nameOf = ({ target, route, side }: Arm): string => `${route} ${TARGETS.indexOf(target)} ${side}`;
const upwards = (values: readonly number[]): Float64Array => Float64Array.from(values).sort();

function pairOf(values: readonly number[]): { readonly p50: number; readonly p95: number } {
  const sorted = upwards(values);
  const at = (share: number): number => sorted[rankOf(share, sorted.length)] ?? 0;
  return { p50: at(0.5), p95: at(0.95) };
}

function figuresOf({ target, route, side, rounds, count, failed }: Measured): Arm {
  const sorted = upwards(rounds.flat());
  const of = (share: number) => (sorted.length === 0 ? null : percentile(sorted, share));
  return {
    ...{ target, route, side, count, failed, p50: of(0.5), p95: of(0.95), p99: of(0.99) },
    rounds: Array.from(rounds, (values) => (values === undefined ? null : pairOf(values))),
  };
}

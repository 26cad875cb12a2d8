// A comparison: the targets one after the other, in another order each round, so that what changes on the machine with time
// falls on all of them alike.
import { cpus } from 'node:os';
import process from 'node:process';
import type { K6 } from './find-k6.ts';
import type { Settings, Target } from './k6/settings.ts';
import type { Report } from './report.ts';
import { runK6 } from './run-k6.ts';
import { createTally } from './tally.ts';
import { allMet, overheads, verdictsOf } from './verdicts.ts';

export interface Comparison {
  readonly urls: Readonly<Partial<Record<Target, string>>>;
  readonly rounds: number;
  /** Of each run. */
  readonly load: Omit<Settings, 'profile' | 'target' | 'url'>;
  readonly baseline: Report | undefined;
  readonly say: (line: string) => void;
  readonly signal: AbortSignal;
}

/** Who goes when: each round begins with another target. */
export function orderOf(targets: readonly Target[], round: number): readonly Target[] {
  const first = round % targets.length;
  return [...targets.slice(first), ...targets.slice(0, first)];
}

/** Resolves with the report when all rounds are done. @throws {LoadtestError} */
export async function compare(k6: K6, { urls, rounds, load, baseline, say, signal }: Comparison): Promise<Report> {
  const at = new Date().toISOString();
  const targets = (['legacy', 'new', 'gateway'] as const).filter((target) => urls[target] !== undefined);
  const tally = createTally();
  for (let round = 0; round < rounds; round++) {
    for (const target of orderOf(targets, round)) {
      say(`round ${round + 1} of ${rounds}: ${target}`);
      await runK6(k6, {
        settings: { ...load, profile: 'compare', target, url: urls[target] ?? '' },
        ...{ summary: false, signal, onText: say },
        onPoint: (point) => tally.add(point, target, round),
      });
    }
  }
  const measured = { arms: [...tally.arms()], lost: tally.lost() };
  const verdicts = [...verdictsOf(measured, baseline)];
  const [cpu] = cpus();
  return {
    ...{ version: 2, at, met: allMet(verdicts) },
    machine: { cores: cpus().length, cpu: cpu?.model ?? 'unknown', node: process.versions.node, k6: k6.version },
    load: { rate: load.rate, seconds: load.seconds, rounds, writes: load.writes },
    ...{ urls, ...measured, overheads: overheads(measured.arms), verdicts, series: [...tally.series()] },
  };
}

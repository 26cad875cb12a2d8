// Comparisons that never ran: so many milliseconds of each target, with a little of a spread.
import type { Target } from '../../loadtest/k6/settings.ts';
import type { Report } from '../../loadtest/report.ts';
import { createTally, type Tally } from '../../loadtest/tally.ts';
import { overheads, verdictsOf } from '../../loadtest/verdicts.ts';

const ANSWERS = 40;

/** Each round asks one route of every target; the gateway is answered by `side`. */
export function measured(rounds: number, ms: Partial<Record<Target, number>>, side = 'legacy'): Tally {
  const tally = createTally();
  for (let round = 0; round < rounds; round++) {
    for (const target of ['legacy', 'new', 'gateway'] as const) {
      const base = ms[target];
      if (base === undefined) continue;
      for (let n = 0; n < ANSWERS; n++) {
        const by = {
          atMs: (round * 10 + (n % 3)) * 1000,
          route: 'market.ticker',
          side: target === 'gateway' ? side : target,
        };
        tally.add({ metric: 'answer_failed', value: 0, ...by }, target, round);
        tally.add({ metric: 'answer_ms', value: base + n / 1000 + round / 100, ...by }, target, round);
      }
    }
  }
  return tally;
}

export function reportOf(tally: Tally): Report {
  const arms = [...tally.arms()];
  return {
    ...{ version: 2, at: '2026-01-05T10:00:00.000Z', met: true },
    machine: { cores: 2, cpu: 'a <cpu> & more', node: '26.10.0', k6: 'v2.2.0' },
    load: { rate: 20, seconds: 10, rounds: 6, writes: true },
    urls: { legacy: 'http://127.0.0.1:8001', new: 'http://127.0.0.1:8002', gateway: 'http://127.0.0.1:8080' },
    ...{
      lost: {},
      arms,
      overheads: overheads(arms),
      verdicts: [...verdictsOf({ arms, lost: {} })],
      series: [...tally.series()],
    },
  };
}

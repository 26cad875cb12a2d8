import type { GateSettings } from '../../../config/plan-schema.ts';
import { type ComparedFacts, comparableOf } from '../facts.ts';
import { count, percent, type Verdict } from './verdict.ts';

/** Whether enough of what was to be compared could be: a high parity of a tenth of the requests says little. */
export function coverageGate(compared: ComparedFacts, { min, samplesMin }: GateSettings['coverage']): Verdict {
  const { eligible } = compared;
  const comparable = comparableOf(compared);
  const coverage = eligible > 0 ? comparable / eligible : 0;
  const answer = (status: Verdict['status'], sentence: string): Verdict => ({
    ...{ gate: 'coverage', status, sentence },
    numbers: { eligible, comparable, coverage, min },
  });
  if (eligible < samplesMin) {
    return answer('inconclusive', `${count(eligible)} eligible, at least ${count(samplesMin)} are needed`);
  }
  const found = `${count(comparable)} of ${count(eligible)} eligible requests were compared`;
  return coverage >= min
    ? answer('pass', `coverage ${percent(coverage)}: ${found}`)
    : answer('fail', `coverage ${percent(coverage)} is below ${percent(min)}: ${found}`);
}

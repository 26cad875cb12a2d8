import type { GateSettings } from '../../../config/plan-schema.ts';
import { shareBounds, Z_95 } from '../../mirror/confidence.ts';
import type { ComparedFacts } from '../facts.ts';
import { count, percent, percentAtLeast, type Verdict } from './verdict.ts';

/** Whether the answers agree often enough, beyond doubt, and at critical places always. */
export function parityGate(compared: ComparedFacts, settings: GateSettings['parity']): Verdict {
  const { lowerBoundMin, samplesMin } = settings;
  const { hits, trials: comparable } = compared.judged;
  const differing = Math.round(comparable - hits);
  const critical = compared.critical.reduce((sum, place) => sum + place.count, 0);
  const { low, high } = shareBounds(compared.judged, Z_95);
  const answer = (status: Verdict['status'], sentence: string): Verdict => ({
    ...{ gate: 'parity', status, sentence },
    numbers: { comparable, differing, critical, lowerBound: low, lowerBoundMin },
  });

  const [place] = compared.critical;
  if (place) {
    return answer('fail', `critical: ${place.path} differs in ${count(place.count)} of ${count(comparable)}`);
  }
  if (comparable < samplesMin) {
    return answer('inconclusive', `${count(comparable)} compared, at least ${count(samplesMin)} are needed`);
  }
  const at = compared.worst ? `, ${count(compared.worst.count)} at ${compared.worst.path}` : '';
  const found = `${count(differing)} of ${count(comparable)} differ${differing > 0 ? at : ''}`;
  if (low >= lowerBoundMin) {
    return answer('pass', `parity is at least ${percentAtLeast(low)}, ${percent(lowerBoundMin)} is needed: ${found}`);
  }
  const below = `parity ${percentAtLeast(low)} lower bound is below ${percent(lowerBoundMin)}: ${found}`;
  // As long as nothing says that it is too low, more of the same may show that it is high enough.
  return answer(high < lowerBoundMin ? 'fail' : 'inconclusive', below);
}

import type { GateSettings } from '../../../config/plan-schema.ts';
import { shareOf } from '../../mirror/confidence.ts';
import { type ComparedFacts, type ComparedStreams, comparableOf } from '../facts.ts';
import { count, percent, type Verdict, worstOf } from './verdict.ts';

/**
 * Whether enough of what was to be compared could be: a high parity of a tenth of the requests says little. The messages of
 * streams are looked at apart; too few of one kind say nothing as long as the others are enough.
 */
export function coverageGate(compared: ComparedFacts, settings: GateSettings['coverage']): Verdict {
  const { samplesMin } = settings;
  const { eligible, streams } = compared;
  const verdicts = [
    ...(eligible >= samplesMin ? [ofRequests(compared, settings)] : []),
    ...(streams && streams.coveredMessages.trials >= samplesMin ? [ofStreams(streams, settings)] : []),
  ];
  const comparable = comparableOf(compared);
  const coverage = shareOf({ hits: comparable, trials: eligible });
  return (
    worstOf(verdicts) ?? {
      ...{ gate: 'coverage', status: 'inconclusive' },
      sentence: `${count(eligible)} eligible, at least ${count(samplesMin)} are needed`,
      numbers: { eligible, comparable, coverage, min: settings.min },
    }
  );
}

function ofRequests(compared: ComparedFacts, { min }: GateSettings['coverage']): Verdict {
  const [eligible, comparable] = [compared.eligible, comparableOf(compared)];
  const found = `${count(comparable)} of ${count(eligible)} eligible requests were compared`;
  return judge({ eligible, comparable, coverage: shareOf({ hits: comparable, trials: eligible }), min }, found);
}

function ofStreams({ coveredMessages, coveredStreams }: ComparedStreams, { min }: GateSettings['coverage']): Verdict {
  const { hits: comparable, trials: eligible } = coveredMessages;
  const { hits: begun, trials: chosen } = coveredStreams;
  const found = `${count(comparable)} of ${count(eligible)} messages were compared, in ${count(begun)} of ${count(chosen)} streams`;
  return judge({ eligible, comparable, coverage: shareOf(coveredMessages) * shareOf(coveredStreams), min }, found);
}

function judge(
  numbers: { readonly eligible: number; readonly comparable: number; readonly coverage: number; readonly min: number },
  found: string,
): Verdict {
  const { coverage, min } = numbers;
  return coverage >= min
    ? { gate: 'coverage', status: 'pass', sentence: `coverage ${percent(coverage)}: ${found}`, numbers }
    : {
        ...{ gate: 'coverage', status: 'fail', numbers },
        sentence: `coverage ${percent(coverage)} is below ${percent(min)}: ${found}`,
      };
}

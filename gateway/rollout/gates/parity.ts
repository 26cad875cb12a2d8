import type { GateSettings } from '../../../config/plan-schema.ts';
import { shareBounds, Z_95 } from '../../mirror/confidence.ts';
import type { ComparedFacts, ComparedStreams } from '../facts.ts';
import { count, percent, percentAtLeast, type Verdict, worstOf } from './verdict.ts';

type Settings = GateSettings['parity'];
type Compared = ComparedFacts | ComparedStreams;

/**
 * Whether the answers agree often enough, beyond doubt, and at critical places always. Answers to requests and messages of
 * streams are looked at apart; too few of one kind say nothing as long as the others are enough.
 */
export function parityGate(compared: ComparedFacts, settings: Settings): Verdict {
  const { streams } = compared;
  const kinds = streams ? [compared, streams] : [compared];
  const telling = kinds.filter((kind) => kind.critical.length > 0 || isEnough(kind, settings));
  return worstOf(telling.map((kind) => judge(kind, settings))) ?? tooFew(compared, settings);
}

function isEnough(compared: Compared, { samplesMin, streamsMin }: Settings): boolean {
  return compared.judged.trials >= samplesMin && (!('begun' in compared) || compared.begun >= streamsMin);
}

function judge(compared: Compared, settings: Settings): Verdict {
  const { lowerBoundMin } = settings;
  const { low, high } = shareBounds(compared.judged, Z_95);
  const { comparable, differing } = numbersOf(compared, settings);
  const what = 'begun' in compared ? ' messages' : '';
  const answer = (status: Verdict['status'], sentence: string): Verdict => ({
    ...{ gate: 'parity', status, sentence, numbers: numbersOf(compared, settings) },
  });

  const [place] = compared.critical;
  if (place) {
    return answer('fail', `critical: ${place.path} differs in ${count(place.count)} of ${count(comparable)}${what}`);
  }
  const at = compared.worst ? `, ${count(compared.worst.count)} at ${compared.worst.path}` : '';
  const found = `${count(differing)} of ${count(comparable)}${what} differ${differing > 0 ? at : ''}`;
  if (low >= lowerBoundMin) {
    return answer('pass', `parity is at least ${percentAtLeast(low)}, ${percent(lowerBoundMin)} is needed: ${found}`);
  }
  const below = `parity ${percentAtLeast(low)} lower bound is below ${percent(lowerBoundMin)}: ${found}`;
  // As long as nothing says that it is too low, more of the same may show that it is high enough.
  return answer(high < lowerBoundMin ? 'fail' : 'inconclusive', below);
}

function tooFew(compared: ComparedFacts, settings: Settings): Verdict {
  const { streams, judged } = compared;
  const needed = `at least ${count(settings.samplesMin)}`;
  const ofStreams =
    streams && streams.begun > 0
      ? `; ${count(streams.judged.trials)} messages of ${count(streams.begun)} streams, ${needed} of ${count(settings.streamsMin)}`
      : '';
  const sentence = `${count(judged.trials)} compared, ${needed} are needed${ofStreams}`;
  return { gate: 'parity', status: 'inconclusive', sentence, numbers: numbersOf(compared, settings) };
}

function numbersOf(compared: Compared, { lowerBoundMin }: Settings) {
  const { hits, trials: comparable } = compared.judged;
  return {
    comparable,
    differing: Math.round(comparable - hits),
    critical: compared.critical.reduce((sum, place) => sum + place.count, 0),
    lowerBound: shareBounds(compared.judged, Z_95).low,
    lowerBoundMin,
    ...('begun' in compared ? { streams: compared.begun } : {}),
  };
}

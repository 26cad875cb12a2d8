import type { GateSettings } from '../../../config/plan-schema.ts';
import { increaseBounds, Z_95 } from '../../mirror/confidence.ts';
import { comparedErrors, copiedErrors, type ErrorShares, servedErrors } from '../error-shares.ts';
import type { StepFacts } from '../facts.ts';
import { count, percent, type Verdict, worstOf } from './verdict.ts';

/** Requests that users of the step must have had from the new side, whatever its copies say. */
const SERVED_MIN = 20;

/**
 * Whether the new side fails no more often than legacy, beyond doubt. Requests served, requests copied
 * and streams compared are looked at apart; too few of one kind say nothing as long as the others are enough.
 */
export function errorsGate(facts: StepFacts, settings: GateSettings['errors']): Verdict {
  const { samplesMin } = settings;
  const compared = comparedErrors(facts.compared, facts.stage);
  const inStep = servedErrors(facts.served);
  // In live legacy serves nobody: what it made of the copies stands in.
  const served =
    facts.stage === 'live' ? { ...inStep, legacy: copiedErrors(facts.compared, facts.stage).legacy } : inStep;
  if (facts.stage === 'canary' && served.new.trials < SERVED_MIN) {
    const sentence = `the new side has served ${count(served.new.trials)} in this step, at least ${SERVED_MIN} are needed`;
    return { gate: 'errors', status: 'inconclusive', sentence, numbers: numbersOf(served) };
  }
  const sizeOf = ({ legacy, new: fresh }: ErrorShares) => Math.min(legacy.trials, fresh.trials);
  const all = [served, ...compared];
  const worst = worstOf(all.filter((each) => sizeOf(each) >= samplesMin).map((each) => judge(each, settings)));
  if (!worst) {
    const most = Math.max(...all.map(sizeOf));
    const sentence = `${count(most)} requests of both sides, at least ${count(samplesMin)} are needed`;
    return { gate: 'errors', status: 'inconclusive', sentence, numbers: { requests: most, samplesMin } };
  }
  return worst;
}

function judge(shares: ErrorShares, { increaseMax }: GateSettings['errors']): Verdict {
  const { low, high } = increaseBounds(shares.legacy, shares.new, Z_95);
  const of = ({ hits, trials }: ErrorShares['new']) => `${count(hits)} of ${count(trials)}`;
  const found = `new failed ${of(shares.new)} ${shares.of}, legacy ${of(shares.legacy)}`;
  const numbers = { ...numbersOf(shares), increaseLow: low, increaseHigh: high, increaseMax };
  if (high <= increaseMax) return { gate: 'errors', status: 'pass', sentence: found, numbers };
  const most = `an increase of ${percent(increaseMax)} is borne`;
  return low > increaseMax
    ? { gate: 'errors', status: 'fail', sentence: `${found}: at least ${percent(low)} more, ${most}`, numbers }
    : { gate: 'errors', status: 'inconclusive', sentence: `${found}: up to ${percent(high)} more, ${most}`, numbers };
}

function numbersOf({ legacy, new: fresh }: ErrorShares): Record<string, number> {
  return { legacyErrors: legacy.hits, legacyRequests: legacy.trials, newErrors: fresh.hits, newRequests: fresh.trials };
}

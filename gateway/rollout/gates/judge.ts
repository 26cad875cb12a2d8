// All gates of a step.
import type { GateName, GateSettings } from '../../../config/plan-schema.ts';
import type { StepFacts } from '../facts.ts';
import { coverageGate } from './coverage.ts';
import { dataGate } from './data.ts';
import { errorsGate } from './errors.ts';
import { latencyGate } from './latency.ts';
import { parityGate } from './parity.ts';
import type { Verdict } from './verdict.ts';

const MANUAL: Verdict = {
  gate: 'manual',
  status: 'inconclusive',
  sentence: 'a person has to say so: banyan promote ID --reason R',
  numbers: {},
};

const JUDGES: Readonly<Record<GateName, (facts: StepFacts, settings: GateSettings) => Verdict>> = {
  parity: ({ compared }, { parity }) => parityGate(compared, parity),
  coverage: ({ compared }, { coverage }) => coverageGate(compared, coverage),
  errors: (facts, { errors }) => errorsGate(facts, errors),
  latency: ({ served }, { latency }) => latencyGate(served, latency),
  data: ({ certificates }) => dataGate(certificates),
  manual: () => MANUAL,
};

export function judgeGates(gates: readonly GateName[], facts: StepFacts, settings: GateSettings): Verdict[] {
  return gates.map((gate) => JUDGES[gate](facts, settings));
}

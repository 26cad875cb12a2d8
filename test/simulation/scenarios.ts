// What is simulated: good new sides with everything that may make them look bad, and bad ones of several sizes.
import { createRandom } from './random.ts';
import { type PlanRun, runPlan } from './run-plan.ts';
import type { Fault, World } from './world.ts';

export interface Scenario {
  readonly name: string;
  readonly fault: Fault;
  /** See World. */
  readonly faultFromPercent: number;
  readonly requestsPerSecond: readonly [from: number, to: number];
  /** After which a plan that does not go on is left alone. */
  readonly giveUpHours: number;
}

const BUSY = [2, 15] as const;
const THIN = [0.1, 0.5] as const;

const good = (name: string, requestsPerSecond: Scenario['requestsPerSecond'], giveUpHours: number): Scenario => ({
  ...{ name, fault: {}, faultFromPercent: 101, requestsPerSecond, giveUpHours },
});
const bad = (name: string, fault: Fault, faultFromPercent = 0): Scenario => ({
  ...{ name, fault, faultFromPercent, requestsPerSecond: BUSY, giveUpHours: 24 },
});

export const GOOD: readonly Scenario[] = [
  good('good, noisy', BUSY, 72),
  { ...good('good, 5 % slower', BUSY, 72), fault: { slowness: 1.05 }, faultFromPercent: 0 },
  good('good, thin traffic', THIN, 24 * 30),
];

/** From the beginning: gates hold them, or the guard takes them back. */
export const BAD: readonly Scenario[] = [
  bad('errors +2 %', { errors: 0.02 }),
  bad('errors +5 %', { errors: 0.05 }),
  bad('errors +30 %', { errors: 0.3 }),
  bad('p95 x 1.5', { slowness: 1.5 }),
  bad('p95 x 2', { slowness: 2 }),
  bad('p95 x 5', { slowness: 5 }),
  bad('wrong price, 0.1 %', { critical: 0.001 }),
  bad('wrong price, 1 %', { critical: 0.01 }),
  bad('fails a cohort of 1 %', { cohort: [0.5, 1.5] }),
  bad('fails a cohort of 5 %', { cohort: [5, 10] }),
];

/** Long enough that thin canaries get to 10 %. */
const SUDDEN_GIVE_UP_HOURS = 72;
const sudden = (name: string, fault: Fault): Scenario => ({
  ...bad(`${name} from 10 % on`, fault, 10),
  giveUpHours: SUDDEN_GIVE_UP_HOURS,
});

/** Beginning when the route is at 10 % of the users, so that the guard is alone with them. */
export const SUDDEN: readonly Scenario[] = [
  sudden('errors +3 %', { errors: 0.03 }),
  sudden('errors +5 %', { errors: 0.05 }),
  sudden('errors +30 %', { errors: 0.3 }),
  sudden('p95 x 2', { slowness: 2 }),
  sudden('p95 x 5', { slowness: 5 }),
  sudden('wrong price, 1 %', { critical: 0.01 }),
];

export interface Tally {
  readonly scenario: Scenario;
  readonly runs: readonly PlanRun[];
}

/** Runs a scenario so many times; the same seed gives the same runs. */
export function simulate(scenario: Scenario, runs: number, seed: number): Tally {
  const random = createRandom(seed);
  const { fault, faultFromPercent, giveUpHours } = scenario;
  const [from, to] = scenario.requestsPerSecond;
  const done = Array.from({ length: runs }, () => {
    const world: World = {
      requestsPerSecond: from * (to / from) ** random.uniform(),
      errors: 0.001 * 10 ** random.uniform(),
      mismatches: 0.005 * random.uniform(),
      spread: 0.3 + 0.6 * random.uniform(),
      ...{ fault, faultFromPercent },
    };
    const lookSeconds = world.requestsPerSecond < 1 ? 120 : 10;
    return runPlan(world, Math.floor(random.uniform() * 2 ** 32), lookSeconds, giveUpHours * 3_600_000);
  });
  return { scenario, runs: done };
}

export function countOf({ runs }: Tally, is: (run: PlanRun) => boolean): number {
  return runs.filter(is).length;
}

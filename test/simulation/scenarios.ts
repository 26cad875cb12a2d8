// What is simulated: good new sides with everything that may make them look bad, and bad ones of several sizes.
import { createRandom } from './random.ts';
import { type PlanRun, runPlan } from './run-plan.ts';
import type { Fault, World } from './world.ts';

export interface Scenario {
  readonly name: string;
  /** `sudden`: it begins to be bad when the plan has come so far, where the guard is alone with it. */
  readonly kind: 'good' | 'bad' | 'sudden';
  readonly fault: Fault;
  /** See World. */
  readonly faultFromPercent: number;
  readonly requestsPerSecond: readonly [from: number, to: number];
  /** After which a plan that does not go on is left alone. */
  readonly giveUpHours: number;
  /** Large enough that the guard must see it within its window, always; of smaller ones the table says how often it does. */
  readonly isLarge: boolean;
}

const BUSY = [2, 15] as const;
const THIN = [0.1, 0.5] as const;
/** The good runs with such traffic are at 50 % well before that, so that a bad one has the time to get there too. */
const BAD_GIVE_UP_HOURS = 24;
/** Long enough that thin canaries get to 10 %, and to live. */
const SUDDEN_GIVE_UP_HOURS = 72;
/** The guard's longer window, and one look. */
export const WINDOW_MS = 610_000;

const good = (name: string, requestsPerSecond: Scenario['requestsPerSecond'], giveUpHours: number): Scenario => ({
  ...{ name, kind: 'good', fault: {}, faultFromPercent: 101, requestsPerSecond, giveUpHours, isLarge: false },
});
const bad = (name: string, fault: Fault): Scenario => ({
  ...{ name, kind: 'bad', fault, faultFromPercent: 0, requestsPerSecond: BUSY, giveUpHours: BAD_GIVE_UP_HOURS },
  isLarge: true,
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

const sudden = (name: string, fault: Fault, isLarge = false): Scenario[] =>
  [10, 100].map((faultFromPercent) => ({
    ...bad(`${name} from ${faultFromPercent === 100 ? 'live' : `${faultFromPercent} %`} on`, fault),
    ...{ kind: 'sudden', faultFromPercent, giveUpHours: SUDDEN_GIVE_UP_HOURS, isLarge },
  }));

/** Beginning when the route is at 10 % of the users, or when it is live. */
export const SUDDEN: readonly Scenario[] = [
  ...sudden('errors +1 %', { errors: 0.01 }),
  ...sudden('errors +2 %', { errors: 0.02 }),
  ...sudden('errors +3 %', { errors: 0.03 }),
  ...sudden('errors +5 %', { errors: 0.05 }, true),
  ...sudden('errors +30 %', { errors: 0.3 }, true),
  ...sudden('p95 x 1.2', { slowness: 1.2 }),
  ...sudden('p95 x 1.5', { slowness: 1.5 }),
  ...sudden('p95 x 1.7', { slowness: 1.7 }),
  ...sudden('p95 x 2', { slowness: 2 }, true),
  ...sudden('p95 x 5', { slowness: 5 }, true),
  ...sudden('wrong price, 0.1 %', { critical: 0.001 }),
  ...sudden('wrong price, 1 %', { critical: 0.01 }, true),
  ...sudden('fails a cohort of 1 %', { cohort: [0.5, 1.5] }),
  ...sudden('fails a cohort of 5 %', { cohort: [5, 10] }),
];

/** Whether a run went as it must not: a good side taken back, a bad one given half of the users, a sudden one not back in time. */
export function isWrong({ kind }: Scenario, run: PlanRun): boolean {
  if (kind === 'good') return run.end === 'rolled_back';
  if (kind === 'bad') return run.end === 'promoted' || run.reachedPercent >= 50;
  return (run.toRollbackMs ?? Number.POSITIVE_INFINITY) > WINDOW_MS;
}

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

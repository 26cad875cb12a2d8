// Measures several targets in interleaved rounds (A B C, A B C, ...): what the machine does meanwhile falls on all alike.
import type { LoadGenerator, LoadResult, LoadSpec } from './load/load.ts';
import type { Running } from './processes.ts';
import { median, type Ratio, ratioOf } from './statistics.ts';
import { cpuSeconds, residentMb } from './usage.ts';

/** After so long the machine code of a request's path has settled (measured: less shows as a third of the speed). */
const WARM_UP_SECONDS = 2;

export interface Target {
  readonly name: string;
  readonly address: string;
  /** The proxy's process; undefined for the upstream itself, asked directly. */
  readonly running: Running | undefined;
  /** Whether its code is compiled as it runs: nothing counts before that is done. */
  readonly warmsUp: boolean;
}

export interface Round extends LoadResult {
  /** CPU time of the proxy for one request, all threads, kernel included. */
  readonly cpuUs: number | undefined;
  /** Right after the load. */
  readonly rssMb: number | undefined;
}

export interface Measured {
  readonly target: Target;
  readonly rounds: readonly Round[];
}

export interface RoundsOptions {
  readonly generate: LoadGenerator;
  readonly load: Omit<LoadSpec, 'target'>;
  readonly rounds: number;
  /** After each measurement, before the next target's. */
  readonly afterEach?: (target: Target) => Promise<void>;
}

/** One after the other, and all of them again, each round. */
export async function interleave(
  targets: readonly Target[],
  rounds: number,
  measure: (target: Target) => Promise<Round>,
): Promise<readonly Measured[]> {
  const measured = targets.map((target) => ({ target, rounds: [] as Round[] }));
  for (let round = 0; round < rounds; round++) {
    for (const each of measured) {
      each.rounds.push(await measure(each.target));
      each.target.running?.forgetLog();
    }
  }
  return measured;
}

export async function measureRounds(targets: readonly Target[], options: RoundsOptions): Promise<readonly Measured[]> {
  const { generate, load, rounds, afterEach } = options;
  await warmUp(targets, generate, load);
  return interleave(targets, rounds, async (target) => {
    const round = await measureOnce(target, () => generate({ ...load, target: target.address }));
    await afterEach?.(target);
    return round;
  });
}

/** The same for all, one after the other: a target that was warmed more than its neighbour would look better for it. */
async function warmUp(targets: readonly Target[], generate: LoadGenerator, load: Omit<LoadSpec, 'target'>) {
  const { ratePerSecond: _, ...closedLoop } = load;
  for (const { address, warmsUp } of targets) {
    if (warmsUp) await generate({ ...closedLoop, target: address, seconds: WARM_UP_SECONDS });
  }
}

/** What a load costs the proxy, beside what it says itself. */
export async function measureOnce({ running }: Target, load: () => Promise<LoadResult>): Promise<Round> {
  const before = running && cpuSeconds(running.pid);
  const result = await load();
  const after = running && cpuSeconds(running.pid);
  const cpu = before === undefined || after === undefined ? undefined : after - before;
  return {
    ...result,
    cpuUs: cpu === undefined || result.requests === 0 ? undefined : (cpu * 1e6) / result.requests,
    rssMb: running && residentMb(running.pid),
  };
}

/** The median of one figure over the rounds; undefined where it was not measured. */
export function medianOf({ rounds }: Measured, figure: keyof Round): number | undefined {
  const values = rounds.map((round) => round[figure]).filter((value) => value !== undefined);
  return values.length > 0 ? median(values) : undefined;
}

export function ratio(a: Measured | undefined, b: Measured | undefined, figure: keyof Round): Ratio | undefined {
  if (!a || !b) return undefined;
  const [values, bases] = [a, b].map(({ rounds }) => rounds.map((round) => round[figure] ?? Number.NaN));
  return values && bases ? ratioOf(values, bases) : undefined;
}

export function errorsOf({ rounds }: Measured): number {
  return rounds.reduce((total, { errors }) => total + errors, 0);
}

// Measures targets on streams that are held open, in interleaved rounds like rounds.ts: opening is not counted.
import type { BenchContext } from './bench-context.ts';
import { holdStreams } from './load/held-streams.ts';
import type { StreamSpec } from './load/streams.ts';
import { interleave, type Measured, measureOnce, type Target } from './rounds.ts';

export async function measureStreams(
  { options, ending }: BenchContext,
  targets: readonly Target[],
  load: Pick<StreamSpec, 'kind' | 'streams'>,
): Promise<readonly Measured[]> {
  const measure = async (target: Target) => {
    const held = await holdStreams({ ...load, target: target.address, seconds: options.seconds }, ending);
    return measureOnce(target, () => held.measure());
  };
  for (const target of targets) if (target.warmsUp) await measure(target);
  return interleave(targets, options.rounds, measure);
}

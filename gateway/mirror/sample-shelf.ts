// Which of a route's samples are kept. Each difference keeps its first and its latest ones, and one sample may stand for
// several differences. Pure, and blind to who has taken a sample: gateways that share a store keep the same ones.
import { type Difference, isHeldAgainstNew } from './difference.ts';

/** Of each difference so many of the first samples, and so many of the latest, are kept. */
export const SAMPLES_EACH = 5;

/** What of a sample decides whether it is kept. */
export interface Keepable {
  /** Unlike that of any other sample of the route. */
  readonly n: number;
  /** ISO 8601, UTC. */
  readonly at: string;
  readonly outcome: string;
  readonly differences: readonly Difference[];
}

/** A sample, and how long its JSON text is. */
export interface ShelvedSample<S extends Keepable> {
  readonly sample: S;
  readonly bytes: number;
}

export interface ShelfLimits {
  readonly samplesMax: number;
  /** As JSON text, of all samples together. */
  readonly bytesMax: number;
}

export function shelved<S extends Keepable>(sample: S): ShelvedSample<S> {
  return { sample, bytes: Buffer.byteLength(JSON.stringify(sample)) };
}

/** What a sample shows: its differences that count; where there are none, how the comparison ended. */
export function shownBy({ outcome, differences }: Pick<Keepable, 'outcome' | 'differences'>): string[] {
  const differing = differences.filter(isHeldAgainstNew);
  if (differing.length === 0) return [outcome];
  return [...new Set(differing.map(({ kind, path }) => `${kind} ${path}`))];
}

/** Those that are kept, the oldest first. */
export function keptSamples<S extends Keepable>(
  all: readonly ShelvedSample<S>[],
  limits: ShelfLimits,
): ShelvedSample<S>[] {
  const inOrder = all.toSorted(({ sample: a }, { sample: b }) => (a.at < b.at ? -1 : a.at > b.at ? 1 : a.n - b.n));
  const byShown = new Map<string, ShelvedSample<S>[]>(); // samplesMax times the differences of a sample at most, and one.
  for (const each of inOrder) {
    for (const shown of shownBy(each.sample)) byShown.set(shown, [...(byShown.get(shown) ?? []), each]);
  }
  const wanted = new Set(
    [...byShown.values()].flatMap((each) => [...each.slice(0, SAMPLES_EACH), ...each.slice(-SAMPLES_EACH)]),
  );
  return withinLimits(
    inOrder.filter((each) => wanted.has(each)),
    limits,
  );
}

/** Leaves out the oldest that show nothing which another does not, then the oldest, until the rest fits. */
function withinLimits<S extends Keepable>(
  samples: readonly ShelvedSample<S>[],
  { samplesMax, bytesMax }: ShelfLimits,
): ShelvedSample<S>[] {
  const left = [...samples];
  let bytes = left.reduce((sum, each) => sum + each.bytes, 0);
  const shows = new Map<string, number>();
  for (const { sample } of left) for (const shown of shownBy(sample)) shows.set(shown, (shows.get(shown) ?? 0) + 1);
  while (left.length > samplesMax || bytes > bytesMax) {
    const spare = left.findIndex(({ sample }) => shownBy(sample).every((shown) => (shows.get(shown) ?? 0) > 1));
    const [gone] = left.splice(Math.max(spare, 0), 1);
    if (!gone) break;
    bytes -= gone.bytes;
    for (const shown of shownBy(gone.sample)) shows.set(shown, (shows.get(shown) ?? 1) - 1);
  }
  return left;
}

// Which of a route's samples are kept. Each difference keeps its first and its latest ones, and one sample may stand for
// several differences. Pure, and blind to who has taken a sample: gateways that share a store keep the same ones.
import { isHeldAgainstNew } from './difference.ts';
import type { Sample } from './sample.ts';

/** Of each difference so many of the first samples, and so many of the latest, are kept. */
export const SAMPLES_EACH = 5;
const SAMPLES_MAX = 100;
/** As JSON text, of all samples of a route together. */
const BYTES_MAX = 1_048_576;

/** A sample, and how long its JSON text is. */
export interface ShelvedSample {
  readonly sample: Sample;
  readonly bytes: number;
}

export function shelved(sample: Sample): ShelvedSample {
  return { sample, bytes: Buffer.byteLength(JSON.stringify(sample)) };
}

/** What a sample shows: its differences that count; where there are none, how the comparison ended. */
export function shownBy({ outcome, differences }: Pick<Sample, 'outcome' | 'differences'>): string[] {
  const differing = differences.filter(isHeldAgainstNew);
  if (differing.length === 0) return [outcome];
  return [...new Set(differing.map(({ kind, path }) => `${kind} ${path}`))];
}

/** Those that are kept, the oldest first. */
export function keptSamples(all: readonly ShelvedSample[]): ShelvedSample[] {
  const inOrder = all.toSorted(({ sample: a }, { sample: b }) => (a.at < b.at ? -1 : a.at > b.at ? 1 : a.n - b.n));
  const byShown = new Map<string, ShelvedSample[]>(); // SAMPLES_MAX times the differences of a sample at most, and one.
  for (const each of inOrder) {
    for (const shown of shownBy(each.sample)) byShown.set(shown, [...(byShown.get(shown) ?? []), each]);
  }
  const wanted = new Set(
    [...byShown.values()].flatMap((each) => [...each.slice(0, SAMPLES_EACH), ...each.slice(-SAMPLES_EACH)]),
  );
  return withinBounds(inOrder.filter((each) => wanted.has(each)));
}

/** Leaves out the oldest that show nothing which another does not, then the oldest, until the rest fits. */
function withinBounds(samples: readonly ShelvedSample[]): ShelvedSample[] {
  const left = [...samples];
  let bytes = left.reduce((sum, each) => sum + each.bytes, 0);
  const shows = new Map<string, number>();
  for (const { sample } of left) for (const shown of shownBy(sample)) shows.set(shown, (shows.get(shown) ?? 0) + 1);
  while (left.length > SAMPLES_MAX || bytes > BYTES_MAX) {
    const spare = left.findIndex(({ sample }) => shownBy(sample).every((shown) => (shows.get(shown) ?? 0) > 1));
    const [gone] = left.splice(Math.max(spare, 0), 1);
    if (!gone) break;
    bytes -= gone.bytes;
    for (const shown of shownBy(gone.sample)) shows.set(shown, (shows.get(shown) ?? 1) - 1);
  }
  return left;
}

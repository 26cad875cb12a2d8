// Evidence as a store keeps it: counters by name (kept-counts.ts), samples as text. What a store holds of other releases is
// left alone where it cannot be read.
import { z } from 'zod';
import { countersOf, countsFrom } from './kept-counts.ts';
import type { RouteBatch, StoredRoute, StoredSample } from './ledger/evidence-store.ts';
import type { Findings, KeptFindings } from './mirror/route-record.ts';
import type { Sample } from './mirror/sample.ts';
import type { StreamSample } from './mirror/stream-sample.ts';

/** What samples look like; those of another layout are not read. */
const SAMPLE_LAYOUT = 1;

export function toBatch({ route, stage, slices, added, addedOfStreams, removed }: Findings): RouteBatch {
  return {
    ...{ route, stage, removed },
    slices: [...slices].map(([startMs, counts]) => ({ startMs, counters: countersOf(counts) })),
    added: [
      ...added.map((sample) => storedOf(sample, { sample })),
      ...addedOfStreams.map((sample) => storedOf(sample, { streamSample: sample })),
    ],
  };
}

export function fromStored({ route, stage, total, slices, samples }: StoredRoute): KeptFindings {
  const documents = samples.flatMap((stored) => documentOf(stored) ?? []);
  return {
    ...{ route, stage, total: countsFrom(total) },
    slices: new Map(slices.map(({ startMs, counters }) => [startMs, countsFrom(counters)])),
    samples: documents.flatMap(({ sample }) => sample ?? []),
    streamSamples: documents.flatMap(({ streamSample }) => streamSample ?? []),
  };
}

/** Of a request, or of a stream. */
const sampleDocument = z.object({
  layout: z.literal(SAMPLE_LAYOUT),
  sample: z.custom<Sample>(isObject).optional(),
  streamSample: z.custom<StreamSample>(isObject).optional(),
});

function isObject(value: unknown): boolean {
  return typeof value === 'object' && value !== null;
}

function storedOf(
  { n, at }: Pick<StoredSample, 'n' | 'at'>,
  document: Omit<z.input<typeof sampleDocument>, 'layout'>,
): StoredSample {
  return { n, at, document: JSON.stringify({ layout: SAMPLE_LAYOUT, ...document }) };
}

/** Nobody but this writes samples, so one of the layout is one. */
function documentOf({ document }: StoredSample): z.output<typeof sampleDocument> | undefined {
  try {
    return sampleDocument.safeParse(JSON.parse(document)).data;
  } catch {
    return undefined;
  }
}

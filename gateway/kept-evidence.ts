// Evidence as a store keeps it: counters by name, samples as text. What a store holds of other releases is left alone
// where it cannot be read.
import { z } from 'zod';
import type { Counters, RouteBatch, StoredRoute, StoredSample } from './ledger/evidence-store.ts';
import { type Counts, differenceKey, newCounts } from './mirror/counts.ts';
import type { DifferenceKind } from './mirror/difference.ts';
import { OUTCOMES } from './mirror/observation.ts';
import type { Findings, KeptFindings } from './mirror/route-record.ts';
import type { Sample } from './mirror/sample.ts';

/** What samples look like; those of another layout are not read. */
const SAMPLE_LAYOUT = 1;

export function toBatch({ route, stage, slices, added, removed }: Findings): RouteBatch {
  return {
    ...{ route, stage, removed },
    slices: [...slices].map(([startMs, counts]) => ({ startMs, counters: countersOf(counts) })),
    added: added.map((sample) => ({
      n: sample.n,
      at: sample.at,
      document: JSON.stringify({ layout: SAMPLE_LAYOUT, sample }),
    })),
  };
}

export function fromStored({ route, stage, total, slices, samples }: StoredRoute): KeptFindings {
  return {
    ...{ route, stage, total: countsFrom(total) },
    slices: new Map(slices.map(({ startMs, counters }) => [startMs, countsFrom(counters)])),
    samples: samples.flatMap((stored) => sampleFrom(stored) ?? []),
  };
}

/** Names of counters: a word, and what it is about. */
const UNLISTED = 'unlisted';
const OUTCOME = 'outcome ';
const DROPPED = 'dropped ';
const DIFFERENCE = 'difference ';
const NOISE = 'noise ';
const CONFIRMED = 'confirmed ';
const BRACKETED_COMPARABLE = 'bracketed comparable';
const BRACKETED_AGREEING = 'bracketed agreeing';
const TIMED_PAIRS = 'timed pairs';
const TIMED_SLOWER = 'timed slower';

export function countersOf(counts: Counts): Counters {
  const counters = new Map<string, number>();
  const set = (name: string, value: number) => void (value > 0 && counters.set(name, value));
  for (const outcome of OUTCOMES) set(`${OUTCOME}${outcome}`, counts.outcomes[outcome]);
  for (const [reason, copies] of counts.dropped) set(`${DROPPED}${reason}`, copies);
  set(BRACKETED_COMPARABLE, counts.bracketed.comparable);
  set(BRACKETED_AGREEING, counts.bracketed.agreeing);
  set(TIMED_PAIRS, counts.timed.pairs);
  set(TIMED_SLOWER, counts.timed.slower);
  set(UNLISTED, counts.differencesDropped);
  for (const { path, kind, critical, rule, count, noise, confirmed } of counts.differences.values()) {
    const about = JSON.stringify([path, kind, critical, rule ?? null]);
    set(`${DIFFERENCE}${about}`, count);
    set(`${NOISE}${about}`, noise);
    set(`${CONFIRMED}${about}`, confirmed);
  }
  return counters;
}

export function countsFrom(counters: Counters): Counts {
  const counts = newCounts();
  for (const outcome of OUTCOMES) counts.outcomes[outcome] = counters.get(`${OUTCOME}${outcome}`) ?? 0;
  counts.bracketed.comparable = counters.get(BRACKETED_COMPARABLE) ?? 0;
  counts.bracketed.agreeing = counters.get(BRACKETED_AGREEING) ?? 0;
  counts.timed.pairs = counters.get(TIMED_PAIRS) ?? 0;
  counts.timed.slower = counters.get(TIMED_SLOWER) ?? 0;
  counts.differencesDropped = counters.get(UNLISTED) ?? 0;
  for (const [name, value] of counters) {
    if (name.startsWith(DROPPED)) counts.dropped.set(name.slice(DROPPED.length), value);
    const about = name.startsWith(DIFFERENCE) ? name.slice(DIFFERENCE.length) : undefined;
    const difference = about === undefined ? undefined : differenceFrom(about);
    if (!difference) continue;
    const noise = counters.get(`${NOISE}${about}`) ?? 0;
    const confirmed = counters.get(`${CONFIRMED}${about}`) ?? 0;
    counts.differences.set(differenceKey(difference), { ...difference, count: value, noise, confirmed });
  }
  return counts;
}

const differenceTuple = z.tuple([z.string(), z.custom<DifferenceKind>(isText), z.boolean(), z.string().nullable()]);

function isText(value: unknown): boolean {
  return typeof value === 'string';
}

function differenceFrom(about: string) {
  const parsed = differenceTuple.safeParse(parseJson(about));
  if (!parsed.success) return undefined;
  const [path, kind, critical, rule] = parsed.data;
  return { path, kind, critical, rule: rule ?? undefined };
}

const storedSample = z.object({ layout: z.literal(SAMPLE_LAYOUT), sample: z.custom<Sample>(isObject) });

function isObject(value: unknown): boolean {
  return typeof value === 'object' && value !== null;
}

/** Nobody but this writes samples, so one of the layout is one. */
function sampleFrom({ document }: StoredSample): Sample | undefined {
  return storedSample.safeParse(parseJson(document)).data?.sample;
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

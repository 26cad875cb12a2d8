// What was counted, as counters by name: how a store keeps it. Names that this release does not know are left alone.
import { z } from 'zod';
import type { Counters } from './ledger/evidence-store.ts';
import { type Counts, differenceKey, newCounts } from './mirror/counts.ts';
import type { DifferenceKind } from './mirror/difference.ts';
import { OUTCOMES } from './mirror/observation.ts';
import type { RouteCounts } from './mirror/route-counts.ts';
import {
  newStreamCounted,
  STREAM_ENDS,
  STREAM_REFUSALS,
  STREAM_TALLIES,
  type StreamCounted,
} from './mirror/stream-counts.ts';

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

const STREAM = 'stream ';
const REFUSED = 'refused ';
const ENDED = 'ended ';
const PAIRS = 'pairs ';
const LAG = 'lag ';

export function countersOf({ requests, streams }: RouteCounts): Counters {
  return new Map([...countersOfRequests(requests), ...prefixed(STREAM, streams ? countersOfStreams(streams) : [])]);
}

export function countsFrom(counters: Counters): RouteCounts {
  const ofStreams = unprefixed(STREAM, counters);
  return { requests: requestsFrom(counters), streams: ofStreams.size > 0 ? streamsFrom(ofStreams) : undefined };
}

function prefixed(prefix: string, counters: Iterable<readonly [string, number]>): [string, number][] {
  return [...counters].map(([name, value]) => [`${prefix}${name}`, value]);
}

/** Those with this prefix, without it. */
function unprefixed(prefix: string, counters: Counters): Map<string, number> {
  const found = [...counters].filter(([name]) => name.startsWith(prefix));
  return new Map(found.map(([name, value]) => [name.slice(prefix.length), value]));
}

function countersOfStreams(counted: StreamCounted): Counters {
  const tallies = STREAM_TALLIES.map((name) => [name, counted[name]] as const);
  return new Map([
    ...tallies.filter(([, value]) => value > 0),
    ...prefixed(REFUSED, counted.refused),
    ...prefixed(ENDED, counted.ended),
    ...prefixed(PAIRS, countersOfRequests(counted.pairs)),
    ...[...counted.lags].map(([bucket, count]) => [`${LAG}${bucket}`, count] as const),
  ]);
}

function streamsFrom(counters: Counters): StreamCounted {
  const counted: StreamCounted = {
    ...newStreamCounted(),
    pairs: requestsFrom(unprefixed(PAIRS, counters)),
    lags: new Map([...unprefixed(LAG, counters)].map(([bucket, count]) => [Number(bucket), count])),
  };
  for (const name of STREAM_TALLIES) counted[name] = counters.get(name) ?? 0;
  for (const reason of STREAM_REFUSALS) restore(counted.refused, reason, counters.get(`${REFUSED}${reason}`));
  for (const reason of STREAM_ENDS) restore(counted.ended, reason, counters.get(`${ENDED}${reason}`));
  return counted;
}

function restore<Key>(counts: Map<Key, number>, key: Key, value: number | undefined): void {
  if (value !== undefined) counts.set(key, value);
}

function countersOfRequests(counts: Counts): Counters {
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

function requestsFrom(counters: Counters): Counts {
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

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

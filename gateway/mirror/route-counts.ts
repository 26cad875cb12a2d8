// What was counted of a route in some stretch of time: its requests, and its streams once any was to be compared.
import { addCounts, type Counts, DIFFERENCES_MAX, newCounts } from './counts.ts';
import { addStreamCounted, newStreamCounted, type StreamCounted } from './stream-counts.ts';

export interface RouteCounts {
  readonly requests: Counts;
  streams: StreamCounted | undefined;
}

/** Of requests and of messages so many kinds of difference may be listed. */
export function newRouteCounts(differencesMax = DIFFERENCES_MAX): RouteCounts {
  return { requests: newCounts(differencesMax), streams: undefined };
}

/** `listed` as for `addCounts`. */
export function addRouteCounts(counts: RouteCounts, more: RouteCounts, listed?: RouteCounts): void {
  addCounts(counts.requests, more.requests, listed?.requests);
  if (more.streams) addStreamCounted(streamsIn(counts), more.streams, listed?.streams);
}

/** Where streams are to be counted. */
export function streamsIn(counts: RouteCounts): StreamCounted {
  counts.streams ??= newStreamCounted(counts.requests.differencesMax);
  return counts.streams;
}

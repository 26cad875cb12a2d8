// Which side answered one request later. Of copies of the same request, so that neither the mix of requests nor the hour
// tells between the sides; from when it is on a connection until the answer begins, so that neither how long connecting
// takes nor how fast a client reads does. What both sides ask of a third and is cached there favours the copy, which comes
// second. Pure.
import type { ObservedPair } from './compare.ts';

/** Less than this is the gateway's own doing. */
const SLACK_MS = 1;

/** Whether new took more than `ratio` times as long as legacy; undefined where a side did not answer, or nobody measured. */
export function isSlower({ legacy, new: fresh }: ObservedPair, ratio: number): boolean | undefined {
  for (const { failure, status = 0 } of [legacy, fresh]) if (failure || status >= 500) return undefined;
  if (legacy.firstByteMs === undefined || fresh.firstByteMs === undefined) return undefined;
  return fresh.firstByteMs > ratio * legacy.firstByteMs + SLACK_MS;
}

// An open event stream as it passes through forward.ts: where it can be ended so that its client comes back with
// Last-Event-ID and loses nothing.

import { headerValue } from '../proxy/headers.ts';
import type { EventStreamEnds, PassingEvents } from '../proxy/passing-events.ts';
import { createEventScanner } from './event-scanner.ts';
import { type ClosePlan, IDLE_CLOSE } from './flip-policy.ts';

const NOTHING = Buffer.alloc(0);

export interface EventStream extends PassingEvents {
  /** Ends the answer at the next end of an event; what has not come to one after `deadlineMs` is cut. Only the first call counts. */
  close(how: Pick<ClosePlan, 'deadlineMs'>): void;
}

export function createEventStream(ends: EventStreamEnds, idleTimeoutMs: number | undefined): EventStream {
  const scanner = createEventScanner();
  // In a compressed stream no event can be seen, so it can only be cut, which its client sees as an error and comes back too.
  const isReadable = headerValue(ends.headers, 'content-encoding') === undefined;
  let deadline: NodeJS.Timeout | undefined;
  let isOver = false;
  const idle = idleTimeoutMs === undefined ? undefined : setTimeout(() => close(IDLE_CLOSE), idleTimeoutMs);

  function close({ deadlineMs }: Pick<ClosePlan, 'deadlineMs'>): void {
    if (deadline) return;
    deadline = setTimeout(ends.cut, deadlineMs);
    if (isReadable && scanner.atBoundary) endHere();
  }

  /** Ends the answer once forward.ts has written what it has. */
  function endHere(): void {
    isOver = true;
    process.nextTick(ends.end);
  }

  return {
    close,
    pass(chunk) {
      idle?.refresh();
      if (isOver) return NOTHING;
      if (!isReadable) return chunk;
      if (!deadline) {
        scanner.push(chunk);
        return chunk;
      }
      const length = scanner.pushToBoundary(chunk);
      if (scanner.atBoundary) endHere();
      return length === chunk.length ? chunk : chunk.subarray(0, length);
    },
    closed() {
      clearTimeout(deadline);
      clearTimeout(idle);
    },
  };
}

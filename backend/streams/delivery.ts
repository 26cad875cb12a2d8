// One subscriber of one channel: what it has got, what of it is missing, and what happens when it reads too slowly. Every
// frame is delivered at most once and in order; where frames are left out the subscriber is told first.
import { HISTORY_MAX, isAfter, isNext, type NewsId } from '../bus/news.ts';
import type { Frame } from './frame.ts';

/** Why frames are missing: they are not kept any more, or their reader was too slow for them. */
export type GapReason = 'lost' | 'slow';
export type Gap = { readonly reason: GapReason; readonly after: NewsId | undefined; readonly next: NewsId | undefined };

/** Where frames go. */
export type Outlet = {
  readonly send: (frame: Frame) => void;
  readonly tellGap: (gap: Gap) => void;
  /** Reads more slowly than it is written to: what else is written waits in memory. */
  readonly isFull: () => boolean;
  /** Ends it: it missed what it must not miss, and reads on from where it was when it comes back. */
  readonly endSlow: () => void;
};

/** What becomes of frames that a full outlet cannot take: only the newest is kept for it, or it is ended. */
export type SlowPolicy = 'conflate' | 'end';

export type Delivery = {
  /** Begins after the last that was seen, else with the newest. `kept` is the channel's history, oldest first. */
  readonly begin: (kept: readonly Frame[], after: NewsId | undefined) => void;
  readonly offer: (frame: Frame) => void;
  /** The outlet is no longer full. */
  readonly drained: () => void;
};

/** Whether an id can be one of this channel: any other must not keep what comes from being new. */
function isPlausible(after: NewsId, newest: NewsId): boolean {
  return !isAfter(after, { epoch: newest.epoch, seq: newest.seq + HISTORY_MAX });
}

export function createDelivery(outlet: Outlet, policy: SlowPolicy): Delivery {
  let last: NewsId | undefined;
  let waiting: Frame | undefined;
  let hasLeftOut = false;

  function send(frame: Frame): void {
    if (last && !isNext(frame, last))
      outlet.tellGap({ reason: hasLeftOut ? 'slow' : 'lost', after: last, next: frame });
    hasLeftOut = false;
    last = frame;
    outlet.send(frame);
  }

  return {
    begin(kept, after) {
      const newest = kept.at(-1);
      if (after && newest && isPlausible(after, newest)) {
        last = after;
        for (const frame of kept) if (isAfter(frame, after)) send(frame); // However full: it is no more than is kept.
        return;
      }
      if (after) outlet.tellGap({ reason: 'lost', after, next: newest });
      if (newest) send(newest);
    },
    offer(frame) {
      if (last && !isAfter(frame, last)) return;
      if (!outlet.isFull()) return send(frame);
      if (policy === 'end') return outlet.endSlow();
      if (waiting) hasLeftOut = true;
      waiting = frame;
    },
    drained() {
      const frame = waiting;
      waiting = undefined;
      if (frame) send(frame);
    },
  };
}

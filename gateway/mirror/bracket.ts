// Asking the sides so that noise shows: legacy before and after new, both at the same distance in time, so that what
// changes meanwhile by itself is as likely to be seen between the two legacy answers as between legacy's and new's.
//
//   legacy serves:  legacy (served) ── gap ── new ── gap ── legacy again
//   new serves:     new (served) │ legacy ── gap ── new again ── gap ── legacy again
//
// Where new serves, nothing can have been asked of legacy before it without keeping the client waiting; and two legacy
// answers that both come after new's would call a change in between an error of new. So new is asked once more, between
// them, and that answer is compared; the one that was served is compared in the requests that are not bracketed.
import type { Side } from '../routing/side.ts';
import type { ObservedPair } from './compare.ts';
import type { Observation } from './observation.ts';

/** Answers further apart say too little of each other; and who waits holds the place of another copy. */
const GAP_MS_MAX = 1_000;

export interface Asking {
  readonly served: Observation;
  /** When the serving side was asked. */
  readonly servedAtMs: number;
  /** Sends a copy to a side. Never rejects. */
  send(side: Side): Promise<Observation>;
  nowMs(): number;
  wait(ms: number): Promise<unknown>;
}

export interface Asked {
  readonly pair: ObservedPair;
  /** Legacy's answer after new's; undefined where it was not asked, or gave none. */
  readonly again: Observation | undefined;
}

/** Asks the side that does not serve. */
export async function askOther({ served, send }: Pick<Asking, 'served' | 'send'>): Promise<Asked> {
  const pair: ObservedPair =
    served.side === 'legacy'
      ? { legacy: served, new: await send('new'), copied: 'new' }
      : { legacy: await send('legacy'), new: served, copied: 'legacy' };
  return { pair, again: undefined };
}

/** Asks so that noise shows. When an answer fails, what there is is answered as though it had not been tried. */
export async function askBracketed(asking: Asking): Promise<Asked> {
  const { served, send, nowMs, wait } = asking;
  let legacyAtMs = asking.servedAtMs;
  let newAtMs = nowMs();
  const first = await askOther(asking);
  let { pair } = first;
  if (!isUsable(pair.legacy) || !isUsable(pair.new)) return first;
  if (served.side === 'new') {
    legacyAtMs = newAtMs;
    newAtMs = nowMs();
    const newAgain = await send('new');
    if (!isUsable(newAgain)) return first;
    pair = { ...pair, new: newAgain };
  }
  const gapMs = newAtMs - legacyAtMs;
  if (gapMs > GAP_MS_MAX) return first;
  const waitMs = newAtMs + gapMs - nowMs();
  if (waitMs > 0) await wait(waitMs);
  const again = await send('legacy');
  return isUsable(again) ? { pair, again } : first;
}

/** Whether there is an answer that others can be compared with. */
function isUsable({ failure, status }: Observation): boolean {
  return failure === undefined && status !== undefined && status < 500;
}

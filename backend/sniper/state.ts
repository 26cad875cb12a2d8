// What a target may become. Pure.
import { isoTime } from '../domain/time.ts';
import type { TargetEvent, TargetEventName, TargetRecord, TargetStatus } from '../store/sniper-items.ts';

/**
 * pending: not armed. active: armed, waiting for its listing to be ready. ready: waiting for the opening. executing: somebody holds
 * its lease, or did. completed: bought. failed: tried, in vain. missed: the opening passed. The last three are final.
 */
const TRANSITIONS: Readonly<Record<TargetStatus, readonly TargetStatus[]>> = {
  pending: ['active'],
  active: ['pending', 'ready', 'missed'],
  ready: ['pending', 'executing', 'missed', 'failed'],
  executing: ['completed', 'failed', 'missed'],
  completed: [],
  failed: [],
  missed: [],
};
/** Events kept of a target: the latest. An opening makes some thirty. */
const EVENTS_MAX = 100;
const DETAIL_CHARS_MAX = 300;

export const canBecome = (from: TargetStatus, to: TargetStatus): boolean => TRANSITIONS[from].includes(to);
export const isFinal = (status: TargetStatus): boolean => TRANSITIONS[status].length === 0;

/** What happened, with what is worth knowing of it. */
export type Happened = readonly [event: TargetEventName, detail: string];

/** The target's next version. Throws where the table does not allow the status: that is a mistake of the caller. */
export function changed(
  target: TargetRecord,
  change: Partial<TargetRecord>,
  nowMs: number,
  ...happened: readonly Happened[]
): TargetRecord {
  const { status = target.status } = change;
  if (status !== target.status && !canBecome(target.status, status)) {
    throw new Error(`a target that is ${target.status} cannot become ${status}`);
  }
  const at = isoTime(nowMs);
  const events = happened.map(
    ([event, detail]): TargetEvent => ({ at, event, detail: detail.slice(0, DETAIL_CHARS_MAX) }),
  );
  return {
    ...target,
    ...change,
    events: [...target.events, ...events].slice(-EVENTS_MAX),
    updated_at: at,
    version: target.version + 1,
  };
}

export function armed(target: TargetRecord, nowMs: number): TargetRecord | undefined {
  return target.status === 'pending' ? changed(target, { status: 'active' }, nowMs, ['armed', '']) : undefined;
}

/** Undefined when there is nothing to take back, or it is too late. */
export function disarmed(target: TargetRecord, nowMs: number): TargetRecord | undefined {
  if (target.status !== 'active' && target.status !== 'ready') return undefined;
  return changed(target, { status: 'pending' }, nowMs, ['disarmed', '']);
}

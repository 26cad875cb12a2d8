// What to tell of a change: of one that was audited, and of a plan's. Pure.
import { z } from 'zod';
import { ALL_ROUTES, type AuditEntry } from '../ledger/ledger.ts';
import { type PlanState, placeText } from '../rollout/plan.ts';
import { type FlagPercents, stageOf } from '../rollout/stage.ts';
import type { Notice } from './notice.ts';

const flagPercents = z.object({ percent: z.number(), mirrorPercent: z.number() });

/** Undefined for what nobody has to hear of. `isStored` is false for a rollback that holds and could not be stored. */
export function noticeOfEntry(entry: AuditEntry, isStored: boolean): Notice | undefined {
  const { action, scope, actor, source, reason, at } = entry;
  const what = scope === ALL_ROUTES ? 'all routes' : scope;
  const about = { at, route: scope, data: numbersOf(entry) };
  if (action === 'rollback') {
    const lost = isStored ? '' : '; it could not be stored, and would not survive a restart';
    const sentence = `${what}: rolled back to legacy by ${actor}: ${reason}${lackedOf(entry)}${lost}`;
    return { ...about, type: 'route.rolled_back', severity: source === 'guard' ? 'critical' : 'warning', sentence };
  }
  if (!isStored) return undefined;
  if (action === 'lift') {
    const sentence = `${what}: the override is lifted by ${actor}: ${reason}`;
    return { ...about, type: 'override.lifted', severity: 'info', sentence };
  }
  if (action === 'deploy') return noticeOfDeployment(entry);
  if (action !== 'stage') return undefined;
  const [before, after] = [flagPercents.safeParse(entry.before).data, flagPercents.safeParse(entry.after).data];
  if (!before || !after) return undefined;
  const way = reachOf(after) - reachOf(before);
  const sentence = `${what}: ${placeOf(before)} -> ${placeOf(after)} by ${actor}: ${reason}`;
  if (way > 0) return { ...about, type: 'route.promoted', severity: 'info', sentence };
  // What a plan or guard takes back is told as its end, or as the rollback that it was.
  if (way === 0 || source === 'plan' || source === 'guard') return undefined;
  return { ...about, type: 'route.moved_back', severity: 'warning', sentence };
}

const deployed = z.object({ from: z.string(), to: z.string(), status: z.string() });

function noticeOfDeployment(entry: AuditEntry): Notice | undefined {
  const { actor, source, reason, at } = entry;
  const after = deployed.safeParse(entry.after).data;
  if (!after) return undefined;
  const { from, to, status } = after;
  const about = { at, data: numbersOf(entry) };
  if (status === 'returned') {
    const sentence = `deployment of ${to}: ${from} serves again, by ${actor}: ${reason}`;
    return { ...about, type: 'deployment.returned', severity: source === 'guard' ? 'critical' : 'warning', sentence };
  }
  const sentence = `deployment of ${to} in the place of ${from}: ${status}, by ${actor}: ${reason}`;
  return { ...about, type: 'deployment.moved', severity: 'info', sentence };
}

const lacked = z.object({ writesLegacyLacks: z.object({ count: z.number().positive() }) });
const evidenceSchema = z.union([lacked, z.object({ numbers: lacked }).transform(({ numbers }) => numbers)]);

/** What a rollback leaves on the new side only. */
function lackedOf({ evidence }: AuditEntry): string {
  const found = evidenceSchema.safeParse(evidence).data;
  return found ? `; legacy lacks ${found.writesLegacyLacks.count} writes that new has accepted` : '';
}

function numbersOf({ actor, source, reason, before, after, evidence, requestId }: AuditEntry) {
  return { actor, source, reason, before, after, evidence, ...(requestId === undefined ? {} : { requestId }) };
}

function reachOf(percents: FlagPercents): number {
  return { legacy: 0, shadow: 1, canary: 2 + percents.percent, live: 200, complete: 300 }[stageOf(percents)];
}

function placeOf(percents: FlagPercents): string {
  return placeText({ stage: stageOf(percents), percent: percents.percent });
}

/** What to tell when a plan's state has become another. A rollback is told as what it is. */
export function noticeOfPlan(
  route: string,
  before: PlanState | undefined,
  after: PlanState,
  at: string,
): Notice | undefined {
  if (before?.status === after.status) return undefined;
  const { plan, status, step, place, note } = after;
  const about = { at, route, data: { plan, step: step + 1, place: placeText(place), note } };
  if (status === 'completed') {
    const sentence = `${route}: the plan ${plan} is completed: ${note}`;
    return { ...about, type: 'plan.completed', severity: 'info', sentence };
  }
  if (status === 'aborted') {
    const sentence = `${route}: the plan ${plan} is aborted: ${note}`;
    return { ...about, type: 'plan.aborted', severity: 'warning', sentence };
  }
  if (status !== 'paused') return undefined;
  const sentence = `${route}: the plan ${plan} is paused at step ${step + 1} (${placeText(place)}): ${note}`;
  return { ...about, type: 'plan.paused', severity: 'warning', sentence };
}

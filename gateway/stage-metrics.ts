// What the metrics say of who serves: the stage of each route, the share that new serves, and every move of it.
import type { AuditEntry } from './ledger/ledger.ts';
import type { GatewayMetrics } from './metrics.ts';
import type { RouteState } from './rollout/control.ts';
import { STAGES } from './rollout/stage.ts';

type StageMetrics = Pick<GatewayMetrics, 'stages' | 'newShares' | 'flips'>;

/** Shows the routes as they stand; those that are gone are shown no more. An override shows as the stage that it comes to. */
export function showStages({ stages, newShares }: Omit<StageMetrics, 'flips'>, routes: readonly RouteState[]): void {
  stages.reset();
  newShares.reset();
  for (const { id: route, stage, percent } of routes) {
    for (const each of STAGES) stages.set({ route, stage: each }, each === stage ? 1 : 0);
    newShares.set({ route }, percent / 100);
  }
}

/** Counts a change that moved who serves. A rollback holds whether or not it could be stored; what else was not has not happened. */
export function countFlip({ flips }: Pick<StageMetrics, 'flips'>, entry: AuditEntry, isStored: boolean): void {
  const { action, scope: route, source } = entry;
  const moves = action === 'stage' || action === 'rollback' || action === 'lift';
  if (moves && (isStored || action === 'rollback')) flips.inc({ route, action, source });
}

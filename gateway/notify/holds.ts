// Tells of plans that wait for something, once for each thing: a gate that fails, or one that is still open when the
// step's time is over.
import type { PlanView } from '../rollout/plan-view.ts';
import type { Notify } from './notice.ts';

export interface Holds {
  /** The plan of a route as it is now; `leastMs` is how long its step has to last. To be called whenever it was looked at. */
  look(route: string, view: PlanView, leastMs: number): void;
}

export function createHolds(notify: Notify, now: () => Date): Holds {
  const told = new Map<string, string>(); // One per configured route with a plan.
  return {
    look(route, view, leastMs) {
      const waitsFor = whatHolds(view, now().getTime(), leastMs);
      if (waitsFor === undefined) {
        told.delete(route);
        return;
      }
      if (told.get(route) === waitsFor) return;
      told.set(route, waitsFor);
      const { plan, step, steps, gates, holds } = view;
      const where = `step ${step} of ${steps.length} (${steps[step - 1]})`;
      notify({
        ...{ type: 'route.held', severity: 'warning', at: now().toISOString(), route, topic: `held ${route}` },
        sentence: `${route}: the plan ${plan} waits at ${where}: ${holds}`,
        data: { plan, step, gates },
      });
    },
  };
}

/** Undefined where nothing holds the plan but its time, or nobody would wonder yet. */
function whatHolds(view: PlanView, nowMs: number, leastMs: number): string | undefined {
  const { status, settled, holds, since, step, gates } = view;
  if (status !== 'running' || !settled || holds === null || since === null) return undefined;
  const isOver = nowMs >= Date.parse(since) + leastMs;
  const open = gates.filter(({ status: answer }) => answer === 'fail' || (isOver && answer !== 'pass'));
  if (open.length === 0) return undefined;
  return `${step} ${open.map(({ gate, status: answer }) => `${gate} ${answer}`).join()}`;
}

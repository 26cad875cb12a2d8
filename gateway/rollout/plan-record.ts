// A plan's state as a store keeps it.
import { z } from 'zod';
import type { StoredPlan } from '../ledger/plan-store.ts';
import { PLAN_STATUSES, type PlanState } from './plan.ts';

/** What documents look like; those of another layout are not read. */
const PLAN_LAYOUT = 1;

const planDocument = z.object({
  layout: z.literal(PLAN_LAYOUT),
  state: z.object({
    plan: z.string(),
    status: z.enum(PLAN_STATUSES),
    step: z.number(),
    place: z.object({
      stage: z.enum(['shadow', 'canary', 'live', 'complete']),
      percent: z
        .number()
        .optional()
        .transform((percent) => percent),
    }),
    settled: z.boolean(),
    enteredMs: z.number(),
    note: z.string(),
  }),
});

export interface KnownPlan {
  readonly state: PlanState;
  readonly revision: number;
}

export function documentOf(state: PlanState): string {
  return JSON.stringify({ layout: PLAN_LAYOUT, state });
}

/** @throws when another release has written it in a way that this one does not know. */
export function knownPlan({ route, revision, document }: StoredPlan): KnownPlan {
  const parsed = planDocument.safeParse(JSON.parse(document));
  if (!parsed.success) throw new Error(`the plan of ${route} was stored by another release; use that, or a later one`);
  const { place, ...state } = parsed.data.state;
  return { revision, state: { ...state, place: { stage: place.stage, percent: place.percent } } };
}

// Stages, overrides, plans and guards, as the API says them.
import { z } from 'zod';
import { GATES } from '../../../config/plan-schema.ts';
import { PLAN_ACTIONS, PLAN_STATUSES } from '../../rollout/plan.ts';
import { STAGES } from '../../rollout/stage.ts';
import { SIDES } from '../../routing/side.ts';
import { count, instant, list, named, revision } from './named.ts';
import { reason } from './reason.ts';
import { lackedOfAll, writesLegacyLacks } from './writes.ts';

const percent = z.number().min(0).max(100);
export const stage = z.enum(STAGES);
export const place = {
  stage,
  percent: percent.describe('Share of users that the new side serves.'),
  mirrorPercent: percent.describe('Share of users whose requests are copied.'),
};
const forced = {
  scope: z.string().describe('A route, or * for all.'),
  side: z.enum(SIDES),
  reason: z.string(),
  actor: z.string(),
  at: instant,
};
export const allOverride = named('Override', z.strictObject(forced));
export const routeOverride = named('RouteOverride', z.strictObject({ ...forced, returnsTo: z.strictObject(place) }));

/** A change is in force on the processes that serve; absent where the one that answers serves by itself. */
export const acknowledged = z
  .strictObject({ workers: z.number().int(), of: z.number().int() })
  .optional()
  .describe('How many of the processes that serve follow the change.');

/** The number that GET /api/status says of it. */
const flip = count.optional().describe('The number of the flip; absent while the ledger is away.');
const followed = { acknowledged, flip };

const routeState = { id: z.string(), ...place, override: routeOverride.optional(), revision };
export const stageBody = named(
  'StageRequest',
  z.strictObject({ stage, percent: z.number().optional(), mirrorPercent: z.number().optional(), reason }),
);
export const changedRoute = named('ChangedRoute', z.strictObject({ ...routeState, ...followed }));

const progress = {
  durable: z.boolean().describe('Whether it is stored, and would survive a restart.'),
  done: z.boolean().describe('Whether no stream is open on the new side any more.'),
  streamsOnOldSide: z.number().int(),
};
export const reasonBody = named('Reason', z.strictObject({ reason }));
export const rolledBackRoute = named(
  'RolledBackRoute',
  z.strictObject({ ...routeState, ...followed, ...progress, writesLegacyLacks }),
);
const ofAll = { override: allOverride.nullable(), revision };
export const overrideOfAll = named('OverrideOfAll', z.strictObject(ofAll));
export const changedOverrideOfAll = named('ChangedOverrideOfAll', z.strictObject({ ...ofAll, ...followed }));
export const rolledBackAll = named(
  'RolledBackAll',
  z.strictObject({ ...ofAll, ...followed, ...progress, writesLegacyLacks: lackedOfAll }),
);

const gate = named(
  'Gate',
  z.strictObject({
    gate: z.enum(GATES),
    status: z.enum(['pass', 'fail', 'inconclusive']),
    sentence: z.string(),
    numbers: z.record(z.string(), z.number()),
  }),
);
export const plan = named(
  'Plan',
  z.strictObject({
    plan: z.string(),
    mode: z.enum(['act', 'dry-run']),
    status: z.enum([...PLAN_STATUSES, 'not_started']),
    step: z.number().int().describe('From 1; 0 before the first.'),
    steps: list(z.string()),
    since: instant.nullable(),
    settled: z.boolean(),
    note: z.string().nullable(),
    holds: z.string().nullable().describe('Why it does not go on now.'),
    gates: list(gate),
  }),
);
export const planBody = named(
  'PlanRequest',
  z.strictObject({
    action: z.enum(PLAN_ACTIONS),
    force: z.boolean().default(false).describe('Of promote: pass over gates that are not met. Needs the role admin.'),
    reason,
  }),
);
export const changedPlan = named('ChangedPlan', z.strictObject({ ...routeState, plan, acknowledged }));

const cause = z.enum(['upstream', 'errors', 'critical', 'latency']);
export const guard = named(
  'Guard',
  z.discriminatedUnion('kind', [
    z.strictObject({ kind: z.literal('watch') }),
    z.strictObject({ kind: z.literal('roll_back'), cause, sentence: z.string() }),
    z.strictObject({ kind: z.literal('hold'), cause, sentence: z.string() }),
  ]),
);

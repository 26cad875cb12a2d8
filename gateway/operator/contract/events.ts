// What GET /api/events says: one schema per event's name.
import { z } from 'zod';
import { latency } from './evidence.ts';
import { auditEntryInBrief, instanceState } from './gateway.ts';
import { jobInBrief } from './jobs.ts';
import { instant, list, named, revision, share } from './named.ts';
import { allOverride, guard, place, plan, routeOverride } from './rollout.ts';
import { streamCounts } from './routes.ts';

const side = z.strictObject({
  perSecond: z.number(),
  errorShare: share.nullable(),
  latencyMs: latency.nullable(),
});
const health = z.strictObject({ healthy: z.boolean().nullable(), problem: z.string().nullable() });

export const EVENTS = {
  hello: named(
    'HelloEvent',
    z.strictObject({
      at: instant,
      environment: z.string(),
      resumed: z
        .boolean()
        .describe('Whether all that was missed since Last-Event-ID follows. When not, ask for everything anew.'),
    }),
  ),
  route: named(
    'RouteEvent',
    z.strictObject({ at: instant, id: z.string(), ...place, override: routeOverride.nullable(), revision }),
  ),
  routes: named('RoutesEvent', z.strictObject({ at: instant, ids: list(z.string()) })),
  override: named('OverrideEvent', z.strictObject({ at: instant, override: allOverride.nullable(), revision })),
  plan: named('PlanEvent', z.strictObject({ at: instant, id: z.string(), plan: plan.nullable(), guard })),
  rules: named('RulesEvent', z.strictObject({ at: instant, revision })),
  instances: named('InstancesEvent', z.strictObject({ at: instant, instances: list(z.strictObject(instanceState)) })),
  jobs: named('JobsEvent', z.strictObject({ at: instant, jobs: list(z.strictObject(jobInBrief)) })),
  health: named(
    'HealthEvent',
    z.strictObject({
      at: instant,
      ready: z.boolean(),
      warnings: list(z.string()),
      upstreams: z.strictObject({ legacy: health, new: health }),
    }),
  ),
  audit: named('AuditEvent', z.strictObject({ at: instant, entry: auditEntryInBrief })),
  summary: named(
    'SummaryEvent',
    z.strictObject({
      at: instant,
      routes: list(
        z.strictObject({
          id: z.string(),
          traffic: z.strictObject({ legacy: side, new: side }),
          streams: streamCounts,
          coverage: share.nullable(),
          parity: share.nullable(),
          parityLowerBound: share.nullable(),
          attention: z.number().int().describe('How many things somebody should look at.'),
        }),
      ),
    }),
  ),
} as const;

export type EventName = keyof typeof EVENTS;
export type EventData<Name extends EventName> = z.output<(typeof EVENTS)[Name]>;

// A route in the list and by itself.
import { z } from 'zod';
import { gatewaySchema } from '../../../config/gateway-schema.ts';
import { AUDIT_ACTIONS } from '../../ledger/ledger.ts';
import { differences, latency, rates, window } from './evidence.ts';
import { count, instant, list, named, revision, share } from './named.ts';
import { guard, place, plan, routeOverride } from './rollout.ts';
import { lackedInBrief, writesLegacyLacks } from './writes.ts';

export const SEVERITIES = ['info', 'warning', 'critical'] as const;
export const ATTENTION_KINDS = [
  'override',
  'flags',
  'streams',
  'breaker',
  'critical_difference',
  'noise',
  'rule',
  'new_errors',
  'timeouts',
  'coverage',
  'stream_differences',
  'served_errors',
  'guard',
  'plan',
  'gate',
] as const;

export const attention = named(
  'Attention',
  z.strictObject({ kind: z.enum(ATTENTION_KINDS), severity: z.enum(SEVERITIES), sentence: z.string() }),
);
export type Attention = z.output<typeof attention>;

export const sideTraffic = named(
  'SideTraffic',
  z.strictObject({
    requests: count.describe('Since this gateway began.'),
    errors: count.describe('Of those, answers of 500 and above and requests that could not be answered.'),
    perSecond: z.number().describe('Over the last minute.'),
    errorShare: share.nullable().describe('Over the last minute; null where nothing was served.'),
    latencyMs: latency.nullable().describe('Over the last minute or two.'),
  }),
);
export const traffic = z.strictObject({ legacy: sideTraffic, new: sideTraffic });

export const streamCounts = named(
  'StreamCounts',
  z.strictObject({
    legacy: count,
    new: count,
    oldSide: count.describe('On a side that no longer serves them.'),
    oldest: instant.nullable(),
  }),
);

const summary = {
  id: z.string(),
  group: z.string().nullable(),
  match: z.strictObject({ methods: list(z.string()), path: z.string() }),
  ...place,
  samplePercent: z.number(),
  override: routeOverride.nullable(),
  revision,
  traffic,
  streams: streamCounts,
  comparison: z.strictObject(rates),
  writesLegacyLacks: z.strictObject(lackedInBrief),
  attention: list(attention).describe('What somebody should look at; empty when nothing is.'),
};
export const routeSummary = named('RouteSummary', z.strictObject(summary));
export type RouteSummary = z.output<typeof routeSummary>;
const lastFlip = z.strictObject({ at: instant, actor: z.string(), action: z.enum(AUDIT_ACTIONS) });
export const listedRoute = named(
  'ListedRoute',
  z.strictObject({ ...summary, lastFlip: lastFlip.nullable().describe('Who last moved who serves it, and when.') }),
);
export const routeList = named('RouteList', z.strictObject({ environment: z.string(), routes: list(listedRoute) }));

const { mirror, compare, redact, streams, writes, initialStage, requires, timeoutMs } =
  gatewaySchema.shape.routes.unwrap().element.shape;
const openBreakers = z.strictObject({ legacy: count, new: count });

export const routeDetail = named(
  'Route',
  z.strictObject({
    ...summary,
    writesLegacyLacks,
    openBreakers: openBreakers.describe('How many processes leave each side alone.'),
    plan: plan.nullable(),
    guard,
    settings: z.strictObject({ initialStage, timeoutMs, mirror, compare, redact, streams, writes, requires }),
    evidence: z.strictObject({
      window,
      since: instant,
      pending: count,
      dropped: z.record(z.string(), count),
      differences,
      windows: list(z.strictObject({ window, since: instant, ...rates })),
    }),
  }),
);
export type RouteDetail = z.output<typeof routeDetail>;
export const windowQuery = z.strictObject({ window: window.default('stage') });

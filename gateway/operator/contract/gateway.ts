// The gateway itself: its state, its processes, its health, its audit log.
import { z } from 'zod';
import { AUDIT_ACTIONS, AUDIT_SOURCES, JOURNAL_COUNTS } from '../../ledger/ledger.ts';
import { RULE_STATES } from '../../rollout/rule-state.ts';
import { STAGES } from '../../rollout/stage.ts';
import { count, countsOf, instant, list, named } from './named.ts';
import { allOverride } from './rollout.ts';

const problem = z.string().nullable();
const bothShares = z.strictObject({ legacy: z.number(), new: z.number() });

export const sideStatus = named(
  'SideStatus',
  z.strictObject({
    url: z.string(),
    healthy: z.boolean().nullable().describe('Null where no health check is configured.'),
    problem,
    inFlight: count,
  }),
);

const flipped = {
  version: count.describe('Grows with each flip, of whatever route.'),
  scope: z.string().describe('A route, * for all, or #deployment.'),
  action: z.enum(['stage', 'rollback', 'lift', 'deploy']),
  at: instant.describe("Of the operator's call."),
  acknowledgedMs: z
    .number()
    .nullable()
    .describe('Until all gateways that are there followed; null while one does not.'),
  oldSideMs: z
    .number()
    .nullable()
    .describe('Until the last request ended on the side that serves nobody any more; null where both serve.'),
  waitingFor: list(z.string()).describe('Gateways that do not follow yet.'),
  gone: list(z.string()).describe('Gateways that are not waited for.'),
};
const flips = named(
  'Flips',
  z.strictObject({
    version: count.describe('Of the last; 0 before the first.'),
    p50Ms: z.number().nullable().describe("From the operator's call until all gateways followed, of the latest flips."),
    p99Ms: z.number().nullable(),
    last: z.strictObject(flipped).nullable(),
  }),
);
const gateways = list(
  named(
    'GatewayInstance',
    z.strictObject({
      id: z.string(),
      host: z.string(),
      pid: z.number().int(),
      startedAt: instant,
      workers: count.describe('Processes that serve there.'),
      state: z.enum(['there', 'gone']),
      version: count.describe('Of the last flip that it follows.'),
    }),
  ),
).describe('The gateways that share the ledger.');

/** Of a ledger that may be away; the changes are those that its journal has. */
const standing = {
  away: z.strictObject({ since: instant, cause: z.string() }).nullable().optional().describe('Null while it is there.'),
  waiting: count.optional().describe('Changes that wait for it.'),
  waitingMax: count.optional(),
  counts: countsOf(JOURNAL_COUNTS).optional().describe('Changes, since the gateway began.'),
};

export const status = named(
  'Status',
  z.strictObject({
    environment: z.string(),
    ready: z.boolean(),
    warnings: list(z.string()),
    override: allOverride.nullable(),
    routes: count,
    stages: countsOf(STAGES),
    rules: countsOf(RULE_STATES),
    unrouted: z.strictObject({ requests: count }),
    config: z.strictObject({ problem }),
    flags: z.strictObject({ provider: z.string(), problem, staleSeconds: z.number() }),
    ledger: z.strictObject({ problem, ...standing }),
    evidence: z.strictObject({ problem }),
    flips,
    gateways,
    workers: z.strictObject({ wanted: count, serving: count }),
    mirror: z.strictObject({ waiting: count, waitingBytes: count, allowedShare: bothShares }),
    upstreams: z.strictObject({ legacy: sideStatus, new: sideStatus }),
  }),
);
export type Status = z.output<typeof status>;

export const instanceState = {
  pid: z.number().int(),
  startedAt: instant,
  state: z.enum(['starting', 'serving']),
  version: count.describe('Of flags, overrides and configuration, that it follows.'),
};
export const instanceList = named(
  'InstanceList',
  z.strictObject({ instances: list(z.strictObject({ ...instanceState, requests: count })), gateways }),
);

const auditEntry = {
  id: z.number().int(),
  at: instant,
  actor: z.string(),
  source: z.enum(AUDIT_SOURCES),
  action: z.enum(AUDIT_ACTIONS),
  scope: z.string(),
  reason: z.string(),
  before: z.unknown(),
  after: z.unknown(),
  requestId: z.string().optional(),
  instance: z.string().optional().describe('The gateway that made it.'),
};
export const auditEntryInBrief = named('AuditEntryInBrief', z.strictObject(auditEntry));
export const AUDIT_LIMIT_MAX = 500;
export const auditQuery = z.strictObject({
  limit: z.coerce.number().int().min(1).max(AUDIT_LIMIT_MAX).default(50),
  before: z.coerce.number().int().min(1).optional().describe('The id of an entry: only older ones.'),
  route: z.string().optional(),
});
/** The whole log, to be kept elsewhere. */
export const auditExportQuery = z.strictObject({ format: z.enum(['json', 'csv'], 'expected json or csv') });
const hash = z.string().describe('SHA-256; docs/audit.md says of what.');
export const auditLog = named(
  'AuditLog',
  z.strictObject({
    entries: list(
      z.strictObject({
        ...auditEntry,
        evidence: z.unknown().describe('The numbers that the change was based on.'),
        prev: hash,
        hash,
      }),
    ),
    head: z.strictObject({ id: count, hash }).nullable().describe('The newest entry; null of an empty log.'),
  }),
);

export const live = named('Live', z.strictObject({ status: z.literal('live') }));
export const ready = named(
  'Ready',
  z.strictObject({ ready: z.boolean(), reasons: list(z.string()), warnings: list(z.string()) }),
);

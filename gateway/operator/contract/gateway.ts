// The gateway itself: its state, its processes, its health, its audit log.
import { z } from 'zod';
import { AUDIT_ACTIONS, AUDIT_SOURCES } from '../../ledger/ledger.ts';
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
    ledger: z.strictObject({ problem }),
    evidence: z.strictObject({ problem }),
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
  z.strictObject({ instances: list(z.strictObject({ ...instanceState, requests: count })) }),
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

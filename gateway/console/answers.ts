// The API's answers, by the schemas that the gateway makes them by: types only, none of its code comes into the browser.
import type { z } from 'zod';
import type { RulePreview } from '../mirror/preview.ts';
import type * as deployment from '../operator/contract/deployment.ts';
import type * as evidence from '../operator/contract/evidence.ts';
import type * as gateway from '../operator/contract/gateway.ts';
import type * as jobs from '../operator/contract/jobs.ts';
import type * as loadRuns from '../operator/contract/load-runs.ts';
import type * as notifications from '../operator/contract/notifications.ts';
import type * as routes from '../operator/contract/routes.ts';
import type * as rules from '../operator/contract/rules.ts';
import type * as samples from '../operator/contract/samples.ts';

export type { EventName } from '../operator/contract/events.ts';
export type { Status } from '../operator/contract/gateway.ts';
export type { Attention, RouteDetail, RouteSummary } from '../operator/contract/routes.ts';
export type { Series } from '../operator/contract/series.ts';
export type { SessionAnswer } from '../operator/contract/session.ts';
export type { RulePreview };

export type RouteList = z.output<typeof routes.routeList>;
export type RouteEvidence = z.output<typeof evidence.comparisons>;
export type ListedRoute = RouteList['routes'][number];
export type DifferenceCount = RouteEvidence['differences'][number];
export type SampleList = z.output<typeof samples.sampleList>;
export type Sample = z.output<typeof samples.sample>;
export type RuleList = z.output<typeof rules.ruleList>;
export type ListedRule = RuleList['rules'][number];
export type AuditLog = z.output<typeof gateway.auditLog>;
export type AuditEntry = AuditLog['entries'][number];
export type InstanceList = z.output<typeof gateway.instanceList>;
export type DeploymentState = z.output<typeof deployment.deployment>;
export type JobList = z.output<typeof jobs.jobList>;
export type Job = z.output<typeof jobs.job>;
export type LoadRunList = z.output<typeof loadRuns.loadRunList>;
export type BriefLoadRun = LoadRunList['runs'][number];
export type LoadRun = z.output<typeof loadRuns.loadRun>;
export type LoadLimit = LoadRun['verdicts'][number];
export type NotificationTargets = z.output<typeof notifications.notificationTargets>;

// The operator's API as a table: every operation with the role that it needs, what it takes and what it answers. The
// roles are enforced by it (access/authorise.ts), the OpenAPI document is made from it (openapi.ts). What is not in it
// nobody may call.
import type { z } from 'zod';
import type { OperatorRole } from '../../../config/operator-schema.ts';
import { changedDeployment, deployBody, deployment, returnedDeployment } from './deployment.ts';
import { comparisons } from './evidence.ts';
import { auditLog, auditQuery, instanceList, live, ready, status } from './gateway.ts';
import { job, jobList, pausedBody } from './jobs.ts';
import { loadRun, loadRunList } from './load-runs.ts';
import { notificationTargets, testBody, testResults } from './notifications.ts';
import {
  changedOverrideOfAll,
  changedPlan,
  changedRoute,
  overrideOfAll,
  planBody,
  reasonBody,
  rolledBackAll,
  rolledBackRoute,
  stageBody,
} from './rollout.ts';
import { routeDetail, routeList, windowQuery } from './routes.ts';
import { madeRule, removedRule, ruleBody, ruleList, rulePreview, rulesQuery } from './rules.ts';
import { replay, replayBody, sample, sampleList } from './samples.ts';
import { series, seriesQuery } from './series.ts';
import { loginBody, loginQuery, session } from './session.ts';
import { acknowledgeBody, writesLegacyLacks } from './writes.ts';

export interface Operation {
  readonly id: string;
  readonly method: 'GET' | 'POST' | 'PUT' | 'DELETE';
  /** In Hono's syntax. */
  readonly path: string;
  /** The least role that may; `anyone` needs to show nothing. */
  readonly access: OperatorRole | 'anyone';
  readonly summary: string;
  readonly query?: z.ZodObject;
  readonly body?: z.ZodType;
  /** Whether the reason may come as a query parameter, where a DELETE cannot have a body. */
  readonly reasonInQuery?: true;
  /** Its answer when all is well: JSON of a schema, or another media type. */
  readonly answer: Answer;
  /** `required`: a change that needs to say which revision it is based on. */
  readonly ifMatch?: 'required';
  /** Whether the answer carries an ETag. */
  readonly etag?: true;
  /** Refusals beside those that any operation can have. */
  readonly refusals?: readonly number[];
}

type Answer =
  | { readonly status: number; readonly schema: z.ZodType; readonly or?: number }
  | { readonly status: number; readonly mediaType: string | undefined };

/** What an operation is beside its name, its target and who may call it. */
type Rest = Omit<Operation, 'id' | 'method' | 'path' | 'access'>;
type Target = `${Operation['method']} /${string}`;

function operation(id: string, target: Target, access: Operation['access'], rest: Rest): Operation {
  const [method, path] = target.split(' ', 2) as [Operation['method'], string]; // As the type of a target says.
  return { id, method, path, access, ...rest };
}

const ok = (schema: z.ZodType): Answer => ({ status: 200, schema });
const media = (mediaType: string): Answer => ({ status: 200, mediaType });
/** A change that says which revision it is based on, and answers the next. */
const based = { ifMatch: 'required', etag: true } as const;
/** A change with nothing to say but why. */
const reasoned = { body: reasonBody, reasonInQuery: true } as const;

const onRoutes: readonly Operation[] = [
  operation('listRoutes', 'GET /api/routes', 'viewer', {
    answer: ok(routeList),
    summary: 'The routes: stage, rates, latency, parity, coverage, and what needs attention',
  }),
  operation('getRoute', 'GET /api/routes/:id', 'viewer', {
    ...{ query: windowQuery, answer: ok(routeDetail), etag: true, refusals: [404] },
    summary: 'One route, with evidence, plan, guard and open streams',
  }),
  operation('setStage', 'PUT /api/routes/:id/stage', 'operator', {
    ...{ ...based, body: stageBody, answer: ok(changedRoute), refusals: [404, 409, 502] },
    summary: 'Moves a route to a stage',
  }),
  operation('rollBackRoute', 'POST /api/routes/:id/rollback', 'operator', {
    ...{ ...reasoned, answer: ok(rolledBackRoute), etag: true, refusals: [404] },
    summary: 'Forces a route to legacy, at once and whatever its revision',
  }),
  operation('liftRoute', 'DELETE /api/routes/:id/rollback', 'operator', {
    ...{ ...based, ...reasoned, answer: ok(changedRoute), refusals: [404, 409] },
    summary: "Ends a route's override, so that the flags decide again",
  }),
  operation('actOnPlan', 'POST /api/routes/:id/plan', 'operator', {
    ...{ ...based, body: planBody, answer: ok(changedPlan), refusals: [404, 409, 422] },
    summary: "Starts, pauses, resumes, promotes or aborts a route's plan",
  }),
  operation('getComparisons', 'GET /api/routes/:id/comparisons', 'viewer', {
    ...{ query: windowQuery, answer: ok(comparisons), refusals: [404] },
    summary: 'What differs, by place and kind',
  }),
  operation('getSeries', 'GET /api/routes/:id/series', 'viewer', {
    ...{ query: seriesQuery, answer: ok(series), refusals: [404] },
    summary: "Rates, errors and latency of both sides over time, with the route's flips",
  }),
  operation('listSamples', 'GET /api/routes/:id/samples', 'viewer', {
    ...{ answer: ok(sampleList), refusals: [404] },
    summary: 'Requests whose answers did not agree, redacted, newest first',
  }),
  operation('getSample', 'GET /api/routes/:id/samples/:n', 'viewer', {
    ...{ answer: ok(sample), refusals: [404] },
    summary: 'One of them, with both answers',
  }),
  operation('replaySample', 'POST /api/routes/:id/samples/:n/replay', 'operator', {
    ...{ body: replayBody, answer: ok(replay), refusals: [404] },
    summary: "Sends a sample's request to both sides again",
  }),
  operation('getWrites', 'GET /api/routes/:id/writes', 'viewer', {
    ...{ answer: ok(writesLegacyLacks), refusals: [404] },
    summary: 'The writes that legacy lacks: what a rollback would leave on the new side only',
  }),
  operation('acknowledgeWrites', 'POST /api/routes/:id/writes/acknowledge', 'operator', {
    ...{ body: acknowledgeBody, answer: ok(writesLegacyLacks), refusals: [404] },
    summary: 'Says that legacy has got them, up to a number',
  }),
];

const onRules: readonly Operation[] = [
  operation('listRules', 'GET /api/rules', 'viewer', {
    ...{ query: rulesQuery, answer: ok(ruleList), etag: true, refusals: [404] },
    summary: 'The rules for comparing, of all routes or of one',
  }),
  operation('previewRule', 'POST /api/rules/preview', 'viewer', {
    ...{ body: ruleBody, answer: ok(rulePreview), etag: true, refusals: [404, 409] },
    summary: 'Which of the differences found so far a rule would hide',
  }),
  operation('addRule', 'POST /api/rules', 'operator', {
    ...{ ...based, body: ruleBody, answer: { status: 201, schema: madeRule }, refusals: [404, 409] },
    summary: 'Makes a rule',
  }),
  operation('removeRule', 'DELETE /api/rules/:id', 'operator', {
    ...{ ...based, ...reasoned, answer: ok(removedRule), refusals: [404, 409] },
    summary: 'Removes a rule that an operator made',
  }),
];

const onJobs: readonly Operation[] = [
  operation('listJobs', 'GET /api/jobs', 'viewer', {
    answer: ok(jobList),
    summary: 'The data jobs: how far they are, whether that is verified, and who needs it',
  }),
  operation('getJob', 'GET /api/jobs/:id', 'viewer', {
    ...{ answer: ok(job), etag: true, refusals: [404] },
    summary: 'One data job',
  }),
  operation('setJobPaused', 'PUT /api/jobs/:id/paused', 'operator', {
    ...{ ...based, body: pausedBody, answer: ok(job), refusals: [404, 409] },
    summary: 'Asks a data job to pause or to go on, which it does within a second, or when it runs next',
  }),
];

const onVersions: readonly Operation[] = [
  operation('getDeployment', 'GET /api/deployment', 'viewer', {
    ...{ answer: ok(deployment), etag: true },
    summary: "The versions of the new side's backend, which of them serves, and the last deployment",
  }),
  operation('deploy', 'POST /api/deployment', 'operator', {
    ...{ ...based, body: deployBody, answer: ok(changedDeployment), refusals: [409, 422] },
    summary: 'Has another version take over, by a canary, once it has answered its health check',
  }),
  operation('takeBackDeployment', 'DELETE /api/deployment', 'operator', {
    ...{ ...reasoned, answer: ok(returnedDeployment), etag: true, refusals: [409] },
    summary: 'Has the version before serve again, at once and whatever the revision',
  }),
];

const onLoadRuns: readonly Operation[] = [
  operation('listLoadRuns', 'GET /api/load-runs', 'viewer', {
    answer: ok(loadRunList),
    summary: 'The load comparisons of legacy, new and the gateway that were kept',
  }),
  operation('getLoadRun', 'GET /api/load-runs/:id', 'viewer', {
    ...{ answer: ok(loadRun), refusals: [404, 409] },
    summary: 'One load comparison: percentiles of each route, what the gateway adds, and the limits',
  }),
  operation('getLoadRunPage', 'GET /api/load-runs/:id/page', 'viewer', {
    ...{ answer: media('text/html'), refusals: [404] },
    summary: 'Its report as a page, with plots; sandboxed, so that no script of it runs',
  }),
];

const onTheGateway: readonly Operation[] = [
  operation('getOverride', 'GET /api/rollback', 'viewer', {
    ...{ answer: ok(overrideOfAll), etag: true },
    summary: 'The override of all routes',
  }),
  operation('rollBackAll', 'POST /api/rollback', 'operator', {
    ...{ ...reasoned, answer: ok(rolledBackAll), etag: true },
    summary: 'Forces every route to legacy, at once and whatever the revision',
  }),
  operation('liftAll', 'DELETE /api/rollback', 'operator', {
    ...{ ...based, ...reasoned, answer: ok(changedOverrideOfAll), refusals: [409] },
    summary: 'Ends the override of all routes',
  }),
  operation('listAudit', 'GET /api/audit', 'viewer', {
    ...{ query: auditQuery, answer: ok(auditLog) },
    summary: 'Who changed what, when and why, newest first',
  }),
  operation('listNotificationTargets', 'GET /api/notifications', 'viewer', {
    answer: ok(notificationTargets),
    summary: 'Who is told of what happens, and whether that arrives',
  }),
  operation('testNotifications', 'POST /api/notifications/test', 'operator', {
    ...{ body: testBody, answer: ok(testResults), refusals: [404] },
    summary: 'Sends a test to one target, or to all',
  }),
  operation('listInstances', 'GET /api/instances', 'viewer', {
    answer: ok(instanceList),
    summary: 'The processes that serve here, and the gateways that share the ledger',
  }),
  operation('getStatus', 'GET /api/status', 'viewer', { answer: ok(status), summary: "The gateway's own state" }),
  operation('followEvents', 'GET /api/events', 'viewer', {
    ...{ answer: media('text/event-stream'), refusals: [503] },
    summary:
      'Changes as they happen, and rates every few seconds; the data of each is JSON of the schema that its name says',
  }),
];

const toSignIn: readonly Operation[] = [
  operation('getSession', 'GET /api/session', 'anyone', {
    answer: ok(session),
    summary: 'Who calls, in which environment, and how to sign in',
  }),
  operation('signIn', 'POST /api/session', 'anyone', {
    ...{ body: loginBody, answer: ok(session), refusals: [401, 403] },
    summary: 'Signs in by a token; the answer sets a cookie',
  }),
  operation('signOut', 'DELETE /api/session', 'anyone', {
    ...{ answer: { status: 204, mediaType: undefined }, refusals: [403] },
    summary: 'Ends the session',
  }),
  operation('beginLogin', 'GET /api/session/login', 'anyone', {
    ...{ query: loginQuery, answer: { status: 302, mediaType: undefined }, refusals: [403, 502] },
    summary: 'Sends the browser to the OpenID provider',
  }),
  operation('finishLogin', 'GET /api/session/callback', 'anyone', {
    ...{ answer: media('text/html'), refusals: [403, 502] },
    summary: 'Where the OpenID provider sends the browser back to',
  }),
];

const forMachines: readonly Operation[] = [
  operation('live', 'GET /livez', 'anyone', { answer: ok(live), summary: 'Whether the process is alive' }),
  operation('ready', 'GET /readyz', 'anyone', {
    answer: { status: 200, schema: ready, or: 503 },
    summary: 'Whether it serves',
  }),
  operation('metrics', 'GET /metrics', 'anyone', {
    answer: media('text/plain'),
    summary: "Metrics in Prometheus' text format",
  }),
  operation('openapi', 'GET /openapi.json', 'anyone', {
    answer: media('application/json'),
    summary: 'This document',
  }),
  operation('docs', 'GET /docs', 'anyone', { answer: media('text/html'), summary: 'This document, to be read' }),
  operation('docsScript', 'GET /docs/docs.js', 'anyone', {
    answer: media('text/javascript'),
    summary: "That page's script",
  }),
  operation('docsStyle', 'GET /docs/docs.css', 'anyone', { answer: media('text/css'), summary: "That page's style" }),
];

export const OPERATIONS: readonly Operation[] = [
  ...onRoutes,
  ...onRules,
  ...onJobs,
  ...onVersions,
  ...onLoadRuns,
  ...onTheGateway,
  ...toSignIn,
  ...forMachines,
];

const byTarget = new Map(OPERATIONS.map((operation) => [`${operation.method} ${operation.path}`, operation]));

/** The operation of a method and a path in Hono's syntax. */
export function operationAt(method: string, path: string): Operation | undefined {
  return byTarget.get(`${method} ${path}`);
}

// What each command that talks to a gateway does: calls the API, and answers both a document and the text of it.
import { z } from 'zod';
import type { Result } from './answer.ts';
import type { ApiClient } from './client.ts';
import { type RouteView, routeSchema, routesTable, routeText } from './render.ts';
import { comparisonsSchema, diffsText } from './render-diffs.ts';

export interface StageOptions {
  readonly percent?: number;
  readonly mirrorPercent?: number;
  readonly reason: string;
  /** Overwrite whatever has happened since. */
  readonly force?: boolean;
}

export const routePath = (id: string, rest = '') => `/api/routes/${encodeURIComponent(id)}${rest}`;
const listSchema = z.looseObject({ routes: z.array(routeSchema) });
const stateSchema = z.looseObject({
  id: z.string(),
  stage: z.string(),
  percent: z.number(),
  mirrorPercent: z.number(),
  override: z.looseObject({ side: z.string(), returnsTo: z.looseObject({ stage: z.string() }) }).optional(),
  durable: z.boolean().optional(),
});

export async function listRoutes(api: ApiClient): Promise<Result> {
  const { body } = await api.get('/api/routes');
  return { json: body, text: routesTable(listSchema.parse(body).routes) };
}

export async function showRoute(api: ApiClient, id: string, window: string): Promise<Result> {
  const { body } = await api.get(routePath(id, `?window=${window}`));
  return { json: body, text: routeText(routeSchema.parse(body)) };
}

export async function moveStage(api: ApiClient, id: string, stage: string, options: StageOptions): Promise<Result> {
  const { percent: share, mirrorPercent, reason, force } = options;
  const seen = await api.get(routePath(id));
  const before = routeSchema.parse(seen.body);
  const { body } = await api.send(
    'PUT',
    routePath(id, '/stage'),
    { stage, percent: share, mirrorPercent, reason },
    force ? '*' : seen.etag,
  );
  const after = stateSchema.parse(body);
  const text = `${id}: ${place(before)} -> ${place(after)}`;
  if (!after.override) return { json: body, text };
  return { json: body, text, notes: [`an override forces ${after.override.side}; the stage holds once it is lifted`] };
}

function place({ stage, percent: share }: Pick<RouteView, 'stage' | 'percent'>): string {
  return stage === 'canary' ? `canary ${share} %` : stage;
}

const NOT_DURABLE = 'the override is in force, but could not be stored: it would not survive a restart of the gateway';

const rollbackSchema = z.looseObject({
  durable: z.boolean(),
  streamsOnOldSide: z.number(),
  writesLegacyLacks: z.looseObject({ count: z.number() }),
});

/** Takes one route, or with no id all of them, back to legacy. */
export async function rollBack(api: ApiClient, id: string | undefined, reason: string): Promise<Result> {
  const { body } = await api.send('POST', id === undefined ? '/api/rollback' : routePath(id, '/rollback'), { reason });
  const { durable, streamsOnOldSide, writesLegacyLacks } = rollbackSchema.parse(body);
  const text = `${id ?? 'all routes'}: legacy serves every request from now on`;
  const streams = `${streamsOnOldSide} open streams are still on the new side; banyan route shows when there are none`;
  const lacked = `legacy lacks ${writesLegacyLacks.count} writes that new has accepted; banyan writes ID lists them`;
  const notes = [
    ...(durable ? [] : [NOT_DURABLE]),
    ...(streamsOnOldSide > 0 ? [streams] : []),
    ...(writesLegacyLacks.count > 0 ? [lacked] : []),
  ];
  return { json: body, text, ...(notes.length > 0 ? { notes } : {}) };
}

/** Ends an override, so that the flags decide again. */
export async function liftOverride(api: ApiClient, id: string | undefined, reason: string): Promise<Result> {
  const path = id === undefined ? '/api/rollback' : routePath(id, '/rollback');
  const { etag } = await api.get(id === undefined ? path : routePath(id));
  const { body } = await api.send('DELETE', path, { reason }, etag);
  const state = stateSchema.safeParse(body).data;
  return {
    json: body,
    text: `${id ?? 'all routes'}: the override is lifted${state ? `; back to ${place(state)}` : ''}`,
  };
}

export interface DiffsOptions {
  readonly showRuled: boolean;
  readonly window: string;
}

export async function showDiffs(
  api: ApiClient,
  id: string | undefined,
  { showRuled, window }: DiffsOptions,
): Promise<Result> {
  const ids =
    id === undefined ? listSchema.parse((await api.get('/api/routes')).body).routes.map((route) => route.id) : [id];
  const found = [];
  for (const each of ids) {
    const { body } = await api.get(routePath(each, `/comparisons?window=${window}`));
    found.push({ id: each, body, comparisons: comparisonsSchema.parse(body) });
  }
  const json = id === undefined ? Object.fromEntries(found.map((each) => [each.id, each.body])) : found[0]?.body;
  return { json, text: diffsText(found, showRuled) };
}

const statusSchema = z.looseObject({
  environment: z.string(),
  ready: z.boolean(),
  warnings: z.array(z.string()),
  override: z.looseObject({ side: z.string(), actor: z.string(), reason: z.string() }).nullable(),
  stages: z.record(z.string(), z.number()),
  rules: z.record(z.string(), z.number()),
  unrouted: z.object({ requests: z.number() }),
  workers: z.object({ wanted: z.number(), serving: z.number() }),
  gateways: z.array(z.looseObject({ host: z.string(), pid: z.number(), state: z.string() })),
  flips: z.object({
    p50Ms: z.number().nullable(),
    p99Ms: z.number().nullable(),
    last: z
      .looseObject({
        version: z.number(),
        action: z.string(),
        scope: z.string(),
        acknowledgedMs: z.number().nullable(),
        oldSideMs: z.number().nullable(),
        waitingFor: z.array(z.string()),
        gone: z.array(z.string()),
      })
      .nullable(),
  }),
  upstreams: z.record(
    z.string(),
    z.object({
      url: z.string(),
      healthy: z.boolean().nullable(),
      problem: z.string().nullable(),
      inFlight: z.number(),
    }),
  ),
});
type Flips = z.output<typeof statusSchema>['flips'];
type Upstream = z.output<typeof statusSchema>['upstreams'][string];

export async function showStatus(api: ApiClient): Promise<Result> {
  const { body } = await api.get('/api/status');
  const { environment, ready, warnings, override, stages, rules, unrouted, workers, gateways, flips, upstreams } =
    statusSchema.parse(body);
  const { routes } = listSchema.parse((await api.get('/api/routes')).body);
  const attention = routes.flatMap((route) => route.attention.map(({ sentence }) => `${route.id}: ${sentence}`));
  const lines = [
    `${environment}: ${ready ? 'ready' : 'not ready'}`,
    `routes     ${countsText(stages)}`,
    `rules      ${countsText(Object.fromEntries(Object.entries(rules).filter(([, count]) => count > 0)))}`,
    `unrouted   ${unrouted.requests} requests that no route names, served by legacy`,
    `workers    ${workers.serving} of ${workers.wanted} serve`,
    ...Object.entries(upstreams).map(([side, upstream]) => `${side.padEnd(10)} ${upstreamText(upstream)}`),
    `gateways   ${gateways.map(({ host, pid, state }) => `${host}:${pid} ${state}`).join(', ')}`,
    `flips      ${flipsText(flips)}`,
    ...(override ? [`OVERRIDE   all routes forced to ${override.side} by ${override.actor}: ${override.reason}`] : []),
    ...warnings.map((warning) => `warning    ${warning}`),
    ...attention.map((sentence) => `attention  ${sentence}`),
  ];
  return { json: body, text: lines.join('\n') };
}

function flipsText({ p50Ms, p99Ms, last }: Flips): string {
  if (!last) return 'none yet';
  const { version, action, scope, acknowledgedMs, oldSideMs, waitingFor, gone } = last;
  const followed =
    acknowledgedMs === null
      ? `waits for ${waitingFor.join(', ') || 'this gateway'}`
      : `followed after ${acknowledgedMs} ms`;
  return [
    ...(p50Ms === null ? [] : [`followed by all gateways after ${p50Ms} ms (p50), ${p99Ms} ms (p99)`]),
    `the last, ${action} of ${scope === '*' ? 'all routes' : scope} (${version}), ${followed}`,
    ...(oldSideMs ? [`its last request on the old side ended after ${oldSideMs} ms`] : []),
    ...(gone.length > 0 ? [`gone: ${gone.join(', ')}`] : []),
  ].join('; ');
}

function countsText(counts: Readonly<Record<string, number>>): string {
  const named = Object.entries(counts).map(([name, count]) => `${count} ${name.replaceAll('_', ' ')}`);
  return named.join(', ') || 'none';
}

function upstreamText({ url, healthy, problem, inFlight }: Upstream): string {
  const health = healthy === null ? 'not checked' : healthy ? 'healthy' : `down: ${problem}`;
  return `${url} ${health}, ${inFlight} requests in flight`;
}

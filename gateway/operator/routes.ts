// The API of routes: list, look at, move, roll back.
import { Hono } from 'hono';
import { z } from 'zod';
import { WINDOWS, type Window } from '../mirror/windows.ts';
import type { RouteState } from '../rollout/control.ts';
import { flagNotesOf } from '../rollout/feature.ts';
import { STAGES } from '../rollout/stage.ts';
import type { RouteModel } from '../routing/route.ts';
import type { Side } from '../routing/side.ts';
import type { StandingRule } from '../rule-list.ts';
import type { StreamCounts } from '../streams/registry.ts';
import { acknowledge } from './acknowledge.ts';
import {
  actorOf,
  entityTag,
  expectedRevision,
  type OperatorContext,
  type OperatorDeps,
  type OperatorEnv,
  Refusal,
  readBody,
  readReason,
  reasonSchema,
  requireRole,
  routeOf,
  sampleOf,
} from './context.ts';
import { createReplayer } from './replay.ts';
import { standingRules } from './rules.ts';
import { type RouteFacts, routeDetail, routeSummary } from './views.ts';

const stageBody = z.strictObject({
  stage: z.enum(STAGES),
  percent: z.number().optional(),
  mirrorPercent: z.number().optional(),
  reason: reasonSchema,
});

const windowQuery = z.enum(WINDOWS).default('stage');

/** The window that a request asks for. */
function windowOf(c: OperatorContext): Window {
  const window = windowQuery.safeParse(c.req.query('window'));
  if (!window.success) throw new Refusal(400, `window is one of ${WINDOWS.join(', ')}`);
  return window.data;
}

/** A rollback is done when no open stream is on the new side any more; requests are back from its first moment. */
export function rollbackProgress(counts: readonly StreamCounts[]): { done: boolean; streamsOnOldSide: number } {
  const streamsOnOldSide = counts.reduce((total, { oldSide }) => total + oldSide, 0);
  return { done: streamsOnOldSide === 0, streamsOnOldSide };
}

/** The side that serves nobody any more, where there is one. */
function emptied({ percent }: RouteState): Side | undefined {
  if (percent === 0) return 'new';
  return percent === 100 ? 'legacy' : undefined;
}

/** What a view is made of beside the route: the window of its evidence, and the rules of all routes. */
interface Seen {
  readonly window?: Window;
  readonly rules: readonly StandingRule[];
}

export function routesApi(deps: OperatorDeps): Hono<OperatorEnv> {
  const { control } = deps;
  const { evidence, traffic, streams, openBreakers, wanted } = deps.serving;
  const factsOf = (route: RouteModel, { window, rules }: Seen): RouteFacts => ({
    route,
    rules: rules.filter((rule) => rule.route === route.id),
    state: control.route(route.id),
    evidence: evidence.of(route.id, window),
    traffic: traffic.of(route.id),
    streams: streams.counts(route.id),
    openBreakers: openBreakers(route.id),
    processes: wanted,
    flagNotes: flagNotesOf(deps.flags.definitions(), route),
    plan: deps.plans.view(route.id),
    guard: deps.plans.guard(route.id),
  });
  const operators = requireRole('operator');
  const replay = createReplayer(deps);

  return new Hono<OperatorEnv>()
    .get('/', (c) => {
      const { config, table } = deps.settings.current;
      const rules = standingRules(deps);
      const routes = table.routes.map((route) => routeSummary(factsOf(route, { rules })));
      return c.json({ environment: config.environment, routes });
    })
    .get('/:id', (c) => {
      const route = routeOf(deps, c.req.param('id'));
      c.header('etag', entityTag(control.revision(route.id)));
      const windows = WINDOWS.map((window) => evidence.of(route.id, window));
      return c.json(routeDetail(factsOf(route, { window: windowOf(c), rules: standingRules(deps) }), windows));
    })
    .put('/:id/stage', operators, async (c) => {
      const { id } = routeOf(deps, c.req.param('id'));
      const { reason, ...request } = await readBody(c, stageBody);
      const actor = actorOf(c, reason);
      const state = await control.setStage(id, request, actor, { expected: expectedRevision(c) });
      const flip = { action: 'stage', oldSide: emptied(state), calledAt: c.get('calledAt') } as const;
      c.header('etag', entityTag(state.revision));
      return c.json({ ...state, ...(await acknowledge(deps, id, actor, flip)) });
    })
    .post('/:id/rollback', operators, async (c) => {
      const { id } = routeOf(deps, c.req.param('id'));
      const reason = await readReason(c);
      const actor = actorOf(c, reason);
      const { durable } = await control.rollback(id, actor);
      const flip = { action: 'rollback', oldSide: 'new', calledAt: c.get('calledAt') } as const;
      const acknowledged = await acknowledge(deps, id, actor, flip);
      c.header('etag', entityTag(control.revision(id)));
      const progress = rollbackProgress([streams.counts(id)]);
      return c.json({ ...control.route(id), durable, ...acknowledged, ...progress });
    })
    .delete('/:id/rollback', operators, async (c) => {
      const { id } = routeOf(deps, c.req.param('id'));
      const reason = await readReason(c);
      const actor = actorOf(c, reason);
      await control.lift(id, actor, expectedRevision(c));
      const flip = { action: 'lift', oldSide: undefined, calledAt: c.get('calledAt') } as const;
      const acknowledged = await acknowledge(deps, id, actor, flip);
      c.header('etag', entityTag(control.revision(id)));
      return c.json({ ...control.route(id), ...acknowledged });
    })
    .get('/:id/comparisons', (c) => c.json(evidence.of(routeOf(deps, c.req.param('id')).id, windowOf(c))))
    .get('/:id/samples', (c) => {
      const samples = evidence.samples(routeOf(deps, c.req.param('id')).id);
      const brief = samples.map(({ request: _request, legacy: _legacy, new: _new, ...sample }) => sample);
      return c.json({ samples: brief });
    })
    .get('/:id/samples/:n', (c) => c.json(sampleOf(deps, routeOf(deps, c.req.param('id')).id, c.req.param('n'))))
    .post('/:id/samples/:n/replay', operators, (c) => replay(c, c.req.param('id'), c.req.param('n')));
}

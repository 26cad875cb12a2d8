// The API of routes: list, look at, move, roll back.
import { Hono } from 'hono';
import { WINDOWS } from '../mirror/windows.ts';
import type { RouteState } from '../rollout/control.ts';
import type { Side } from '../routing/side.ts';
import type { StreamCounts } from '../streams/registry.ts';
import { acknowledge } from './acknowledge.ts';
import {
  actorOf,
  entityTag,
  expectedRevision,
  type OperatorDeps,
  type OperatorEnv,
  readBody,
  readQuery,
  readReason,
  routeOf,
  sampleOf,
} from './context.ts';
import { stageBody } from './contract/rollout.ts';
import { windowQuery } from './contract/routes.ts';
import { seriesQuery } from './contract/series.ts';
import { createLastFlips } from './last-flips.ts';
import { createReplayer } from './replay.ts';
import { createFactsOf } from './route-facts.ts';
import { standingRules } from './rules.ts';
import { seriesOf } from './series.ts';
import { routeDetail, routeSummary } from './views.ts';

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

export function routesApi(deps: OperatorDeps): Hono<OperatorEnv> {
  const { control } = deps;
  const { evidence, streams } = deps.serving;
  const factsOf = createFactsOf(deps);
  const replay = createReplayer(deps);
  const lastFlips = createLastFlips(deps);

  return new Hono<OperatorEnv>()
    .get('/', async (c) => {
      await lastFlips.refresh();
      const { config, table } = deps.settings.current;
      const rules = standingRules(deps);
      const routes = table.routes.map((route) => ({
        ...routeSummary(factsOf(route, { rules })),
        lastFlip: lastFlips.of(route.id) ?? null,
      }));
      return c.json({ environment: config.environment, routes });
    })
    .get('/:id', (c) => {
      const route = routeOf(deps, c.req.param('id'));
      c.header('etag', entityTag(control.revision(route.id)));
      const { window } = readQuery(c, windowQuery);
      const windows = WINDOWS.map((window) => evidence.of(route.id, window));
      return c.json(routeDetail(factsOf(route, { window, rules: standingRules(deps) }), windows));
    })
    .put('/:id/stage', async (c) => {
      const { id } = routeOf(deps, c.req.param('id'));
      const { reason, ...request } = await readBody(c, stageBody);
      const actor = actorOf(c, reason);
      const state = await control.setStage(id, request, actor, { expected: expectedRevision(c) });
      const flip = { action: 'stage', oldSide: emptied(state), calledAt: c.get('calledAt') } as const;
      c.header('etag', entityTag(state.revision));
      return c.json({ ...state, ...(await acknowledge(deps, id, actor, flip)) });
    })
    .post('/:id/rollback', async (c) => {
      const { id } = routeOf(deps, c.req.param('id'));
      const reason = await readReason(c);
      const actor = actorOf(c, reason);
      const { durable } = await control.rollback(id, actor);
      const flip = { action: 'rollback', oldSide: 'new', calledAt: c.get('calledAt') } as const;
      const acknowledged = await acknowledge(deps, id, actor, flip);
      c.header('etag', entityTag(control.revision(id)));
      const progress = rollbackProgress([streams.counts(id)]);
      const writesLegacyLacks = deps.writes.of(id);
      return c.json({ ...control.route(id), durable, ...acknowledged, ...progress, writesLegacyLacks });
    })
    .delete('/:id/rollback', async (c) => {
      const { id } = routeOf(deps, c.req.param('id'));
      const reason = await readReason(c);
      const actor = actorOf(c, reason);
      await control.lift(id, actor, expectedRevision(c));
      const flip = { action: 'lift', oldSide: undefined, calledAt: c.get('calledAt') } as const;
      const acknowledged = await acknowledge(deps, id, actor, flip);
      c.header('etag', entityTag(control.revision(id)));
      return c.json({ ...control.route(id), ...acknowledged });
    })
    .get('/:id/comparisons', (c) => {
      const { id } = routeOf(deps, c.req.param('id'));
      return c.json(evidence.of(id, readQuery(c, windowQuery).window));
    })
    .get('/:id/series', async (c) => {
      const { id } = routeOf(deps, c.req.param('id'));
      return c.json(await seriesOf(deps, id, readQuery(c, seriesQuery).minutes));
    })
    .get('/:id/samples', (c) => {
      const samples = evidence.samples(routeOf(deps, c.req.param('id')).id);
      const brief = samples.map(({ request: _request, legacy: _legacy, new: _new, ...sample }) => sample);
      return c.json({ samples: brief });
    })
    .get('/:id/samples/:n', (c) => c.json(sampleOf(deps, routeOf(deps, c.req.param('id')).id, c.req.param('n'))))
    .post('/:id/samples/:n/replay', (c) => replay(c, c.req.param('id'), c.req.param('n')));
}

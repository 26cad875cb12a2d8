// The API of rules for comparing: list, preview, make, remove.
import { Hono } from 'hono';
import type { RouteEvidence } from '../mirror/evidence.ts';
import { previewRule } from '../mirror/preview.ts';
import type { RuleRequest } from '../rollout/operator-rules.ts';
import { listRules, type StandingRule } from '../rule-list.ts';
import { acknowledge } from './acknowledge.ts';
import {
  actorOf,
  entityTag,
  expectedRevision,
  type OperatorContext,
  type OperatorDeps,
  type OperatorEnv,
  readBody,
  readQuery,
  readReason,
  routeOf,
} from './context.ts';
import { ruleBody, rulesQuery } from './contract/rules.ts';

export function rulesApi(deps: OperatorDeps): Hono<OperatorEnv> {
  const { rules } = deps;
  const { evidence } = deps.serving;
  const tag = (c: OperatorContext) => c.header('etag', entityTag(rules.revision()));

  async function readRule(c: OperatorContext): Promise<RuleRequest & { reason: string }> {
    const { route, kind, permanent, ...fields } = await readBody(c, ruleBody);
    return { route, kind, permanent, fields, reason: fields.reason };
  }

  return new Hono<OperatorEnv>()
    .get('/', (c) => {
      const { route: only } = readQuery(c, rulesQuery);
      if (only !== undefined) routeOf(deps, only);
      const listed = standingRules(deps).filter(({ route }) => only === undefined || route === only);
      const found = new Map(listed.map(({ route }) => [route, evidence.of(route)]));
      tag(c);
      return c.json({
        revision: rules.revision(),
        rules: listed.map((rule) => ({ ...rule, covers: coveredBy(rule, found.get(rule.route)) })),
      });
    })
    .post('/preview', async (c) => {
      const { reason: _reason, ...request } = await readRule(c);
      const checked = rules.check(request);
      const route = routeOf(deps, checked.route);
      const found = { differences: evidence.of(route.id).differences, samples: evidence.samples(route.id) };
      tag(c);
      return c.json(await previewRule(route.config.compare, checked, found, deps.now()));
    })
    .post('/', async (c) => {
      const { reason, ...request } = await readRule(c);
      const actor = actorOf(c, reason);
      const { id, route } = await rules.add(request, actor, expectedRevision(c));
      const acknowledged = await acknowledge(deps, route, actor);
      tag(c);
      const made = standingRules(deps).find((rule) => rule.id === id);
      return c.json({ ...made, revision: rules.revision(), ...acknowledged }, 201);
    })
    .delete('/:id', async (c) => {
      const id = c.req.param('id');
      const actor = actorOf(c, await readReason(c));
      const route = await rules.remove(id, actor, expectedRevision(c));
      const acknowledged = await acknowledge(deps, route, actor);
      tag(c);
      return c.json({ id, route, revision: rules.revision(), ...acknowledged });
    });
}

/** Every rule there is, as it stands now. */
export function standingRules({
  settings,
  rules,
  now,
}: Pick<OperatorDeps, 'settings' | 'rules' | 'now'>): StandingRule[] {
  return listRules(settings.current.given.routes, rules, now());
}

/** Requests in which a difference was found that the rule covers; null where what it equates is not counted at all. */
function coveredBy({ kind, rule }: StandingRule, evidence: RouteEvidence | undefined): number | null {
  if (kind !== 'ignore') return null;
  const covered = evidence?.differences.filter((found) => found.rule === rule.path) ?? [];
  return covered.reduce((sum, { count }) => sum + count, 0);
}

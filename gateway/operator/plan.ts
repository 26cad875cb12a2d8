// The API of a route's plan: start, pause, resume, promote, abort.
import { Hono } from 'hono';
import { z } from 'zod';
import { PLAN_ACTIONS } from '../rollout/plan.ts';
import { acknowledge } from './acknowledge.ts';
import { mayAct } from './auth.ts';
import {
  actorOf,
  entityTag,
  expectedRevision,
  type OperatorDeps,
  type OperatorEnv,
  Refusal,
  readBody,
  reasonSchema,
  requireRole,
  routeOf,
} from './context.ts';

const planBody = z.strictObject({
  action: z.enum(PLAN_ACTIONS),
  /** Of promote: pass over gates that are not met. */
  force: z.boolean().default(false),
  reason: reasonSchema,
});

export function planApi(deps: OperatorDeps): Hono<OperatorEnv> {
  const { control, plans } = deps;
  return new Hono<OperatorEnv>().post('/:id/plan', requireRole('operator'), async (c) => {
    const { id } = routeOf(deps, c.req.param('id'));
    const { action, force, reason } = await readBody(c, planBody);
    if (force && action !== 'promote') throw new Refusal(400, '"force" belongs to promote');
    const caller = c.get('caller');
    if (force && !mayAct(caller, 'admin')) {
      throw new Refusal(403, `${caller.name} is ${caller.role}; to pass over gates needs the role admin`);
    }
    const actor = actorOf(c, reason);
    const plan = await plans.act(id, { action, actor, expected: expectedRevision(c), force });
    const acknowledged = await acknowledge(deps, id, actor);
    c.header('etag', entityTag(control.revision(id)));
    return c.json({ ...control.route(id), plan, ...acknowledged });
  });
}

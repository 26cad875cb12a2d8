// The API of a route's plan: start, pause, resume, promote, abort.
import { Hono } from 'hono';
import { mayAct } from './access/caller.ts';
import { acknowledge } from './acknowledge.ts';
import {
  actorOf,
  callerOf,
  entityTag,
  expectedRevision,
  type OperatorDeps,
  type OperatorEnv,
  Refusal,
  readBody,
  routeOf,
} from './context.ts';
import { planBody } from './contract/rollout.ts';

export function planApi(deps: OperatorDeps): Hono<OperatorEnv> {
  const { control, plans } = deps;
  return new Hono<OperatorEnv>().post('/:id/plan', async (c) => {
    const { id } = routeOf(deps, c.req.param('id'));
    const { action, force, reason } = await readBody(c, planBody);
    if (force && action !== 'promote') throw new Refusal(400, '"force" belongs to promote');
    const caller = callerOf(c);
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

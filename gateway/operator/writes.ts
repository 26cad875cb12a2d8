// The API of the writes that legacy lacks: look at them, and say that legacy has got them.
import { Hono } from 'hono';
import { actorOf, type OperatorDeps, type OperatorEnv, readBody, routeOf } from './context.ts';
import { acknowledgeBody } from './contract/writes.ts';

export function writesApi(deps: OperatorDeps): Hono<OperatorEnv> {
  return new Hono<OperatorEnv>()
    .get('/:id/writes', (c) => c.json(deps.writes.of(routeOf(deps, c.req.param('id')).id)))
    .post('/:id/writes/acknowledge', async (c) => {
      const { id } = routeOf(deps, c.req.param('id'));
      const { upTo, reason } = await readBody(c, acknowledgeBody);
      await deps.writes.acknowledge(id, upTo, actorOf(c, reason));
      return c.json(deps.writes.of(id));
    });
}

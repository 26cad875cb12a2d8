// The API of data jobs: how far they are, pause, resume.
import { Hono } from 'hono';
import {
  actorOf,
  entityTag,
  expectedRevision,
  type OperatorContext,
  type OperatorDeps,
  type OperatorEnv,
  Refusal,
  readBody,
} from './context.ts';
import { pausedBody } from './contract/jobs.ts';

export function jobsApi({ jobs }: Pick<OperatorDeps, 'jobs'>): Hono<OperatorEnv> {
  type Known = Awaited<ReturnType<typeof jobs.setPaused>>;
  const answer = (c: OperatorContext, id: string, known: Known) => {
    if (!known) throw new Refusal(404, `no job is called ${id}; GET /api/jobs lists them`);
    c.header('etag', entityTag(known.revision));
    return c.json(known);
  };
  return new Hono<OperatorEnv>()
    .get('/', async (c) => c.json({ jobs: await jobs.read() }))
    .get('/:id', async (c) => {
      const id = c.req.param('id');
      return answer(
        c,
        id,
        (await jobs.read()).find(({ job }) => job === id),
      );
    })
    .put('/:id/paused', async (c) => {
      const id = c.req.param('id');
      const { paused, reason } = await readBody(c, pausedBody);
      return answer(c, id, await jobs.setPaused(id, paused, actorOf(c, reason), expectedRevision(c)));
    });
}

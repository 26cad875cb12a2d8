// The API of load comparisons: the list, one of them, and the page that it was written with.
import { Hono } from 'hono';
import { type OperatorDeps, type OperatorEnv, Refusal } from './context.ts';

/**
 * The page is a file that others may write, served from the origin of the console: as a document of no origin, without scripts,
 * forms or anything from elsewhere (CSP level 3, sandbox). To send it as a download would let it run its scripts from the disk.
 */
const PAGE_POLICY = "sandbox; default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; frame-ancestors 'none'";

export function loadRunsApi({ loadRuns }: Pick<OperatorDeps, 'loadRuns'>): Hono<OperatorEnv> {
  const absent = (id: string, what = 'load run') =>
    new Refusal(404, `there is no ${what} ${id}; GET /api/load-runs lists them`);
  return new Hono<OperatorEnv>()
    .get('/', async (c) => c.json(await loadRuns.list()))
    .get('/:id', async (c) => {
      const id = c.req.param('id');
      const report = await loadRuns.one(id);
      if (report === undefined) throw absent(id);
      if (typeof report === 'string') throw new Refusal(409, `the report of ${id} cannot be shown: ${report}`);
      const { at, met, machine, load, urls, lost, arms, overheads, verdicts } = report;
      return c.json({ id, at, met, machine, load, urls, lost, arms, overheads, verdicts });
    })
    .get('/:id/page', async (c) => {
      const id = c.req.param('id');
      const page = await loadRuns.page(id);
      if (page === undefined) throw absent(id, 'page of');
      return c.html(page, 200, { 'content-security-policy': PAGE_POLICY });
    });
}

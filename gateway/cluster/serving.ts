// Serves by worker processes: this process decides, remembers and reports; they do the work.
import { createServer } from 'node:http';
import { createRateLimiter } from '../http/rate-limit.ts';
import { closeServer, listen } from '../listen.ts';
import type { Serving, ServingDeps } from '../serving.ts';
import { createCrew } from './crew.ts';
import { createReports } from './reports.ts';

export function serveByWorkers(deps: ServingDeps, count: number): Serving {
  const reports = createReports(deps);
  const rates = createRateLimiter(undefined, deps.raised); // Where workers share a Redis, it is asked nothing.
  const crew = createCrew(deps, { count, reports, rates });
  return {
    ...reports.figures,
    wanted: count,
    instances: crew.instances,
    problem: crew.problem,
    async scrape() {
      await crew.measure();
      return reports.metricsText();
    },
    start: async (decisions, hostPort) => crew.start(decisions, await settlePort(hostPort)),
    async settled() {
      rates.follow(deps.settings.current.config);
      const settled = await crew.spread?.publish();
      if (settled) deps.log.info(settled, 'in force');
      return settled;
    },
    close: () => crew.stop(deps.settings.current.config.shutdown.delayMs),
  };
}

/** Port 0 means any, but the same for all workers, and for those that come later: so it is chosen here. */
async function settlePort(hostPort: string): Promise<string> {
  if (!hostPort.endsWith(':0')) return hostPort;
  const probe = createServer();
  const address = await listen(probe, hostPort);
  await closeServer(probe, 0);
  return address;
}

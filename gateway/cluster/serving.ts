// Serves by worker processes: this process decides, remembers and reports; they do the work.
import { createServer } from 'node:http';
import { createRateLimiter } from '../http/rate-limit.ts';
import { closeServer, listen } from '../listen.ts';
import type { Serving, ServingDeps } from '../serving.ts';
import { createCrew, type ReservedPlace } from './crew.ts';
import { createReports } from './reports.ts';

export function serveByWorkers(deps: ServingDeps, count: number): Serving {
  const reports = createReports(deps);
  const rates = createRateLimiter(undefined, deps.raised); // Where workers share a Redis, it is asked nothing.
  const crew = createCrew(deps, { count, reports, rates });
  let place: ReservedPlace | undefined;
  return {
    ...reports.figures,
    wanted: count,
    instances: crew.instances,
    problem: crew.problem,
    async scrape() {
      await crew.measure();
      return reports.metricsText();
    },
    async start(decisions, hostPort) {
      place = await reservePlace(hostPort);
      return crew.start(decisions, place);
    },
    async settled() {
      rates.follow(deps.settings.current.config);
      const settled = await crew.spread?.publish();
      if (settled) deps.log.info(settled, 'in force');
      return settled;
    },
    async close() {
      await place?.release();
      await crew.stop(deps.settings.current.config.shutdown.delayMs);
    },
  };
}

/**
 * Port 0 means any, but the same for all workers, and for those that come later: so it is chosen here, and held until they
 * are ready to listen. Loading takes them long enough for another process to be given a port that is free.
 */
async function reservePlace(hostPort: string): Promise<ReservedPlace> {
  if (!hostPort.endsWith(':0')) return { hostPort, release: async () => {} };
  const holder = createServer();
  const address = await listen(holder, hostPort);
  let released: Promise<void> | undefined;
  return {
    hostPort: address,
    release() {
      released ??= closeServer(holder, 0);
      return released;
    },
  };
}

// Serves by worker processes: this process decides, remembers and reports; they do the work.
import { createServer } from 'node:http';
import { closeServer, listen } from '../listen.ts';
import type { Decisions, Serving, ServingDeps } from '../serving.ts';
import { createFleet, type FleetWorker } from './fleet.ts';
import type { FromWorker, SharedState } from './messages.ts';
import { createReports } from './reports.ts';
import { shareOf } from './share.ts';
import { createSpread, type Follower, type Spread } from './spread.ts';

/** How long a scrape waits for a worker; without an answer its last known metrics stand in. */
const MEASURE_TIMEOUT_MS = 500;

export function serveByWorkers(deps: ServingDeps, count: number): Serving {
  const { metrics, log, now } = deps;
  const reports = createReports(deps);
  const followers = new Map<FleetWorker, Follower>();
  const serving = new Set<FleetWorker>();
  const measured = new Map<number, () => void>(); // One per scrape and worker, gone within the time limit.
  let lastRequest = 0;
  let spread: Spread | undefined;
  let listenOn = '';
  let started: { resolve(address: string): void; reject(error: Error): void } | undefined;

  const fleet = createFleet({ ...{ count, metrics, log, now, onMessage, onEnded }, onSilent: ({ id }) => reports.retire(id) });

  function onMessage(worker: FleetWorker, message: FromWorker): void {
    switch (message.kind) {
      case 'loaded': {
        const follower: Follower = { send: worker.send, dismiss: () => worker.kill('unresponsive') };
        followers.set(worker, follower);
        return spread?.add(follower);
      }
      case 'applied':
        return applied(worker, message.version);
      case 'listening':
        return arrived(worker, message.address);
      case 'failed':
        log.error({ worker: worker.pid, problem: message.message }, 'worker cannot serve');
        return started?.reject(new Error(message.message));
      case 'report':
        return reports.take(worker.id, message.report);
      case 'metrics':
        reports.takeMetrics(worker.id, message.metrics);
        if (message.request !== undefined) measured.get(message.request)?.();
        return;
    }
  }

  function applied(worker: FleetWorker, version: number): void {
    const follower = followers.get(worker);
    if (!spread || !follower) return;
    spread.applied(follower, version);
    if (spread.admit(follower)) worker.send({ kind: 'listen', hostPort: listenOn });
  }

  function arrived(worker: FleetWorker, address: string): void {
    serving.add(worker);
    metrics.workers.set(serving.size);
    fleet.arrived(worker);
    if (serving.size === count) started?.resolve(address);
  }

  function onEnded(worker: FleetWorker): void {
    const follower = followers.get(worker);
    if (follower) spread?.remove(follower);
    followers.delete(worker);
    serving.delete(worker);
    metrics.workers.set(serving.size);
    started?.reject(new Error(`a worker ended before all ${count} of them listened; the log has its last words`));
  }

  /** Asks a worker for its metrics as they are now. */
  function measure(worker: FleetWorker): Promise<void> {
    const request = ++lastRequest;
    return new Promise((resolve) => {
      const done = () => {
        clearTimeout(timer);
        measured.delete(request);
        resolve();
      };
      const timer = setTimeout(done, MEASURE_TIMEOUT_MS);
      measured.set(request, done);
      worker.send({ kind: 'measure', request });
    });
  }

  return {
    ...reports.figures,
    wanted: count,
    instances: () =>
      [...fleet.workers].map((worker) => {
        const { id, pid, startedAt } = worker;
        const follower = followers.get(worker);
        return {
          ...{ pid, startedAt: startedAt.toISOString(), requests: reports.answered(id) },
          state: serving.has(worker) ? 'serving' : 'starting',
          version: (follower && spread?.versionOf(follower)) ?? 0,
        };
      }),
    problem() {
      if (serving.size === count || !started) return undefined;
      return `${count - serving.size} of ${count} workers do not serve; the last to end was ${fleet.lastEnd() ?? 'none'}`;
    },
    async scrape() {
      await Promise.all([...serving].map(measure));
      return reports.metricsText();
    },
    async start(decisions, hostPort) {
      listenOn = await settlePort(hostPort);
      const follow = createSpread({ state: stateOf(deps, decisions, count) });
      spread = follow;
      decisions.onChange(() => void follow.publish());
      const address = new Promise<string>((resolve, reject) => {
        started = { resolve, reject };
      });
      fleet.start();
      return address;
    },
    async settled() {
      const settled = await spread?.publish();
      if (settled) log.info(settled, 'in force');
      return settled;
    },
    close: () => fleet.stop(),
  };
}

/** What is in force, as the workers need it. Parts that have not changed are the same objects as before. */
function stateOf({ settings, flags }: ServingDeps, { forced }: Decisions, count: number): () => SharedState {
  let whole = settings.current.config;
  let config = shareOf(whole, count);
  return () => {
    const { current } = settings;
    if (current.config !== whole) {
      whole = current.config;
      config = shareOf(whole, count);
    }
    const sides = current.table.routes.flatMap(({ id }) => {
      const side = forced.route(id);
      return side ? [[id, side] as const] : [];
    });
    const { legacy, new: fresh } = current.upstreams.health;
    return {
      config,
      features: flags.definitions(),
      forced: { all: forced.all, routes: Object.fromEntries(sides) },
      health: {
        legacy: { healthy: legacy.healthy, problem: legacy.problem },
        new: { healthy: fresh.healthy, problem: fresh.problem },
      },
    };
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

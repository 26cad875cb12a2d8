// The worker processes: as many as wanted, started, and started anew when they end unasked.
import cluster, { type Worker } from 'node:cluster';
import { fileURLToPath } from 'node:url';
import type { GatewayMetrics } from '../metrics.ts';
import type { GatewayLog } from '../request-log.ts';
import type { FromWorker, ToWorker } from './messages.ts';

/** A worker that takes longer to load and listen is ended and started anew. */
const START_TIMEOUT_MS = 15_000;
/** How long workers may take to finish what is under way, beyond their delay; longer than a listener's own drain. */
const STOP_TIMEOUT_MS = 14_000;
/** The first replacement comes at once, each further one later while workers keep ending young. */
const BACKOFF_MS = 50;
const BACKOFF_MS_MAX = 5_000;
/** A worker that has lived this long did not end because of how it was started. */
const SETTLED_MS = 10_000;

export interface FleetWorker {
  readonly id: number;
  readonly pid: number;
  readonly startedAt: Date;
  send(message: ToWorker): void;
  /** Ends it at once. `how` is what the metrics call it. */
  kill(how: 'unresponsive'): void;
}

export interface FleetDeps {
  readonly count: number;
  readonly metrics: GatewayMetrics;
  readonly log: GatewayLog;
  readonly now: () => Date;
  onMessage(worker: FleetWorker, message: FromWorker): void;
  /** The process has ended: it serves nothing any more. */
  onEnded(worker: FleetWorker): void;
  /** The last of what it had said has been heard; comes after, or together with, its end. */
  onSilent(worker: FleetWorker): void;
}

export interface Fleet {
  /** Those that have not ended. */
  readonly workers: ReadonlySet<FleetWorker>;
  /** What ended last unasked, or undefined. */
  lastEnd(): string | undefined;
  start(): void;
  /** The worker has begun to serve. */
  arrived(worker: FleetWorker): void;
  /** Asks all to finish what is under way after a delay of theirs; resolves when all have ended. Starts no more. */
  stop(delayMs: number): Promise<void>;
}

export function createFleet(deps: FleetDeps): Fleet {
  const { count, metrics, log, now } = deps;
  const workers = new Set<FleetWorker>();
  const starting = new Map<FleetWorker, NodeJS.Timeout>();
  const respawns = new Set<NodeJS.Timeout>(); // At most one per worker wanted.
  const stopWaiters: (() => void)[] = [];
  let endedYoung = 0;
  let lastEnd: string | undefined;
  let stopping = false;

  function spawn(): void {
    const child = cluster.fork();
    const worker = asFleetWorker(child, now(), log);
    workers.add(worker);
    starting.set(
      worker,
      setTimeout(() => worker.kill('unresponsive'), START_TIMEOUT_MS),
    );
    child.on('message', (message: FromWorker) => deps.onMessage(worker, message));
    child.on('error', (error) => log.warn({ worker: worker.pid, err: error }, 'worker channel'));
    const silent = new Promise<void>((resolve) => child.once('disconnect', resolve));
    child.once('exit', (code, signal) => {
      ended(worker, { code, signal });
      void silent.then(() => deps.onSilent(worker));
    });
  }

  function ended(worker: FleetWorker & { killedAs?: string }, { code, signal }: Exit): void {
    workers.delete(worker);
    clearTimeout(starting.get(worker));
    starting.delete(worker);
    deps.onEnded(worker);
    if (stopping) {
      if (workers.size === 0) for (const done of stopWaiters.splice(0)) done();
      return;
    }
    const livedMs = now().getTime() - worker.startedAt.getTime();
    endedYoung = livedMs >= SETTLED_MS || code === 0 ? 0 : endedYoung + 1;
    const restartInMs = backoffMs(endedYoung);
    const how = worker.killedAs ?? (signal ? 'signal' : 'exit');
    lastEnd = `pid ${worker.pid} (${worker.killedAs ?? signal ?? `exit code ${code}`}) at ${now().toISOString()}`;
    metrics.workerEnds.inc({ how });
    log.error({ worker: worker.pid, code, signal, how, livedMs, restartInMs }, 'worker ended');
    const timer = setTimeout(() => {
      respawns.delete(timer);
      spawn();
    }, restartInMs);
    respawns.add(timer);
  }

  return {
    workers,
    lastEnd: () => lastEnd,
    start() {
      prepareCluster();
      for (let i = 0; i < count; i++) spawn();
    },
    arrived(worker) {
      clearTimeout(starting.get(worker));
      starting.delete(worker);
      log.info({ worker: worker.pid }, 'worker serves');
    },
    async stop(delayMs) {
      stopping = true;
      for (const timer of respawns) clearTimeout(timer);
      for (const timer of starting.values()) clearTimeout(timer);
      if (workers.size === 0) return;
      const allEnded = new Promise<void>((resolve) => stopWaiters.push(resolve));
      for (const worker of workers) worker.send({ kind: 'stop' });
      const cut = setTimeout(() => {
        for (const worker of workers) worker.kill('unresponsive');
      }, delayMs + STOP_TIMEOUT_MS);
      await allEnded;
      clearTimeout(cut);
    },
  };
}

interface Exit {
  readonly code: number | null;
  readonly signal: string | null;
}

/** How long to wait before a worker is replaced, when so many in a row have ended young. */
export function backoffMs(endedYoung: number): number {
  return Math.min(BACKOFF_MS_MAX, BACKOFF_MS * 2 ** Math.max(0, endedYoung - 1));
}

function prepareCluster(): void {
  // All workers accept from one socket. Were connections handed over by this process instead, one that is on its way
  // to a worker that dies would be left hanging; and measured, it is slower.
  cluster.schedulingPolicy = cluster.SCHED_NONE;
  cluster.setupPrimary({
    exec: fileURLToPath(new URL('./worker-main.ts', import.meta.url)),
    args: [],
    serialization: 'advanced',
  });
}

function asFleetWorker(child: Worker, startedAt: Date, log: GatewayLog): FleetWorker & { killedAs?: string } {
  const worker: FleetWorker & { killedAs?: string } = {
    id: child.id,
    pid: child.process.pid ?? 0,
    startedAt,
    send(message) {
      // One that has just ended is told in vain; its end is on its way here.
      if (child.isConnected()) child.process.send(message, undefined, undefined, () => {});
    },
    kill(how) {
      worker.killedAs = how;
      log.error({ worker: worker.pid }, `worker is ${how} and is killed`);
      child.process.kill('SIGKILL');
    },
  };
  return worker;
}

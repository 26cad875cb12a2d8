// A worker: serves traffic by the state that the primary process sends, and reports to it. It has no state of its own, and
// ends with the primary: node:cluster ends a worker whose channel closes, so that none is left serving by stale flags.
import { createDataPath, type DataPath } from '../data-path.ts';
import { evidenceOf } from '../evidence-of.ts';
import { createRateLimiter } from '../http/rate-limit.ts';
import { createMetrics } from '../metrics.ts';
import type { IdMap } from '../mirror/id-map.ts';
import { createGatewayLog } from '../request-log.ts';
import { openTracing } from '../tracing/open.ts';
import { createWriteTally } from '../writes/write-tally.ts';
import { type AskedRates, createAskedRates } from './asked-rates.ts';
import { createFollowedState, type FollowedState } from './followed-state.ts';
import type { FromWorker, RateAsk, SharedState, ToWorker } from './messages.ts';
import { createReporter, type Reporter } from './reporter.ts';
import { createWorkerIds } from './shared-ids.ts';

/** A primary that does not answer in this time has no connection to give away either. */
const RELEASE_TIMEOUT_MS = 5_000;
/** Metrics are sent this often even when nobody asks, so that little of them is lost with a worker that dies. */
const METRICS_INTERVAL_MS = 1_000;

interface Running {
  readonly path: DataPath;
  readonly reporter: Reporter;
  readonly ids: IdMap;
  /** Undefined where a Redis counts. */
  readonly askedRates: AskedRates | undefined;
  /** Puts what has changed in force. */
  apply(change: Partial<SharedState>): void;
  measure(request: number | undefined): Promise<void>;
  stop(): Promise<void>;
}

/** Sends a message to the primary; `sent` is called when it is on its way, or cannot be. */
export type Send = (message: FromWorker, sent?: () => void) => void;

/** Runs this process as a worker. To be called once, in a process that node:cluster has forked. */
export function runWorker(): void {
  const send: Send = (message, sent = () => {}) => {
    if (process.connected) process.send?.(message, undefined, undefined, () => sent());
    else sent();
  };
  const fail = (error: unknown) => send({ kind: 'failed', message: (error as Error).message }, () => process.exit(1));
  let running: Running | undefined;
  let turn: Promise<void> = Promise.resolve();

  async function follow(message: ToWorker): Promise<void> {
    switch (message.kind) {
      case 'state':
        running = await begin(createFollowedState(message.state), send);
        return send({ kind: 'applied', version: message.version });
      case 'change':
        running?.apply(message.change);
        return send({ kind: 'applied', version: message.version });
      case 'ids':
        return running?.ids.apply(message.changes);
      case 'listen':
        // Not awaited: a change that comes meanwhile must not wait for it.
        running?.path.listen(message.hostPort).then((address) => send({ kind: 'listening', address }), fail);
        return;
      case 'measure':
        running?.measure(message.request).catch(fail); // Not awaited, for the same reason.
        return;
      case 'consumed':
        running?.askedRates?.answered(message.answers);
        return;
      case 'stop':
        void stop();
        return;
      case 'released':
        released();
    }
  }

  let released = () => {};
  /** Connections that the primary has sent already, and which it gives to another when this process says no, come before its answer. */
  const leave = () =>
    new Promise<void>((resolve) => {
      released = resolve;
      send({ kind: 'closed' });
      setTimeout(resolve, RELEASE_TIMEOUT_MS);
    });

  let stopping = false;
  async function stop(): Promise<void> {
    if (stopping) return;
    stopping = true;
    await running?.stop();
    await leave();
    process.exit(0);
  }

  process.on('message', (message: ToWorker) => {
    turn = turn.then(() => follow(message)).catch(fail);
  });
  process.on('SIGTERM', () => void stop());
  // A terminal sends these to all processes of its group; the primary says what they mean.
  for (const signal of ['SIGINT', 'SIGHUP'] as const) process.on(signal, () => {});
  send({ kind: 'loaded' });
}

async function begin(state: FollowedState, send: Send): Promise<Running> {
  const { settings, isEnabled, forced } = state;
  const { level } = settings.current.config.log;
  const log = createGatewayLog({ level, isShared: true });
  const metrics = createMetrics();
  const now = () => new Date();
  const raised = (operation: string, error: unknown) => {
    metrics.raised.inc({ operation });
    log.error({ operation, err: error }, 'internal error');
  };
  const workerIds = createWorkerIds(settings.current.config.mirror.idPairsMax);
  const { ids } = workerIds;
  const evidence = evidenceOf(settings, now);
  const tally = createWriteTally();
  const reporter = createReporter({
    evidence,
    settings,
    takeIds: workerIds.take,
    takeWrites: tally.take,
    send: (report, sent) => send({ kind: 'report', report }, sent),
  });
  const { traffic } = reporter;
  const tracing = await openTracing(settings.current.config, { metrics, log });
  const { rateLimitStore } = settings.current.config;
  const isShared = rateLimitStore !== 'memory';
  const own = createRateLimiter(isShared ? rateLimitStore : undefined, raised);
  const ask = (asks: readonly RateAsk[]) => send({ kind: 'consume', asks });
  const askedRates = isShared ? undefined : createAskedRates({ ask, own, raised });
  const rates = askedRates ?? own;
  const path = createDataPath({
    ...{ settings, isEnabled, forced, ids, evidence, traffic, tally, tracing, rates, metrics, log, raised, now },
  });
  reporter.begin(path);

  const measure = async (request: number | undefined) => {
    path.measure();
    const snapshot = await metrics.registry.getMetricsAsJSON();
    await new Promise<void>((sent) => send({ kind: 'metrics', request, metrics: snapshot }, sent));
  };
  const timer = setInterval(() => void measure(undefined), METRICS_INTERVAL_MS);
  return {
    ...{ path, reporter, ids, askedRates, measure },
    apply(change) {
      state.apply(change);
      rates.follow(settings.current.config);
      path.redecide();
      reporter.flush();
    },
    async stop() {
      await path.close();
      clearInterval(timer);
      reporter.end();
      await measure(undefined);
      await state.close();
    },
  };
}

// Runs one request as a dry run: through the same routes as any other, on dependencies that can have no effect. There is no
// "if it is a dry run" beyond this file.
import { Hono } from 'hono';
import { LinearRouter } from 'hono/router/linear-router';
import type { Logger } from '../../config/log.ts';
import { type AppDeps, addRoutes } from '../app.ts';
import type { Bus } from '../bus/bus.ts';
import { createMetrics, type Metrics } from '../metrics.ts';
import type { Circuits } from '../risk/circuits.ts';
import { createRisk } from '../risk/risk.ts';
import { createTradingStates, type TradingStates } from '../risk/trading-state.ts';
import { createSimulatedExchange } from './exchange.ts';
import { EMPTY_HAND } from './hand.ts';

/** Tells nobody: what did not happen is no news. */
const SILENT_BUS: Bus = {
  publish() {},
  tell() {},
  tellOnce: async () => false,
  under: () => ({ ...SILENT_BUS, skip() {} }),
  recent: async () => [],
  onReturn() {},
  subscribe: async () => async () => {},
  listened: async () => [],
  ping: async () => undefined,
  close: async () => {},
};

/** Of nobody: the copy comes when the original has spent what it would need. */
const NO_BALANCES: AppDeps['balances'] = {
  fresh: () => undefined,
  recent: () => undefined,
  ask: async () => ({ kind: 'unknown', detail: 'a dry run does not look at balances' }),
  take() {},
  setStreamed() {},
};

/** Counters that nobody reads, but for those of dry runs: users' counters must not count what no user did. */
function metricsOfDryRuns(metrics: Metrics): Metrics {
  return { ...createMetrics(), requestSeconds: metrics.shadowRequestSeconds, errors: metrics.shadowErrors };
}

/** Each by name, and no "...real": whoever adds a dependency decides here what a dry run gets in its place. */
function depsOfDryRun(real: AppDeps, metrics: Metrics, log: Logger): AppDeps {
  const { now, nextOrderId, prices, isStopping, authenticate, tracing, limits, isReconciling, hasOwnAccount } = real;
  const store = real.store.discarding();
  const raised = () => {};
  const tradingStates: TradingStates = {
    ...createTradingStates({ store, bus: SILENT_BUS, now, killFile: undefined, raised }),
    current: real.tradingStates.current,
    refresh: real.tradingStates.refresh,
  };
  const circuits: Circuits = { record() {}, open: real.circuits.open };
  const exchange = createSimulatedExchange(real.exchange);
  return {
    store,
    exchange,
    hasOwnAccount,
    credentials: undefined, // Keys are nothing that a copy of a request may touch.
    bus: SILENT_BUS,
    listening: { note() {} },
    balances: NO_BALANCES,
    risk: createRisk({
      ...{ store, exchange, prices, balances: NO_BALANCES, hasOwnAccount, tradingStates, circuits },
      ...{ isReconciling, limits, metrics, log, now },
    }),
    tradingStates,
    circuits,
    limits,
    isReconciling,
    onExecution() {},
    calendar: real.calendar,
    onTarget() {},
    metrics,
    log,
    now,
    nextOrderId,
    prices,
    market: real.market, // Read only, as the next one; what klines keep is the exchange's, not the dry run's.
    klines: real.klines,
    solana: real.solana, // Asks and simulates; sends nothing.
    submitting: real.submitting && real.solana?.submitting(EMPTY_HAND, { store, tradingStates, metrics, log, now }),
    events: real.events,
    isStopping,
    authenticate,
    tracing,
  };
}

export type DryRun = (request: Request) => Promise<Response>;

/** Builds an app for each request, so that what one dry run writes no other can see, and all of it is gone with its answer. */
export function createDryRun(real: AppDeps): DryRun {
  const metrics = metricsOfDryRuns(real.metrics);
  const log = real.log.child({ shadow: true });
  return async function dryRun(request) {
    const app = new Hono({ router: new LinearRouter() }); // The one that is quick to fill; it answers once.
    const deps = depsOfDryRun(real, metrics, log);
    const { settlement } = addRoutes(app, deps);
    try {
      return await app.fetch(request);
    } finally {
      void settlement.stop(); // What would have been looked after later has not happened.
    }
  };
}

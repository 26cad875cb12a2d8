// The backend put together: stores and exchange in, an app to serve and a way to stop out.
import { once } from 'node:events';
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { createAdaptorServer } from '@hono/node-server';
import { Hono } from 'hono';
import type { Logger } from '../config/log.ts';
import type { ShadowKeys } from '../config/shadow-keys.ts';
import { type AppDeps, addRoutes } from './app.ts';
import type { Authenticate } from './auth/authenticate.ts';
import { createBalances } from './balances/balances.ts';
import type { Bus } from './bus/bus.ts';
import { type Clock, createOrderIds } from './domain/ids.ts';
import type { Exchange } from './exchange/exchange.ts';
import type { MarketQueries } from './exchange/market-feed.ts';
import { measuredExchange } from './exchange/measured.ts';
import type { UserFeed } from './exchange/user-stream.ts';
import { createRunner } from './executions/runner.ts';
import type { Credentials } from './keys/credentials.ts';
import { MEXC } from './keys/exchanges.ts';
import { createKlines } from './market/klines.ts';
import type { MarketData } from './market/market-data.ts';
import { createPrices } from './market/prices.ts';
import { type Metrics, raisedTo } from './metrics.ts';
import { createOrderListener } from './orders/listening.ts';
import { createReconciler } from './orders/reconcile.ts';
import { createReturnWatch } from './orders/return-watch.ts';
import { type CircuitsSettings, createCircuits } from './risk/circuits.ts';
import type { Limits } from './risk/limits.ts';
import { createRisk } from './risk/risk.ts';
import { createTradingStates } from './risk/trading-state.ts';
import { createDryRun } from './shadow/dry-run.ts';
import { createShadowEdge, type Fetch } from './shadow/edge.ts';
import type { Nonces } from './shadow/nonces.ts';
import { createCalendar } from './sniper/calendar.ts';
import type { ListingSource } from './sniper/listing-source.ts';
import { createSniping } from './sniper/sniping.ts';
import type { Solana } from './solana/solana.ts';
import type { Store } from './store/store.ts';
import { createEventStreams } from './streams/events.ts';
import { createFeeds, type Feeds } from './streams/feeds.ts';
import { createTradingSocket } from './streams/socket.ts';
import type { TokenInfo } from './streams/socket-session.ts';
import { createTold } from './told.ts';
import type { Tracing } from './tracing.ts';

/** How long listening waits for the first reconciliation; after that orders of users whose own have not been gone through are denied. */
const FIRST_PASS_MS = 5000;
/** How often a stopping server looks for connections that have gone idle. */
const IDLE_SWEEP_MS = 50;

/** Streams are ended spread over this time, so that their clients do not all come back at once. */
const STREAMS_SPREAD_MS = 2000;

export type RiskSettings = {
  /** Of users who have none of their own. */
  readonly limits: Limits;
  readonly circuits: CircuitsSettings;
  /** Stops all new orders while it is there. */
  readonly killFile?: string | undefined;
};

export type BackendDeps = {
  readonly store: Store;
  readonly exchange: Exchange;
  readonly bus: Bus;
  /** Users' own keys of the exchange, by which `exchange` sends what names a user's account; undefined: there are none. */
  readonly credentials: Credentials | undefined;
  readonly market: MarketData;
  readonly tokenInfo: TokenInfo;
  /** Undefined: the exchange tells nothing of orders by itself, and is asked. */
  readonly userFeed: UserFeed | undefined;
  /** The same of users' own accounts. */
  readonly accountFeed: ((account: string) => UserFeed) | undefined;
  readonly marketQueries: MarketQueries;
  /** Who tells of listings, undefined: nobody; and the longest wait before asking again, ms. */
  readonly listings: { readonly source: ListingSource | undefined; readonly pollMostMs: number };
  /** Undefined: no RPC endpoint is configured. */
  readonly solana: Solana | undefined;
  readonly metrics: Metrics;
  readonly log: Logger;
  readonly now: Clock;
  readonly riskSettings: RiskSettings;
  /** Undefined: nobody is asked who they are. */
  readonly authenticate: Authenticate | undefined;
  /** Undefined: nothing is traced. Who made it closes it. */
  readonly tracing?: Pick<Tracing, 'served'> | undefined;
  /** What verifies the gateway's dry runs; without keys every one is refused. */
  readonly shadow: { readonly keys: ShadowKeys | undefined; readonly nonces: Nonces };
};

export type Backend = {
  /** Answers one request. */
  readonly fetch: Fetch;
  /** Listens and begins reconciling, now and every `reconcileIntervalMs`. Resolves with the address, e.g. "127.0.0.1:8002". */
  readonly listen: (options: { host: string; port: number; reconcileIntervalMs: number }) => Promise<string>;
  /** One reconciliation, for those who do not want to wait for it. */
  readonly reconcile: () => Promise<number>;
  /** One look at the executions, the calendar, the sniper's targets and the submissions, as well. */
  readonly execute: () => Promise<void>;
  /**
   * Takes no new requests, finishes those under way for at most `timeoutMs`, then cuts what is left. The stores and clients in
   * `deps` stay open: who made them closes them.
   */
  readonly close: (options: { timeoutMs: number }) => Promise<void>;
};

async function stopServer(server: Server, timeoutMs: number): Promise<void> {
  if (!server.listening) return;
  const closed = once(server, 'close');
  server.close();
  // A kept-alive connection that was busy when the server closed stays open when it goes idle; so look again.
  const sweep = setInterval(() => server.closeIdleConnections(), IDLE_SWEEP_MS);
  const cut = setTimeout(() => server.closeAllConnections(), timeoutMs);
  await closed;
  clearInterval(sweep);
  clearTimeout(cut);
}

function formatAddress({ address, port, family }: AddressInfo): string {
  return family === 'IPv6' ? `[${address}]:${port}` : `${address}:${port}`;
}

/** What every request works with, made of what the process was given. */
function createAppDeps(
  deps: BackendDeps & { readonly feeds: Feeds },
  exchange: Exchange,
  is: { stopping(): boolean; reconciling(userId: string): boolean },
): Omit<AppDeps, 'onExecution' | 'onTarget' | 'calendar' | 'listening' | 'submitting'> {
  const { store, bus, feeds, metrics, log, now, riskSettings, credentials } = deps;
  const raised = raisedTo(metrics, log);
  const { limits, killFile } = riskSettings;
  const prices = createPrices({ exchange, now });
  const balances = createBalances({ exchange, now });
  const hasOwnAccount = async (userId: string) =>
    (await credentials?.describe({ userId, exchange: MEXC })) !== undefined;
  const tradingStates = createTradingStates({ store, bus, now, killFile, raised });
  const circuits = createCircuits(riskSettings.circuits, now);
  const isReconciling = is.reconciling;
  const klines = createKlines({ ...deps, queries: deps.marketQueries, raised });
  return {
    store,
    exchange,
    credentials,
    hasOwnAccount,
    bus,
    metrics,
    log,
    now,
    nextOrderId: createOrderIds({ now }),
    prices,
    balances,
    market: deps.market,
    klines,
    solana: deps.solana,
    events: createEventStreams({ ...deps, feeds }),
    tradingStates,
    circuits,
    limits,
    isReconciling,
    risk: createRisk({
      ...{ store, exchange, prices, balances, hasOwnAccount, tradingStates, circuits },
      ...{ isReconciling, limits, metrics, log, now },
    }),
    isStopping: is.stopping,
    authenticate: deps.authenticate,
    tracing: deps.tracing,
  };
}

export function createBackend(deps: BackendDeps): Backend {
  let stopping = false;
  const measured = measuredExchange(deps.exchange, deps.metrics);
  const exchange = createReturnWatch(measured, () => reconciler.soon());
  const raised = raisedTo(deps.metrics, deps.log);
  const feeds = createFeeds({ bus: deps.bus, raised });
  const calendar = createCalendar({ ...deps, ...deps.listings, raised });
  const common = createAppDeps({ ...deps, feeds }, exchange, {
    stopping: () => stopping,
    reconciling: (userId) => reconciler.isBehind(userId),
  });
  const submitting = deps.solana?.hand && deps.solana.submitting(deps.solana.hand, common);
  const appDeps: AppDeps = {
    ...common,
    submitting,
    onExecution: (execution) => runner.wake(execution),
    onTarget: (target) => sniper.wake(target),
    calendar,
    listening: {
      note(order) {
        told.note(order);
        listener.note(order);
      },
    },
  };
  const { tradingStates, risk, events, balances } = appDeps;
  const app = new Hono();
  const orders = addRoutes(app, appDeps);
  const listener = createOrderListener(appDeps, () => orders.settlement);
  const told = createTold(
    { ...deps, balances },
    { listener: () => listener, reconciler: () => reconciler, settlement: () => orders.settlement },
  );
  const reconciler = createReconciler({ ...appDeps, isTold: told.isTold }, orders);
  const runner = createRunner(appDeps, orders);
  const sniper = createSniping({ ...appDeps, marketQueries: deps.marketQueries }, { orders, calendar });
  const fetch = createShadowEdge({
    ...deps,
    ...deps.shadow,
    real: (request) => app.fetch(request),
    dryRun: createDryRun(appDeps),
  });

  // overrideGlobalObjects would replace Request and Response for the whole process.
  const server = createAdaptorServer({
    fetch: (request, { incoming }) => fetch(request, incoming),
    overrideGlobalObjects: false,
  }) as Server; // http/1 is the default.
  const tradingSocket = createTradingSocket({ ...appDeps, tokenInfo: deps.tokenInfo, feeds, raised });
  server.on('upgrade', tradingSocket.upgrade);

  /** Streams end by themselves never, so they are ended first, and within the time that requests have. */
  async function stopStreams(timeoutMs: number): Promise<void> {
    const spreadMs = Math.min(STREAMS_SPREAD_MS, timeoutMs / 2);
    await Promise.all([tradingSocket, events].map((streams) => streams.close({ spreadMs })));
    feeds.close();
  }

  return {
    fetch,
    reconcile: reconciler.pass,
    async execute() {
      await Promise.all([runner.pass(), calendar.pass(), submitting?.follower.pass()]);
      await sniper.pass();
    },
    async listen({ host, port, reconcileIntervalMs }) {
      await tradingStates.start();
      told.start(); // Before the orders are gone through: nothing is missed between.
      const first = reconciler.start(reconcileIntervalMs);
      // What became of orders before this process is known before it takes new ones, unless that takes too long.
      await Promise.race([first, delay(FIRST_PASS_MS, undefined, { ref: false })]);
      for (const each of [runner, calendar, sniper, submitting?.follower]) each?.start();
      server.listen(port, host);
      await once(server, 'listening');
      return formatAddress(server.address() as AddressInfo); // A TCP server's address is never a string.
    },
    async close({ timeoutMs }) {
      stopping = true;
      const working = [reconciler, runner, sniper, calendar, submitting?.follower].map((each) => each?.stop());
      await Promise.all([stopServer(server, timeoutMs), stopStreams(timeoutMs), ...working]);
      await Promise.all([orders.settlement.stop(), listener.stop(), told.close()]);
      await Promise.all([tradingStates.stop(), risk.idle()]);
    },
  };
}

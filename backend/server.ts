// The backend put together: stores and exchange in, an app to serve and a way to stop out.
import { once } from 'node:events';
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createAdaptorServer } from '@hono/node-server';
import { Hono } from 'hono';
import type { Logger } from '../config/log.ts';
import type { ShadowKeys } from '../config/shadow-keys.ts';
import { type AppDeps, addRoutes } from './app.ts';
import type { Bus } from './bus/bus.ts';
import { type Clock, createOrderIds } from './domain/ids.ts';
import type { Exchange } from './exchange/exchange.ts';
import type { MarketQueries } from './exchange/market-feed.ts';
import { measuredExchange } from './exchange/measured.ts';
import { createKlines } from './market/klines.ts';
import type { MarketData } from './market/market-data.ts';
import { createPrices } from './market/prices.ts';
import { type Metrics, raisedTo } from './metrics.ts';
import { createReconciler } from './orders/reconcile.ts';
import { createDryRun } from './shadow/dry-run.ts';
import { createShadowEdge, type Fetch } from './shadow/edge.ts';
import type { Nonces } from './shadow/nonces.ts';
import type { Store } from './store/store.ts';

/** How often a stopping server looks for connections that have gone idle. */
const IDLE_SWEEP_MS = 50;

export type BackendDeps = {
  readonly store: Store;
  readonly exchange: Exchange;
  readonly bus: Bus;
  readonly market: MarketData;
  readonly marketQueries: MarketQueries;
  readonly metrics: Metrics;
  readonly log: Logger;
  readonly now: Clock;
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

export function createBackend(deps: BackendDeps): Backend {
  const { metrics, now } = deps;
  const exchange = measuredExchange(deps.exchange, metrics);
  let stopping = false;
  const appDeps: AppDeps = {
    ...deps,
    exchange,
    nextOrderId: createOrderIds({ now }),
    prices: createPrices({ exchange, now }),
    market: deps.market,
    klines: createKlines({ ...deps, queries: deps.marketQueries, raised: raisedTo(metrics, deps.log) }),
    isStopping: () => stopping,
  };
  const app = new Hono();
  const settlement = addRoutes(app, appDeps);
  const reconciler = createReconciler(appDeps, settlement);
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

  return {
    fetch,
    reconcile: reconciler.pass,
    async listen({ host, port, reconcileIntervalMs }) {
      server.listen(port, host);
      await once(server, 'listening');
      reconciler.start(reconcileIntervalMs);
      return formatAddress(server.address() as AddressInfo); // A TCP server's address is never a string.
    },
    async close({ timeoutMs }) {
      stopping = true;
      await Promise.all([stopServer(server, timeoutMs), reconciler.stop()]);
      await settlement.stop();
    },
  };
}

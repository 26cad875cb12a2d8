// The backend put together: stores and exchange in, an app to serve and a way to stop out.
import { once } from 'node:events';
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createAdaptorServer } from '@hono/node-server';
import { Hono } from 'hono';
import type { Logger } from '../config/log.ts';
import type { Bus } from './bus/bus.ts';
import { type Clock, createOrderIds } from './domain/ids.ts';
import { problem, problemResponse } from './errors.ts';
import type { Exchange } from './exchange/exchange.ts';
import { measuredExchange } from './exchange/measured.ts';
import { healthRoutes } from './health.ts';
import { createRoute, errorResponse } from './http.ts';
import { createPrices } from './market/prices.ts';
import { marketRoutes } from './market/routes.ts';
import type { Metrics } from './metrics.ts';
import { changeOrder } from './orders/change.ts';
import type { OrderDeps } from './orders/deps.ts';
import { createReconciler } from './orders/reconcile.ts';
import { orderRoutes } from './orders/routes.ts';
import { createSettlement } from './orders/settle.ts';
import { createApplyFills } from './positions/apply.ts';
import { positionRoutes } from './positions/routes.ts';
import type { Store } from './store/store.ts';

/** How often a stopping server looks for connections that have gone idle. */
const IDLE_SWEEP_MS = 50;

export type BackendDeps = {
  readonly store: Store;
  readonly exchange: Exchange;
  readonly bus: Bus;
  readonly metrics: Metrics;
  readonly log: Logger;
  readonly now: Clock;
};

export type Backend = {
  readonly app: Hono;
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
  const { store, bus, metrics, log, now } = deps;
  const exchange = measuredExchange(deps.exchange, metrics);
  const orderDeps: OrderDeps = { ...deps, exchange, nextOrderId: createOrderIds({ now }) };
  const applyFills = createApplyFills({
    store,
    now,
    changeOrder: (order, change) => changeOrder(orderDeps, order, change),
  });
  const settlement = createSettlement(orderDeps, applyFills);
  const reconciler = createReconciler(orderDeps, settlement);
  let stopping = false;

  const app = new Hono();
  const route = createRoute(app, { log, metrics });
  healthRoutes(route, { store, exchange, bus, metrics, now, isStopping: () => stopping });
  orderRoutes(route, orderDeps, settlement);
  positionRoutes(route, { store, now });
  marketRoutes(route, { prices: createPrices({ exchange, now }), now });
  app.notFound((context) => problemResponse(problem('not_found', `no ${context.req.method} ${context.req.path} here`)));
  app.onError((error, context) => errorResponse(context, error, { log, metrics }));

  // overrideGlobalObjects would replace Request and Response for the whole process.
  const server = createAdaptorServer({ fetch: app.fetch, overrideGlobalObjects: false }) as Server; // http/1 is the default.

  return {
    app,
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

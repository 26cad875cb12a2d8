// The API as an app: every route on the dependencies it is given, and nothing else. server.ts makes one of the real ones;
// shadow/dry-run.ts makes others that can have no effect.
import type { Hono } from 'hono';
import type { Authenticate } from './auth/authenticate.ts';
import type { Balances } from './balances/balances.ts';
import { balanceRoutes } from './balances/routes.ts';
import { channels } from './bus/bus.ts';
import { problem, problemResponse } from './errors.ts';
import { executionRoutes } from './executions/routes.ts';
import { healthRoutes } from './health.ts';
import { createRoute, errorResponse, type RouteListed } from './http.ts';
import type { Credentials } from './keys/credentials.ts';
import { keyRoutes } from './keys/routes.ts';
import type { Klines } from './market/klines.ts';
import type { MarketData } from './market/market-data.ts';
import type { Prices } from './market/prices.ts';
import { marketRoutes } from './market/routes.ts';
import { openApiRoutes } from './openapi.ts';
import { changeOrder } from './orders/change.ts';
import type { OrderDeps } from './orders/deps.ts';
import { createOrders, type Orders } from './orders/orders.ts';
import { orderRoutes } from './orders/routes.ts';
import { createApplyFills } from './positions/apply.ts';
import { positionRoutes, positionView } from './positions/routes.ts';
import type { Circuits } from './risk/circuits.ts';
import type { Limits } from './risk/limits.ts';
import { riskRoutes } from './risk/routes.ts';
import type { TradingStates } from './risk/trading-state.ts';
import type { Calendar } from './sniper/calendar.ts';
import { sniperRoutes } from './sniper/routes.ts';
import type { Solana, Submitting } from './solana/solana.ts';
import type { ExecutionRecord } from './store/execution-items.ts';
import type { TargetRecord } from './store/sniper-items.ts';
import { type EventStreams, eventRoutes } from './streams/events.ts';
import type { Tracing } from './tracing.ts';

export type AppDeps = OrderDeps & {
  readonly prices: Prices;
  readonly balances: Balances;
  readonly tradingStates: TradingStates;
  readonly circuits: Circuits;
  readonly limits: Limits;
  readonly isReconciling: (userId: string) => boolean;
  /** Hears of an execution that is to be worked at. */
  readonly onExecution: (execution: ExecutionRecord) => void;
  readonly calendar: Pick<Calendar, 'pending'>;
  /** Hears of a target that is to be worked at. */
  readonly onTarget: (target: TargetRecord) => void;
  /** Undefined: users have no keys of their own. */
  readonly credentials: Credentials | undefined;
  readonly events: EventStreams;
  readonly market: MarketData;
  readonly klines: Klines;
  /** Undefined: no RPC endpoint is configured. */
  readonly solana: Solana | undefined;
  /** Undefined: there is no relay to hand transactions to. */
  readonly submitting: Pick<Submitting, 'routes'> | undefined;
  readonly isStopping: () => boolean;
  /** Undefined: nobody is asked who they are. */
  readonly authenticate: Authenticate | undefined;
  /** Undefined: nothing is traced. */
  readonly tracing?: Pick<Tracing, 'served'> | undefined;
};

/** Adds every route to `app`. The orders' settlement works off the requests' path: whoever made the app stops it. */
export function addRoutes(app: Hono, deps: AppDeps): Orders {
  const { store, bus, log, metrics } = deps;
  const applyFills = createApplyFills({
    store,
    onPosition(position) {
      deps.risk.notePosition(position);
      bus.tell(channels.positions(position.user_id), 'position', positionView(position));
    },
    changeOrder: (order, change) => changeOrder(deps, order, change),
  });
  const orders = createOrders(deps, applyFills);
  const routes: RouteListed[] = [];
  const route = createRoute(app, { ...deps, onRoute: (each) => routes.push(each) });
  healthRoutes(route, deps);
  orderRoutes(route, deps, orders);
  executionRoutes(route, deps);
  riskRoutes(route, deps);
  positionRoutes(route, deps);
  marketRoutes(route, deps);
  balanceRoutes(route, deps);
  keyRoutes(route, deps);
  sniperRoutes(route, deps);
  eventRoutes(route, deps);
  deps.solana?.routes(route);
  deps.submitting?.routes(route);
  openApiRoutes(route, routes);
  app.notFound((context) => problemResponse(problem('not_found', `no ${context.req.method} ${context.req.path} here`)));
  app.onError((error, context) => errorResponse(context, error, { log, metrics }));
  return orders;
}

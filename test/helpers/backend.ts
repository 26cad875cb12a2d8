import { createAuthenticate } from '../../backend/auth/authenticate.ts';
import { createBalances } from '../../backend/balances/balances.ts';
import type { Bus } from '../../backend/bus/bus.ts';
import { createOrderIds } from '../../backend/domain/ids.ts';
import type { MarketQueries } from '../../backend/exchange/market-feed.ts';
import type { UserFeed } from '../../backend/exchange/user-stream.ts';
import type { Credentials } from '../../backend/keys/credentials.ts';
import { createMarketData } from '../../backend/market/market-data.ts';
import { createPrices } from '../../backend/market/prices.ts';
import { createMetrics } from '../../backend/metrics.ts';
import type { OrderDeps } from '../../backend/orders/deps.ts';
import { type CircuitsSettings, createCircuits, DEFAULT_CIRCUITS } from '../../backend/risk/circuits.ts';
import { DEFAULT_LIMITS, mergedLimits, type SomeLimits } from '../../backend/risk/limits.ts';
import { createRisk } from '../../backend/risk/risk.ts';
import { createTradingStates } from '../../backend/risk/trading-state.ts';
import { createBackend } from '../../backend/server.ts';
import { createMemoryNonces } from '../../backend/shadow/nonces.ts';
import type { ListingSource } from '../../backend/sniper/listing-source.ts';
import type { Solana } from '../../backend/solana/solana.ts';
import { createMemoryStore } from '../../backend/store/memory.ts';
import type { Store } from '../../backend/store/store.ts';
import type { TokenInfo } from '../../backend/streams/socket-session.ts';
import type { Tracing } from '../../backend/tracing.ts';
import type { AuthSettings } from '../../config/backend-auth.ts';
import { createLogger, type Logger } from '../../config/log.ts';
import type { ShadowKeys } from '../../config/shadow-keys.ts';
import { createFakeExchange, type FakeExchange } from './fake-exchange.ts';

export const START_MS = Date.parse('2026-01-05T10:00:00.000Z');

/** A market that nobody can ask about. */
const NO_MARKET: MarketQueries = {
  snapshot: async () => ({ kind: 'unknown', detail: 'no market here' }),
  klines: async () => ({ kind: 'unknown', detail: 'no market here' }),
};

export type Given = {
  readonly store?: Store;
  readonly exchange?: FakeExchange;
  readonly shadowKeys?: ShadowKeys;
  readonly marketQueries?: MarketQueries;
  readonly limits?: SomeLimits;
  readonly circuits?: CircuitsSettings;
  readonly killFile?: string;
  readonly auth?: AuthSettings;
  readonly userFeed?: UserFeed;
  readonly accountFeed?: (account: string) => UserFeed;
  readonly tokenInfo?: TokenInfo;
  readonly listingSource?: ListingSource;
  readonly credentials?: (store: Store) => Credentials;
  readonly solana?: Solana;
  /** Without one, what is published is only written down. */
  readonly bus?: Bus;
  readonly tracing?: Tracing;
  /** Without one nothing is logged. */
  readonly log?: Logger;
};

/** A backend on memory and a fake exchange, with a clock that only the test moves. Nothing listens. */
export function testBackend(given: Given = {}) {
  const clock = { nowMs: START_MS };
  const now = () => clock.nowMs;
  const exchange = given.exchange ?? createFakeExchange(now);
  const store = given.store ?? createMemoryStore(now);
  const published: { channel: string; message: string }[] = [];
  const bus: Bus = given.bus ?? {
    publish: (channel, message) => void published.push({ channel, message }),
    tell: (channel, _, data) => void published.push({ channel, message: JSON.stringify(data) }),
    async tellOnce(_, channel, __, data) {
      published.push({ channel, message: JSON.stringify(data) });
      return true;
    },
    under: () => ({ ...bus, skip() {} }),
    subscribe: async () => async () => {},
    listened: async () => [],
    recent: async () => [],
    onReturn() {},
    ping: async () => undefined,
    close: async () => {},
  };
  const metrics = createMetrics();
  const log = given.log ?? createLogger({ name: 'test', level: 'silent' });
  const shadow = { keys: given.shadowKeys, nonces: createMemoryNonces(() => metrics.shadowNoncesEvicted.inc()) };
  const authenticate = given.auth && createAuthenticate(given.auth, now);
  const limits = mergedLimits(DEFAULT_LIMITS, given.limits ?? {});
  const riskSettings = {
    limits,
    circuits: given.circuits ?? DEFAULT_CIRCUITS,
    ...(given.killFile === undefined ? {} : { killFile: given.killFile }),
  };
  const marketQueries = given.marketQueries ?? NO_MARKET;
  const market = createMarketData({ feed: undefined, queries: marketQueries, metrics, now });
  const deps = {
    credentials: given.credentials?.(store),
    solana: given.solana,
    store,
    exchange,
    bus,
    metrics,
    log,
    now,
    shadow,
    market,
    marketQueries,
    riskSettings,
    authenticate,
    userFeed: given.userFeed,
    accountFeed: given.accountFeed,
    tokenInfo: given.tokenInfo ?? (async () => undefined),
    tracing: given.tracing,
    listings: { source: given.listingSource, pollMostMs: 300_000 },
  };
  const hasOwnAccount = async () => false;
  const balances = createBalances(deps);
  const risk = createRisk({
    ...deps,
    balances,
    hasOwnAccount,
    limits,
    prices: createPrices(deps),
    tradingStates: createTradingStates({ ...deps, killFile: undefined, raised() {} }),
    circuits: createCircuits(DEFAULT_CIRCUITS, now),
    isReconciling: () => false,
  });
  const orderDeps: OrderDeps = {
    ...deps,
    risk,
    listening: { note() {} },
    hasOwnAccount,
    nextOrderId: createOrderIds({ now }),
  };
  const backend = createBackend(deps);

  async function call(method: string, path: string, body?: unknown, headers: Record<string, string> = {}) {
    const init: RequestInit = { method, headers: { 'content-type': 'application/json', ...headers } };
    if (body !== undefined) init.body = typeof body === 'string' ? body : JSON.stringify(body);
    const request = new Request(`http://backend${path}`, init);
    const response = await backend.fetch(request, { url: path, headers: Object.fromEntries(request.headers) });
    const text = await response.text();
    const json: Record<string, unknown> = text.startsWith('{') ? JSON.parse(text) : {};
    return { status: response.status, headers: response.headers, text, json };
  }

  return { backend, call, clock, exchange, store, metrics, published, orderDeps };
}

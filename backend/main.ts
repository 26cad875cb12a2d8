// The new backend as a process: read the environment, connect, listen, stop on a signal. `npm run backend`.
import { type BackendConfig, readBackendConfig } from '../config/backend.ts';
import { renderEnvProblems } from '../config/env.ts';
import { createLogger, type Logger } from '../config/log.ts';
import { createAuthenticate } from './auth/authenticate.ts';
import type { Bus } from './bus/bus.ts';
import { createMemoryBus } from './bus/memory.ts';
import { createRedisBus } from './bus/redis.ts';
import type { MarketFeed } from './exchange/market-feed.ts';
import { createMexcExchange } from './exchange/mexc.ts';
import { createMexcConnection, type MexcConnection } from './exchange/mexc-connection.ts';
import { createMexcFeed, createMexcQueries } from './exchange/mexc-feed.ts';
import { createMexcMarket } from './exchange/mexc-market.ts';
import { createMexcStreams } from './exchange/mexc-streams.ts';
import { createUserStream, type UserFeed } from './exchange/user-stream.ts';
import { createAccountFeed } from './keys/account-feed.ts';
import { createAudit } from './keys/audit.ts';
import { exchangeByAccount } from './keys/by-account.ts';
import { createCredentials } from './keys/credentials.ts';
import { createExchanges } from './keys/exchanges.ts';
import { createLocalMasterKeys } from './keys/master-keys.ts';
import { createAloneLeases, type Leases } from './lease/lease.ts';
import { createRedisLeases } from './lease/redis.ts';
import { createMarketData } from './market/market-data.ts';
import { startPublishing } from './market/publishing.ts';
import { createMetrics, type Metrics, raisedTo } from './metrics.ts';
import { DEFAULT_CIRCUITS } from './risk/circuits.ts';
import { DEFAULT_LIMITS, mergedLimits, someLimits } from './risk/limits.ts';
import { createBackend, type RiskSettings } from './server.ts';
import { createMemoryNonces, type Nonces } from './shadow/nonces.ts';
import { createRedisNonces } from './shadow/redis-nonces.ts';
import { createMexcSite } from './sniper/mexc-site.ts';
import { createMemoryKeeping, createRedisKeeping } from './solana/pulse/keeping.ts';
import { tokenView } from './solana/pulse/token.ts';
import { type PumpFeedDeps, startPumpFeed } from './solana/pump-feed.ts';
import { createDynamoStore } from './store/dynamo.ts';
import type { Store } from './store/store.ts';
import { createTracing } from './tracing.ts';

type Users = NonNullable<ReturnType<typeof createUsersKeys>>;
type Raised = ReturnType<typeof raisedTo>;

const EXIT_ERROR = 1;
const EXIT_CONFIG = 2;
/** What stopping may take beyond the time that requests have. */
const STOP_GRACE_MS = 5000;

/** A ban is for the whole process: whoever wonders why nothing goes out must find it in the log and in the metrics. */
const pausedTo =
  (metrics: Metrics, log: Logger) =>
  ({ forMs, reason }: { forMs: number; reason: string }) => {
    metrics.exchangePauses.inc();
    metrics.exchangePausedUntil.set((Date.now() + forMs) / 1000);
    log.error({ forMs }, `${reason}; nothing is sent to it until then`);
  };

function createBus(config: BackendConfig, metrics: Metrics, log: Logger): Bus {
  const hooks = { onDrop: () => metrics.busDropped.inc(), raised: raisedTo(metrics, log) };
  return config.redisUrl === undefined ? createMemoryBus(hooks) : createRedisBus(config.redisUrl, hooks);
}

/** Held one by one by instances that share a Redis. */
function createLeases({ redisUrl }: BackendConfig, metrics: Metrics, log: Logger): Leases {
  const hooks = {
    raised: raisedTo(metrics, log),
    onHeld: (name: string, isHeld: boolean) => metrics.leasesHeld.set({ name }, isHeld ? 1 : 0),
  };
  return redisUrl === undefined ? createAloneLeases(hooks) : createRedisLeases(redisUrl, hooks);
}

function createFeed(config: BackendConfig, log: Logger): MarketFeed | undefined {
  const { streamUrl } = config.exchange;
  if (streamUrl === undefined) return undefined;
  const onRefused = (topic: string, reason: string) =>
    log.warn({ topic, reason }, 'the exchange does not give a stream');
  return createMexcFeed(createMexcStreams({ url: streamUrl, onRefused }));
}

function createUserFeed({ exchange }: BackendConfig, connection: MexcConnection, log: Logger): UserFeed | undefined {
  const { streamUrl: url } = exchange;
  if (url === undefined) return undefined;
  const call = connection.account(exchange, exchange.recvWindowMs);
  const onTrouble = (what: string) => log.warn({ what }, 'the private stream of the exchange is in trouble');
  return (hooks) => createUserStream({ ...hooks, url, call, onTrouble });
}

function createAccountFeeds(
  { exchange }: BackendConfig,
  users: Users | undefined,
  connection: MexcConnection,
  log: Logger,
) {
  const { streamUrl: url, recvWindowMs } = exchange;
  if (url === undefined || !users) return undefined;
  const onTrouble = (what: string) => log.warn({ what }, 'the private stream of a user’s account is in trouble');
  return createAccountFeed({ credentials: users.credentials, connection, recvWindowMs, url, onTrouble });
}

/** Users' own keys, where there is a master key to keep them by. */
function createUsersKeys({ masterKeys }: BackendConfig, store: Store, metrics: Metrics, log: Logger) {
  if (!masterKeys) return undefined;
  const now = Date.now;
  const onLost = (count: number) => metrics.keyUsesLost.inc(count);
  const audit = createAudit({ store, now, onLost, raised: raisedTo(metrics, log) });
  return {
    audit,
    credentials: createCredentials({ store, masterKeys: createLocalMasterKeys(masterKeys), audit, now }),
  };
}

function listingsOf({ exchange: { siteUrl, sitePollMs: pollMostMs, timeoutMs } }: BackendConfig) {
  const source = siteUrl === undefined ? undefined : createMexcSite({ url: siteUrl, timeoutMs, now: Date.now });
  return { source, pollMostMs };
}

/** Shared by all instances where they share a Redis; without keys there is nothing to remember. */
function createNonces(config: BackendConfig, metrics: Metrics, log: Logger): Nonces {
  return config.redisUrl === undefined || config.shadowKeys === undefined
    ? createMemoryNonces(() => metrics.shadowNoncesEvicted.inc())
    : createRedisNonces(config.redisUrl, raisedTo(metrics, log));
}

/** What one SOL is worth, where the exchange's market of it is followed. */
const SOL_MARKET = 'SOLUSDT';

type PumpFeedGiven = Pick<PumpFeedDeps, 'metrics' | 'now' | 'solPrice' | 'lookupTables'> & {
  readonly bus: Bus;
  readonly leases: Leases;
};

/** News of Solana's new tokens, where there are servers to hear of them, and what is known of one. */
function followPump(config: BackendConfig, given: PumpFeedGiven, log: Logger, raised: Raised) {
  const { geyser: endpoints, redisUrl } = config;
  if (endpoints.length === 0) return { close: async () => {}, tokenInfo: async () => undefined };
  const keeping = redisUrl === undefined ? createMemoryKeeping() : createRedisKeeping(redisUrl, raised);
  const deps = { ...given, listened: given.bus.listened, endpoints, log, raised };
  const held = given.leases.of('pulse')((fence) =>
    startPumpFeed({ ...deps, bus: given.bus.under(fence), keeping: keeping.under(fence) }),
  );
  return {
    async tokenInfo(mint: string) {
      const token = await keeping.find(mint);
      return token && tokenView(token, given.solPrice());
    },
    async close() {
      await held.close();
      await keeping.close();
    },
  };
}

/** Its modules are loaded only where there is an endpoint: they take memory that a backend without has no use for. */
async function createSolanaOf({ solana: settings, redisUrl }: BackendConfig, metrics: Metrics, log: Logger) {
  if (!settings) return undefined;
  const { createSolana } = await import('./solana/solana.ts');
  return createSolana({ settings, redisUrl, metrics, now: Date.now, raised: raisedTo(metrics, log) });
}

/** Limits of the settings over the defaults, or what is wrong with them. */
function readRiskSettings({ risk }: BackendConfig): RiskSettings {
  const limits = someLimits.safeParse(risk.limits);
  if (!limits.success) {
    const problems = limits.error.issues.map(({ path, message }) => ({
      variable: 'RISK_LIMITS',
      problem: `${path.join('.') || 'the whole'}: ${message}`,
      remedy: 'give each limit as GET /api/risk/limits shows it',
    }));
    process.stderr.write(renderEnvProblems('backend', problems));
    process.exit(EXIT_CONFIG);
  }
  return { limits: mergedLimits(DEFAULT_LIMITS, limits.data), circuits: DEFAULT_CIRCUITS, killFile: risk.killFile };
}

async function run(config: BackendConfig, log: Logger): Promise<void> {
  const now = Date.now;
  const authenticate = createAuthenticate(config.auth, now);
  const riskSettings = readRiskSettings(config);
  const metrics = createMetrics({ processMetrics: true });
  const store = await createDynamoStore({
    ...config.dynamo,
    now,
    onRetry: (operation) => metrics.storeRetries.inc({ operation }),
    onTtlRefused: (error) =>
      log.info(
        { reason: error instanceof Error ? error.name : String(error) },
        'expiry could not be enabled on the table; expired items are passed over, but stay',
      ),
  });
  const connection = createMexcConnection({ ...config.exchange, now, onPause: pausedTo(metrics, log) });
  const mexc = createMexcMarket(connection, now, (symbol) => market.lastPrice(symbol));
  const own = { ...createMexcExchange(connection, mexc, config.exchange), close: connection.close };
  const users = createUsersKeys(config, store, metrics, log);
  const { recvWindowMs } = config.exchange;
  const exchange = users
    ? exchangeByAccount(own, createExchanges({ ...users, connection, market: mexc, recvWindowMs }))
    : own;
  const marketQueries = createMexcQueries(mexc);
  const bus = createBus(config, metrics, log);
  const feed = createFeed(config, log);
  const market = createMarketData({ feed, queries: marketQueries, metrics, now });
  const nonces = createNonces(config, metrics, log);
  const solPrice = () => market.lastPrice(SOL_MARKET) ?? market.view(SOL_MARKET)?.measures.mid;
  const leases = createLeases(config, metrics, log);
  const solana = await createSolanaOf(config, metrics, log);
  const { lookupTables } = solana ?? {};
  const pump = followPump(config, { bus, leases, metrics, now, solPrice, lookupTables }, log, raisedTo(metrics, log));
  for (const symbol of config.marketSymbols) market.follow(symbol);
  const telling = leases.of('market')(async (fence) =>
    startPublishing({ market, bus: bus.under(fence), metrics, now }),
  );
  const { otlpEndpoint: endpoint } = config;
  const tracing = endpoint === undefined ? undefined : createTracing({ endpoint, metrics, log });
  try {
    const shadow = { keys: config.shadowKeys, nonces };
    const userFeed = createUserFeed(config, connection, log);
    const given = {
      listings: listingsOf(config),
      store,
      exchange,
      market,
      marketQueries,
      solana,
      userFeed,
      accountFeed: createAccountFeeds(config, users, connection, log),
      credentials: users?.credentials,
      tokenInfo: pump.tokenInfo,
      bus,
      metrics,
      log,
      now,
      shadow,
      tracing,
    };
    const backend = createBackend({ ...given, riskSettings, authenticate });
    const stopped = stopOnSignal(log);
    const address = await backend.listen({ ...config.listen, reconcileIntervalMs: config.reconcileIntervalMs });
    process.stdout.write(`${JSON.stringify({ listening: { http: address } })}\n`);
    await stopped;
    endAtLast(config.stopTimeoutMs + STOP_GRACE_MS, log);
    await backend.close({ timeoutMs: config.stopTimeoutMs });
  } finally {
    await Promise.all([telling.close(), pump.close()]); // While the bus can still take what they are about to tell.
    await leases.close();
    market.close();
    feed?.close();
    await users?.audit.close();
    await tracing?.close();
    await Promise.all([bus.close(), nonces.close(), solana?.close(), exchange.close(), store.close()]);
  }
}

/** Resolves at the first SIGTERM or SIGINT. They come twice when the whole group is signalled; orders in hand are finished even so. */
function stopOnSignal(log: Logger): Promise<void> {
  return new Promise((resolve) => {
    for (const signal of ['SIGTERM', 'SIGINT'] as const) {
      process.on(signal, () => {
        log.info({ signal }, 'stopping');
        resolve();
      });
    }
  });
}

/** Whatever hangs while stopping: a service manager must not have to kill. All that counts is in the table by then. */
function endAtLast(afterMs: number, log: Logger): void {
  setTimeout(() => {
    log.fatal({ afterMs }, 'stopping took too long; the process ends as it is');
    process.exit(EXIT_ERROR);
  }, afterMs).unref();
}

const config = readBackendConfig();
if (!config.ok) {
  process.stderr.write(renderEnvProblems('backend', config.problems));
  process.exit(EXIT_CONFIG);
}
const log = createLogger({ name: 'backend', level: config.value.logLevel });
try {
  await run(config.value, log);
  log.info('stopped');
} catch (error) {
  log.fatal({ err: error }, 'the backend cannot go on');
  process.exitCode = EXIT_ERROR;
}

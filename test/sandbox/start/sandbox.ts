import { mkdirSync } from 'node:fs';
import { join, resolve } from 'node:path';
import process from 'node:process';
import { fileURLToPath } from 'node:url';
import { type SpawnedServer, spawnServer } from '../../helpers/process.ts';
import { dataFolder, startPostgres } from '../postgres/postgres.ts';
import { loadLegacy } from '../seed/load-legacy.ts';
import { loadNew, makeTable } from '../seed/load-new.ts';
import { KNOWN_PROBE } from '../solana/known.ts';
import { SYMBOLS } from '../symbols.ts';
import { operatorToken, shadowKeysFile, writeGatewayConfig, writeJobEnvironment } from './gateway-config.ts';
import { openLogFile } from './log-file.ts';
import { type Ports, type Service, takenPorts } from './ports.ts';
import { takeDataFolder } from './run-file.ts';

/** The repository's root: what children are started in. */
const ROOT = fileURLToPath(new URL('../../../', import.meta.url));
const EXCHANGE = { apiKey: 'mx0sandbox', secretKey: 'sandbox-secret' } as const;
/** The simulated exchange counts nothing unless it is told to, so that load can be tried out. */
const UNHURRIED = {
  EXCHANGE_LIMIT_REQUESTS: '5000/1s',
  EXCHANGE_LIMIT_WEIGHT: '1000000/10s',
  EXCHANGE_LIMIT_ORDERS: '5000/1s',
};
const TABLE = 'banyan';
const READY_MS = 30_000;
const STOP_MS = 10_000;
/** How much of a dead child's stderr is shown. */
const LAST_LINES = 15;

export interface SandboxOptions {
  /** Where everything that lasts is kept. */
  readonly dataDir: string;
  readonly ports: Ports;
  /** Without the gateway, for whoever starts it in another way. */
  readonly gateway: boolean;
  /** Whether the legacy backend has its planted differences. */
  readonly planted: boolean;
  /** Whether the new side begins with legacy's data; else with an empty table, which data jobs fill. */
  readonly newSeeded: boolean;
  /** Hears what is going on, a line at a time. */
  readonly onProgress: (line: string) => void;
}

export interface Sandbox {
  /** host:port of everything that listens. */
  readonly listening: Readonly<Partial<Record<Service, string>>>;
  readonly databaseUrl: string;
  /** The configuration the gateway runs with. */
  readonly gatewayConfig: string;
  /** The environment of the data jobs, for a shell to read. */
  readonly jobEnvironment: string;
  /** Rejects when something that should run has ended, with its last words; settles in no other way. */
  readonly failed: Promise<never>;
  /** Ends the legacy backend, as one does when nobody needs it any more: no failure. */
  stopLegacy(): Promise<void>;
  /** Stops everything, the last started first. */
  stop(): Promise<void>;
}

/** Somebody asked it to stop before it had started: no failure. */
export class Interrupted extends Error {
  override readonly name = 'Interrupted';
}

/** Something started, and how to stop it. */
interface Part {
  stop(): Promise<unknown>;
}

/**
 * Starts the whole sandbox: each part its own process, in parallel where nothing is waited for. Resolves when all of
 * it listens and is seeded. Rejects with what went wrong, having stopped what had been started; also when `signal`
 * aborts meanwhile.
 */
export async function startSandbox(options: SandboxOptions, signal: AbortSignal): Promise<Sandbox> {
  const folder = resolve(options.dataDir);
  mkdirSync(join(folder, 'logs'), { recursive: true });
  const runFile = await takeDataFolder(folder, { pid: process.pid, mark: 'start.ts' });
  const taken = await takenPorts(options.ports);
  if (taken.length > 0) {
    runFile.remove();
    throw new Error(`${taken.join('\n')}\nstop what uses it, or choose other ports: npm start -- --port-base 9000`);
  }
  const failure = Promise.withResolvers<never>();
  failure.promise.catch(() => {}); // Nobody listens yet, or any more.
  let stopping: Promise<void> | undefined;
  const isStopping = (): boolean => stopping !== undefined;
  const context: Context = {
    ...{ ...options, folder, runFile, failure, isStopping },
    ...{ parts: [], starting: new Set(), servers: new Map(), retired: new Set() },
  };
  const stop = (): Promise<void> => {
    stopping ??= stopAll(context).finally(runFile.remove);
    return stopping;
  };
  const aborted = Promise.withResolvers<never>();
  signal.addEventListener('abort', () => aborted.reject(new Interrupted('interrupted while starting')));
  try {
    return {
      ...(await Promise.race([startParts(context), failure.promise, aborted.promise])),
      failed: failure.promise,
      stopLegacy: () => retire(context, 'legacy'),
      stop,
    };
  } catch (error) {
    await stop();
    throw error;
  }
}

interface Context extends SandboxOptions {
  readonly folder: string;
  /** What runs, in the order in which it began to. */
  readonly parts: Part[];
  /** What has been spawned but does not run yet. */
  readonly starting: Set<Promise<unknown>>;
  readonly servers: Map<string, SpawnedServer>;
  /** Names of those that are to end, or have ended, by our own wish. */
  readonly retired: Set<string>;
  readonly runFile: { add(child: { pid: number; mark: string }): void };
  isStopping(): boolean;
  readonly failure: { reject(reason: Error): void };
}

/** Two names of one chain, so that one of them can be given faults. */
const solanaEnv = (url: string) => ({
  SOLANA_RPC_URLS: `${url}/rpc/a,${url}/rpc/b`,
  SOLANA_RPC_LIMIT: '5000/1s',
  SOLANA_PROBE_WALLET: KNOWN_PROBE,
  JUPITER_URL: `${url}/jupiter`,
  RAYDIUM_URL: `${url}/raydium`,
});

/** The order of things: stores and exchange, their content, the two backends, the gateway. */
async function startParts(context: Context): Promise<Omit<Sandbox, 'failed' | 'stop' | 'stopLegacy'>> {
  const { ports, folder, onProgress } = context;
  const shadowKeys = shadowKeysFile(folder);
  const exchangeEnv = { EXCHANGE_API_KEY: EXCHANGE.apiKey, EXCHANGE_SECRET_KEY: EXCHANGE.secretKey };
  const exchange = start(context, 'exchange', ['test/sandbox/exchange/main.ts'], {
    EXCHANGE_LISTEN: `127.0.0.1:${ports.exchange}`,
    ...exchangeEnv,
  });
  const geyser = start(context, 'geyser', ['test/sandbox/geyser/main.ts'], {
    GEYSER_LISTEN: `127.0.0.1:${ports.geyser}`,
    GEYSER_FAULTS: 'true',
  });
  const solana = start(context, 'solana', ['test/sandbox/solana/main.ts'], {
    SOLANA_LISTEN: `127.0.0.1:${ports.solana}`,
  });
  const redis = start(context, 'redis', ['test/sandbox/redis/main.ts', '--port', String(ports.redis)]);
  const dynamo = start(context, 'dynamodb', [
    'test/sandbox/dynamo/main.ts',
    '--path',
    join(folder, 'dynamodb'),
    '--port',
    String(ports.dynamodb),
  ]).then(async (address) => {
    const target = { endpoint: `http://${address}`, table: TABLE };
    if (!context.newSeeded) await makeTable(target);
    else if ((await loadNew(target)) === 'loaded') onProgress('the new side is seeded');
    return address;
  });
  const postgres = startDatabase(context).then(async (url) => {
    if ((await loadLegacy(url)) === 'loaded') onProgress('the legacy side is seeded');
    return url;
  });
  const legacy = Promise.all([postgres, exchange, redis, solana]).then(
    ([url, exchangeAddress, redisAddress, solanaAddress]) =>
      start(context, 'legacy', ['test/sandbox/legacy/main.ts'], {
        LEGACY_LISTEN: `127.0.0.1:${ports.legacy}`,
        LEGACY_PLANTED: String(context.planted),
        DATABASE_URL: url,
        REDIS_URL: `redis://${redisAddress}`,
        EXCHANGE_URL: `http://${exchangeAddress}`,
        SOLANA_RPC_URL: `http://${solanaAddress}/rpc/legacy`,
        ...exchangeEnv,
      }),
  );
  const stores = Promise.all([dynamo, redis]);
  const chain = Promise.all([geyser, solana]);
  const backend = Promise.all([stores, exchange, chain]).then(
    ([[dynamoAddress, redisAddress], exchangeAddress, [geyserAddress, solanaAddress]]) =>
      start(context, 'new', ['backend/main.ts'], {
        BACKEND_LISTEN: `127.0.0.1:${ports.new}`,
        DYNAMODB_ENDPOINT: `http://${dynamoAddress}`,
        DYNAMODB_TABLE: TABLE,
        EXCHANGE_URL: `http://${exchangeAddress}`,
        EXCHANGE_STREAM_URL: `ws://${exchangeAddress}/ws`,
        EXCHANGE_SITE_URL: `http://${exchangeAddress}`,
        EXCHANGE_SITE_POLL_MS: '5000',
        GEYSER_URLS: `http://${geyserAddress}`,
        MARKET_SYMBOLS: SYMBOLS.map(({ symbol }) => symbol).join(),
        REDIS_URL: `redis://${redisAddress}`,
        SHADOW_KEYS_FILE: shadowKeys,
        ...solanaEnv(`http://${solanaAddress}`),
        ...UNHURRIED,
        ...exchangeEnv,
      }),
  );
  const [legacyAddress, newAddress] = await Promise.all([legacy, backend]);
  const gatewayConfig = writeGatewayConfig(join(ROOT, 'config', 'sandbox.yaml'), folder, {
    traffic: `127.0.0.1:${ports.traffic}`,
    operator: `127.0.0.1:${ports.operator}`,
    legacy: legacyAddress,
    new: newAddress,
  });
  const token = operatorToken(folder);
  const gateway = context.gateway
    ? await startServer(context, 'gateway', ['gateway/main.ts', '--config', gatewayConfig], {
        BANYAN_OPERATOR_TOKEN: token,
        BANYAN_SHADOW_KEYS_FILE: shadowKeys,
      })
    : {};
  const frontend =
    gateway.traffic === undefined
      ? {}
      : {
          frontend: await start(context, 'frontend', ['test/sandbox/frontend/main.ts'], {
            FRONTEND_LISTEN: `127.0.0.1:${ports.frontend}`,
            GATEWAY_URL: `http://${gateway.traffic}`,
          }),
        };
  const [exchangeAddress, postgresUrl] = await Promise.all([exchange, postgres]);
  const [[dynamodb, redisAddress], [geyserAddress, solanaAddress]] = await Promise.all([stores, chain]);
  return {
    listening: {
      ...gateway,
      ...frontend,
      legacy: legacyAddress,
      new: newAddress,
      exchange: exchangeAddress,
      geyser: geyserAddress,
      postgres: new URL(postgresUrl).host,
      dynamodb,
      redis: redisAddress,
      solana: solanaAddress,
    },
    databaseUrl: postgresUrl,
    gatewayConfig,
    jobEnvironment: writeJobEnvironment(folder, { databaseUrl: postgresUrl, dynamodb, table: TABLE }),
  };
}

/** Starts a server with one address, and answers it. */
async function start(
  context: Context,
  name: string,
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Promise<string> {
  const [address] = Object.values(await startServer(context, name, args, env));
  if (address === undefined) throw new Error(`${name} listens on nothing`);
  return address;
}

async function startServer(
  context: Context,
  name: string,
  args: readonly string[],
  env: Readonly<Record<string, string>>,
): Promise<Readonly<Record<string, string>>> {
  const log = openLogFile(join(context.folder, 'logs', `${name}.log`));
  const server = await begin(context, name, () =>
    spawnServer({
      args: [...process.execArgv, ...args],
      env,
      cwd: ROOT,
      readyMs: READY_MS,
      stopMs: STOP_MS,
      ownGroup: true,
      onStderr: log.write,
      onSpawn: (pid) => context.runFile.add({ pid, mark: args[0] ?? '' }),
    }),
  );
  context.servers.set(name, server);
  void server.exited.then(({ code, signal }) => {
    log.close();
    if (!context.isStopping() && !context.retired.has(name))
      context.failure.reject(died(name, signal ?? `exit code ${code}`, server.stderr()));
  });
  return server.listening;
}

async function startDatabase(context: Context): Promise<string> {
  const dataDir = join(context.folder, 'postgres');
  const postgres = await begin(context, 'postgres', () =>
    startPostgres({
      dataDir,
      port: context.ports.postgres,
      ownGroup: true,
      onSpawn: (pid) => context.runFile.add({ pid, mark: dataFolder(dataDir) }),
    }),
  );
  void postgres.exited.then(() => {
    if (!context.isStopping()) context.failure.reject(died('postgres', 'it ended', postgres.log()));
  });
  return postgres.url;
}

/** Starts a part so that stopping finds it at every moment: as one that is starting, then as one that runs. */
async function begin<T extends Part>(context: Context, name: string, spawn: () => Promise<T>): Promise<T> {
  if (context.isStopping()) throw new Error(`${name} was not started any more`);
  const starting = spawn().then((part) => {
    context.parts.push(part);
    return part;
  });
  context.starting.add(starting);
  try {
    return await starting;
  } finally {
    context.starting.delete(starting);
  }
}

async function retire({ servers, retired }: Context, name: string): Promise<void> {
  retired.add(name);
  await servers.get(name)?.stop();
}

async function stopAll({ parts, starting }: Context): Promise<void> {
  await Promise.allSettled(starting);
  for (const part of [...parts].reverse()) await part.stop();
}

function died(name: string, how: string, stderr: string): Error {
  const lines = stderr.trimEnd().split('\n').slice(-LAST_LINES);
  return new Error(
    `${name} has ended by itself (${how}). Its last words:\n${lines.map((line) => `  ${line}`).join('\n')}`,
  );
}

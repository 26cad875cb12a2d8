// The new backend's environment: every variable, its default and what to do when it is wrong. The only reader of it.
import { z } from 'zod';
import { type AuthSettings, authVariables, isLoopback, readAuth } from './backend-auth.ts';
import { type Environment, type EnvResult, parseEnv } from './env.ts';
import { LOG_LEVELS } from './log.ts';
import { type MasterKeyList, parseMasterKeys } from './master-keys.ts';
import { parseShadowKeys, type ShadowKeys } from './shadow-keys.ts';

const httpUrl = z.url({ protocol: /^https?$/, error: 'is not an http or https URL' });
const milliseconds = (max: number) =>
  z.coerce
    .number({ error: 'is not a number' })
    .int('is not a whole number')
    .min(1, 'is below 1')
    .max(max, `is above ${max}`);

const jsonText = z.string().transform((text, context): unknown => {
  try {
    return JSON.parse(text);
  } catch {
    context.addIssue('is not JSON');
    return z.NEVER;
  }
});
/** At most `count` within any `periodMs`. */
export type Rate = { readonly count: number; readonly periodMs: number };
const RATE_UNITS_MS: ReadonlyMap<string, number> = new Map([
  ['ms', 1],
  ['s', 1000],
  ['m', 60_000],
]);

/** "300/10s": three hundred within ten seconds. */
const rate = z
  .string()
  .regex(/^[1-9]\d{0,6}\/[1-9]\d{0,4}(?:ms|s|m)$/, 'is not a rate such as 300/10s')
  .transform((text): Rate => {
    const [, count, amount, unit = 's'] = /^(\d+)\/(\d+)(\w+)$/.exec(text) ?? [];
    return { count: Number(count), periodMs: Number(amount) * (RATE_UNITS_MS.get(unit) ?? 1000) };
  });

export type ListenAddress = { readonly host: string; readonly port: number };

const listenAddress = z
  .string()
  .regex(/^(?:\[[0-9a-fA-F:]+\]|[^:[\]]+):\d{1,5}$/, 'is not HOST:PORT')
  .transform((text): ListenAddress => {
    const colon = text.lastIndexOf(':');
    return { host: text.slice(0, colon).replace(/^\[|\]$/g, ''), port: Number(text.slice(colon + 1)) };
  })
  .refine(({ port }) => port <= 65_535, 'has a port above 65535');

/** Where the table is; every process that uses it reads these. */
export const storeVariables = {
  DYNAMODB_ENDPOINT: httpUrl.optional().describe('give the URL of DynamoDB Local or dynalite, or unset it to use AWS'),
  DYNAMODB_TABLE: z
    .string()
    .regex(/^[A-Za-z0-9_.-]{3,255}$/, 'is not a table name')
    .default('banyan')
    .describe('use 3 to 255 letters, digits, "_", "." or "-"'),
  AWS_REGION: z
    .string()
    .regex(/^[a-z]{2}(-[a-z]+)+-\d$/, 'is not a region')
    .default('us-east-1')
    .describe('give an AWS region such as eu-central-1'),
};

const SOLANA_RPC_URLS_MAX = 8;

const relayToken = (name: string) =>
  z
    .string()
    .regex(/^[\x21-\x7e]{1,512}$/, 'is not 1 to 512 visible characters')
    .optional()
    .describe(`give the token, or ${name}_FILE naming a file with it, or unset it to ask without`);

/** What users' keys of the exchange are encrypted with. */
export const masterKeys = z
  .string()
  .transform((text, context): MasterKeyList => {
    const keys = parseMasterKeys(text);
    if (keys.ok) return keys.value;
    context.addIssue(`is not usable: ${keys.message}`);
    return z.NEVER;
  })
  .describe('give ID:BASE64 of 32 random bytes, the one in use first, at most two, or MASTER_KEYS_FILE naming a file');

/** Every variable, with its default, and as its description what to do. */
export const backendVariables = z.object({
  BACKEND_LISTEN: listenAddress
    .prefault('127.0.0.1:8002')
    .describe('give HOST:PORT, e.g. 127.0.0.1:8002; port 0 picks a free one'),
  ...storeVariables,
  EXCHANGE_URL: httpUrl.describe('give the base URL of the exchange, e.g. https://api.mexc.com'),
  EXCHANGE_API_KEY: z
    .string()
    .min(1)
    .max(256)
    .describe('give the access key, or EXCHANGE_API_KEY_FILE naming a file with it'),
  EXCHANGE_SECRET_KEY: z
    .string()
    .min(1)
    .max(256)
    .describe('give the secret key, or EXCHANGE_SECRET_KEY_FILE naming a file with it'),
  EXCHANGE_TIMEOUT_MS: milliseconds(60_000).default(5000).describe('give milliseconds from 1 to 60000'),
  EXCHANGE_RECV_WINDOW_MS: milliseconds(60_000)
    .default(5000)
    .describe('give milliseconds from 1 to 60000 (the exchange refuses more)'),
  EXCHANGE_STREAM_URL: z
    .url({ protocol: /^wss?$/, error: 'is not a ws or wss URL' })
    .optional()
    .describe('give the WebSocket address, e.g. wss://wbs-api.mexc.com/ws, or unset it to do without streams'),
  EXCHANGE_SITE_URL: httpUrl
    .optional()
    .describe(
      "give the base URL of the exchange's web site, e.g. https://www.mexc.com, or unset it to ask for no listings",
    ),
  EXCHANGE_SITE_POLL_MS: milliseconds(3_600_000)
    .default(300_000)
    .describe('give the longest wait between two questions to the web site, milliseconds from 1 to 3600000'),
  MARKET_SYMBOLS: z
    .string()
    .regex(/^[A-Z0-9]{2,32}(,[A-Z0-9]{2,32}){0,499}$/, 'is not a list of symbols')
    .transform((text) => [...new Set(text.split(','))])
    .optional()
    .describe('give the symbols to follow, e.g. BTCUSDT,ETHUSDT, at most 500; it needs EXCHANGE_STREAM_URL'),
  EXCHANGE_LIMIT_REQUESTS: rate
    .prefault('20/1s')
    .describe('give COUNT/PERIOD such as 20/1s: requests of this address, whatever they are'),
  EXCHANGE_LIMIT_WEIGHT: rate
    .prefault('300/10s')
    .describe('give COUNT/PERIOD such as 300/10s: the weight of the requests of this address'),
  EXCHANGE_LIMIT_ORDERS: rate
    .prefault('12/1s')
    .describe('give COUNT/PERIOD such as 12/1s: new orders and cancels of one account'),
  EXCHANGE_WARM_CONNECTIONS: z.coerce
    .number({ error: 'is not a number' })
    .int('is not a whole number')
    .min(0, 'is below 0')
    .max(32, 'is above 32')
    .default(2)
    .describe('give the connections to keep open while idle, 0 to 32'),
  SOLANA_RPC_URLS: z
    .string()
    .transform((text, context) => {
      const urls = text.split(',');
      const isUsable = (url: string) => URL.canParse(url) && /^https?:$/.test(new URL(url).protocol);
      if (urls.length <= SOLANA_RPC_URLS_MAX && urls.every(isUsable)) return urls;
      context.addIssue(`is not a list of at most ${SOLANA_RPC_URLS_MAX} http or https URLs`);
      return z.NEVER;
    })
    .optional()
    .describe(
      'give the RPC endpoints as URLs with commas between, or SOLANA_RPC_URLS_FILE naming a file, or unset it to do without Solana',
    ),
  SOLANA_RPC_LIMIT: rate.prefault('100/10s').describe('give COUNT/PERIOD such as 100/10s: calls to each endpoint'),
  SOLANA_RPC_BATCHES: z
    .enum(['true', 'false'], { error: 'is neither true nor false' })
    .default('true')
    .transform((text) => text === 'true')
    .describe('give false where an endpoint does not take several calls in one request'),
  SOLANA_TIMEOUT_MS: milliseconds(60_000).default(3000).describe('give milliseconds from 1 to 60000'),
  SOLANA_PROBE_WALLET: z
    .string()
    .regex(/^[1-9A-HJ-NP-Za-km-z]{32,44}$/, 'is not an address')
    .optional()
    .describe(
      'give the address of an account with 0.2 SOL, out of which trades are paid in simulations; no key is needed',
    ),
  JUPITER_URL: httpUrl.optional().describe('give https://api.jup.ag, or unset it to do without quotes'),
  JUPITER_API_KEY: z
    .string()
    .min(1)
    .max(256)
    .optional()
    .describe('give the key, or JUPITER_API_KEY_FILE naming a file with it, or unset it for the lowest rate'),
  JITO_URL: httpUrl
    .optional()
    .describe(
      'give a block engine such as https://frankfurt.mainnet.block-engine.jito.wtf, or unset it to do without Jito',
    ),
  JITO_TOKEN: relayToken('JITO_TOKEN'),
  JITO_LIMIT: rate.prefault('1/1s').describe('give COUNT/PERIOD such as 1/1s: requests to Jito'),
  BLOXROUTE_URL: httpUrl
    .optional()
    .describe('give a region such as https://ny.solana.dex.blxrbdn.com, or unset it to do without bloXroute'),
  BLOXROUTE_TOKEN: relayToken('BLOXROUTE_TOKEN'),
  BLOXROUTE_LIMIT: rate
    .prefault('10/1s')
    .describe('give COUNT/PERIOD such as 10/1s, as your plan has it: requests to bloXroute'),
  NEXTBLOCK_URL: httpUrl
    .optional()
    .describe('give a region such as https://frankfurt.nextblock.io, or unset it to do without NextBlock'),
  NEXTBLOCK_TOKEN: relayToken('NEXTBLOCK_TOKEN'),
  NEXTBLOCK_LIMIT: rate
    .prefault('10/1s')
    .describe('give COUNT/PERIOD such as 10/1s, as your plan has it: requests to NextBlock'),
  RAYDIUM_URL: httpUrl.optional().describe('give https://transaction-v1.raydium.io, or unset it to have no fallback'),
  MASTER_KEYS: masterKeys.optional(),
  REDIS_URL: z
    .url({ protocol: /^rediss?$/, error: 'is not a redis or rediss URL' })
    .optional()
    .describe('give redis://HOST:PORT, or unset it to publish within this process only'),
  GEYSER_URLS: z
    .string()
    .transform((text) => text.split(','))
    .refine((urls) => urls.length <= 8 && urls.every((url) => httpUrl.safeParse(url).success), 'is not a list of URLs')
    .optional()
    .describe('give the Yellowstone servers, the one to prefer first, e.g. https://geyser.example.com:443, at most 8'),
  GEYSER_TOKENS: z
    .string()
    .regex(/^[\x21-\x2b\x2d-\x7e]{0,512}(,[\x21-\x2b\x2d-\x7e]{0,512}){0,7}$/, 'is not a list of tokens')
    .transform((text) => text.split(','))
    .optional()
    .describe(
      'give the x-token of each of GEYSER_URLS in their order, empty for none, or GEYSER_TOKENS_FILE naming a file with them',
    ),
  SHADOW_KEYS: z
    .string()
    .transform((text, context): ShadowKeys => {
      const keys = parseShadowKeys(text);
      if (keys.ok) return keys.value;
      context.addIssue(`is not usable: ${keys.message}`);
      return z.NEVER;
    })
    .optional()
    .describe(
      "give the gateway's signing keys as ID:SECRET, at most two, or SHADOW_KEYS_FILE naming a file with them; unset it to refuse dry runs",
    ),
  ...authVariables,
  RISK_LIMITS: jsonText
    .optional()
    .describe(
      'give the limits of every user as JSON, e.g. {"order_value_max":"1000"}; GET /api/risk/limits lists them',
    ),
  KILL_SWITCH_FILE: z
    .string()
    .optional()
    .describe('name a file that stops all new orders while it is there, or unset it to have none'),
  OTEL_EXPORTER_OTLP_ENDPOINT: httpUrl
    .optional()
    .describe("give an OpenTelemetry collector's base URL, e.g. http://collector:4318, or unset it to trace nothing"),
  RECONCILE_INTERVAL_MS: milliseconds(3_600_000).default(10_000).describe('give milliseconds from 1 to 3600000'),
  STOP_TIMEOUT_MS: milliseconds(300_000).default(10_000).describe('give milliseconds from 1 to 300000'),
  LOG_LEVEL: z
    .enum(LOG_LEVELS, { error: 'is not a log level' })
    .default('info')
    .describe(`give one of ${LOG_LEVELS.join(', ')}`),
});

export const RELAY_NAMES = ['jito', 'bloxroute', 'nextblock'] as const;
export type RelayName = (typeof RELAY_NAMES)[number];

/** Where a relay of transactions is; `limit` is of requests to it. */
export type RelaySettings = { readonly url: string; readonly token: string | undefined; readonly limit: Rate };

export type SolanaSettings = {
  /** Without any nothing can be submitted. */
  readonly relays: Readonly<Partial<Record<RelayName, RelaySettings>>>;
  /** Providers put keys into them: secret. */
  readonly rpcUrls: readonly string[];
  /** Of calls to each endpoint. */
  readonly rpcLimit: Rate;
  readonly rpcBatches: boolean;
  readonly timeoutMs: number;
  readonly probeWallet: string | undefined;
  /** Undefined: there are no quotes. */
  readonly jupiterUrl: string | undefined;
  readonly jupiterKey: string | undefined;
  readonly raydiumUrl: string | undefined;
};

export type BackendConfig = {
  readonly listen: ListenAddress;
  readonly dynamo: { readonly endpoint: string | undefined; readonly table: string; readonly region: string };
  readonly exchange: {
    readonly url: string;
    readonly apiKey: string;
    readonly secretKey: string;
    readonly timeoutMs: number;
    readonly recvWindowMs: number;
    readonly limits: { readonly requests: Rate; readonly weight: Rate; readonly orders: Rate };
    readonly warmConnections: number;
    /** Undefined: market data is asked for, never followed. */
    readonly streamUrl: string | undefined;
    /** Of its web site, which tells of listings; undefined: nobody asks for them. */
    readonly siteUrl: string | undefined;
    /** The longest wait between two questions to it, ms. */
    readonly sitePollMs: number;
  };
  /** Followed from the start. */
  readonly marketSymbols: readonly string[];
  /** What users' own keys are encrypted with; undefined: they have none, and all trade with the service's. */
  readonly masterKeys: MasterKeyList | undefined;
  readonly redisUrl: string | undefined;
  /** Yellowstone servers, the one to prefer first; without any there is no news of Solana's tokens. */
  readonly geyser: readonly { readonly url: string; readonly token: string | undefined }[];
  /** Undefined: nothing of Solana is served. */
  readonly solana: SolanaSettings | undefined;
  /** What dry runs are verified with; undefined: every one is refused. */
  readonly shadowKeys: ShadowKeys | undefined;
  /** Who may call; with both parts off nobody is asked, which only an address of this machine's own allows. */
  readonly auth: AuthSettings;
  readonly risk: {
    /** Limits as they were given, for risk to parse: their schema is its own. */
    readonly limits: unknown;
    readonly killFile: string | undefined;
  };
  /** Where spans go; undefined: nothing is traced. */
  readonly otlpEndpoint: string | undefined;
  readonly reconcileIntervalMs: number;
  readonly stopTimeoutMs: number;
  readonly logLevel: (typeof LOG_LEVELS)[number];
};

const SECRETS = [
  'EXCHANGE_API_KEY',
  'EXCHANGE_SECRET_KEY',
  'GEYSER_TOKENS',
  'MASTER_KEYS',
  'SOLANA_RPC_URLS',
  'JUPITER_API_KEY',
  'JITO_TOKEN',
  'BLOXROUTE_TOKEN',
  'NEXTBLOCK_TOKEN',
  'SHADOW_KEYS',
  'AUTH_JWT_SECRET',
  'AUTH_TOKENS',
] as const;

function relaysOf(read: z.infer<typeof backendVariables>): SolanaSettings['relays'] {
  const relay = (url: string | undefined, token: string | undefined, limit: Rate) => url && { url, token, limit };
  const jito = relay(read.JITO_URL, read.JITO_TOKEN, read.JITO_LIMIT);
  const bloxroute = relay(read.BLOXROUTE_URL, read.BLOXROUTE_TOKEN, read.BLOXROUTE_LIMIT);
  const nextblock = relay(read.NEXTBLOCK_URL, read.NEXTBLOCK_TOKEN, read.NEXTBLOCK_LIMIT);
  return { ...(jito && { jito }), ...(bloxroute && { bloxroute }), ...(nextblock && { nextblock }) };
}

function solanaOf(read: z.infer<typeof backendVariables>): SolanaSettings | undefined {
  if (read.SOLANA_RPC_URLS === undefined) return undefined;
  return {
    rpcUrls: read.SOLANA_RPC_URLS,
    rpcLimit: read.SOLANA_RPC_LIMIT,
    rpcBatches: read.SOLANA_RPC_BATCHES,
    timeoutMs: read.SOLANA_TIMEOUT_MS,
    probeWallet: read.SOLANA_PROBE_WALLET,
    jupiterUrl: read.JUPITER_URL,
    jupiterKey: read.JUPITER_API_KEY,
    raydiumUrl: read.RAYDIUM_URL,
    relays: relaysOf(read),
  };
}

/** The backend's configuration, or everything that is wrong with its environment. */
export function readBackendConfig(env: Environment = process.env): EnvResult<BackendConfig> {
  const result = parseEnv(backendVariables, env, SECRETS);
  if (!result.ok) return result;
  const read = result.value;
  const auth = readAuth(read);
  const problems = [...auth.problems];
  const isOpen = auth.value.jwt === undefined && auth.value.tokens.length === 0;
  if (isOpen && !isLoopback(read.BACKEND_LISTEN.host)) {
    const problem = 'can be reached by others, who would trade without saying who they are';
    const remedy = 'set AUTH_JWT_SECRET, AUTH_JWT_JWKS_URL or AUTH_TOKENS, or listen on 127.0.0.1';
    problems.push({ variable: 'BACKEND_LISTEN', problem, remedy });
  }
  if (problems.length > 0) return { ok: false, problems };
  if (read.MARKET_SYMBOLS !== undefined && read.EXCHANGE_STREAM_URL === undefined) {
    const remedy = 'set EXCHANGE_STREAM_URL, or unset MARKET_SYMBOLS';
    return { ok: false, problems: [{ variable: 'MARKET_SYMBOLS', problem: 'there is no stream to follow', remedy }] };
  }
  const { GEYSER_URLS: geyserUrls = [], GEYSER_TOKENS: geyserTokens = [] } = read;
  if (geyserTokens.length > 0 && geyserTokens.length !== geyserUrls.length) {
    const problem = `has ${geyserTokens.length} tokens for ${geyserUrls.length} servers`;
    return { ok: false, problems: [{ variable: 'GEYSER_TOKENS', problem, remedy: 'give one of each of GEYSER_URLS' }] };
  }
  return {
    ok: true,
    value: {
      listen: read.BACKEND_LISTEN,
      dynamo: { endpoint: read.DYNAMODB_ENDPOINT, table: read.DYNAMODB_TABLE, region: read.AWS_REGION },
      exchange: {
        url: read.EXCHANGE_URL,
        apiKey: read.EXCHANGE_API_KEY,
        secretKey: read.EXCHANGE_SECRET_KEY,
        timeoutMs: read.EXCHANGE_TIMEOUT_MS,
        recvWindowMs: read.EXCHANGE_RECV_WINDOW_MS,
        limits: {
          requests: read.EXCHANGE_LIMIT_REQUESTS,
          weight: read.EXCHANGE_LIMIT_WEIGHT,
          orders: read.EXCHANGE_LIMIT_ORDERS,
        },
        warmConnections: read.EXCHANGE_WARM_CONNECTIONS,
        streamUrl: read.EXCHANGE_STREAM_URL,
        siteUrl: read.EXCHANGE_SITE_URL,
        sitePollMs: read.EXCHANGE_SITE_POLL_MS,
      },
      marketSymbols: read.MARKET_SYMBOLS ?? [],
      masterKeys: read.MASTER_KEYS,
      redisUrl: read.REDIS_URL,
      geyser: geyserUrls.map((url, i) => ({ url, token: geyserTokens[i] || undefined })),
      solana: solanaOf(read),
      shadowKeys: read.SHADOW_KEYS,
      auth: auth.value,
      risk: { limits: read.RISK_LIMITS ?? {}, killFile: read.KILL_SWITCH_FILE },
      otlpEndpoint: read.OTEL_EXPORTER_OTLP_ENDPOINT,
      reconcileIntervalMs: read.RECONCILE_INTERVAL_MS,
      stopTimeoutMs: read.STOP_TIMEOUT_MS,
      logLevel: read.LOG_LEVEL,
    },
  };
}

type TableConfig = BackendConfig['dynamo'];

/** Where the table is, for what needs nothing else. */
export function readTableConfig(env: Environment = process.env): EnvResult<TableConfig> {
  const result = parseEnv(z.object(storeVariables), env);
  if (!result.ok) return result;
  const { DYNAMODB_ENDPOINT: endpoint, DYNAMODB_TABLE: table, AWS_REGION: region } = result.value;
  return { ok: true, value: { endpoint, table, region } };
}

// The gateway's configuration: one YAML file, this schema. Every property's description is its documentation: editors
// show it through banyan.schema.json, which is generated from here (`npm run schema`).
import { z } from 'zod';
import { deploy, origin } from './deploy-schema.ts';
import { flags } from './flags-schema.ts';
import { notifications } from './notify-schema.ts';
import { hostPort, operator, tls } from './operator-schema.ts';
import { plans } from './plan-schema.ts';
import { copyRates, durationMs, rateLimit, route, TOKEN } from './route-schema.ts';
import { variableName } from './secret.ts';

/** Enough connections that one stalled endpoint does not soon starve the others, few enough for a small backend. */
export const DEFAULT_CONNECTIONS = 256;
const WORKERS_MAX = 64;

const cors = z.strictObject({
  origins: z
    .array(
      z.union([
        z.literal('*'),
        z.string().regex(/^https?:\/\/[^/\s]+$/, 'expected an origin such as https://app.example'),
      ]),
    )
    .min(1)
    .describe('Origins of the frontend; their preflight requests are answered here.'),
  methods: z.array(z.string().regex(TOKEN)).default(['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE']),
  headers: z
    .array(z.string().regex(TOKEN))
    .default([])
    .describe('Request headers allowed; none named: those asked for.'),
  expose: z.array(z.string().regex(TOKEN)).default([]).describe('Response headers that scripts may read.'),
  credentials: z.boolean().default(false),
  maxAgeSeconds: z.number().int().min(0).max(86_400).default(600),
});

/** An address, or a network in CIDR notation. */
const network = z.union(
  [z.ipv4(), z.ipv6(), z.cidrv4(), z.cidrv6()],
  'expected an address or a network such as 10.0.0.0/8',
);

const health = z.strictObject({
  path: z.string().startsWith('/', 'expected a path that starts with /').default('/health'),
  intervalMs: durationMs.default(5_000),
  timeoutMs: durationMs.default(1_000),
  healthyAfter: z.number().int().min(1).max(100).default(2).describe('Good answers in a row that make it healthy.'),
  unhealthyAfter: z.number().int().min(1).max(100).default(3).describe('Failures in a row that make it unhealthy.'),
});

const upstream = z.strictObject({
  url: origin,
  connections: z.number().int().min(1).max(10_000).default(DEFAULT_CONNECTIONS),
  connectTimeoutMs: durationMs.default(3_000),
  tls: z
    .strictObject({
      ca: z.string().min(1).optional().describe("File with the authorities to trust (PEM); default: the system's."),
      cert: z.string().min(1).optional().describe('File with our certificate for mutual TLS (PEM).'),
      key: z.string().min(1).optional().describe('File with its private key (PEM).'),
      serverName: z
        .string()
        .min(1)
        .optional()
        .describe("The name the backend's certificate must have; default: that of url."),
      insecure: z.boolean().default(false).describe("Does not verify the backend's certificate. For trials only."),
    })
    .optional()
    .describe('For an https url. Certificates are verified unless this says otherwise.'),
  host: z
    .enum(['keep', 'rewrite'])
    .default('keep')
    .describe("The Host that the backend sees: keep is the client's own, rewrite is that of url."),
  verifiesShadow: z
    .boolean()
    .default(false)
    .describe(
      'Whether the backend verifies x-banyan-shadow and has no effect then (docs/shadow-header.md). Only to such a one are writes copied.',
    ),
  health: health.optional().describe('Asks the backend how it is; without it only requests tell.'),
});

const newUpstream = upstream
  .extend({
    deploy: deploy.optional().describe('Versions of the backend that `banyan deploy` switches between.'),
  })
  .refine(({ url, deploy }) => !deploy || Object.values(deploy.versions).includes(url), {
    message: 'expected the url of one of deploy.versions: of the one that serves until a deployment says otherwise',
    path: ['url'],
  })
  .refine(({ health, deploy }) => !deploy || health !== undefined, {
    message: 'deploy needs a health check: a version that does not answer it is not deployed',
    path: ['health'],
  });

const identitySource = z
  .string()
  .regex(/^(?:header:[A-Za-z0-9-]+|cookie:[A-Za-z0-9._-]+|address)$/, 'expected header:NAME, cookie:NAME or address');

const limits = z.strictObject({
  headerBytesMax: z
    .number()
    .int()
    .min(1_024)
    .max(1_048_576)
    .default(65_536)
    .describe('Request line and header fields together; more is answered 431.'),
  headerCountMax: z.number().int().min(1).max(10_000).default(200).describe('Header fields; more is answered 431.'),
  urlBytesMax: z.number().int().min(1).max(1_048_576).default(16_384).describe('A longer target is answered 414.'),
  connectionsMax: z
    .number()
    .int()
    .min(1)
    .max(1_000_000)
    .default(20_000)
    .describe('Open connections of clients, WebSockets among them; more are closed at once.'),
  requestsMax: z
    .number()
    .int()
    .min(1)
    .max(1_000_000)
    .default(10_000)
    .describe('Requests being answered; more are answered 503.'),
  headerTimeoutMs: durationMs
    .default(10_000)
    .describe('How long a request head may take to arrive whole; longer is answered 408.'),
  bodyIdleTimeoutMs: durationMs
    .default(30_000)
    .describe('How long a client may send nothing of a body it has begun, or read nothing of its answer.'),
  bodyBytesPerSecondMin: z
    .number()
    .int()
    .min(0)
    .max(1_048_576)
    .default(240)
    .describe(
      'How fast a body must come, on average over twice bodyIdleTimeoutMs; a slower client is answered 408. What the backend holds up does not count; 0 takes any rate.',
    ),
  idleTimeoutMs: durationMs
    .default(75_000)
    .describe("How long a connection is kept open between requests. Longer than a balancer's own, usually 60 s."),
});

/** An OTLP endpoint over HTTP: a base URL, to which each signal's own path is added. */
export const otlpEndpoint = z
  .url({ protocol: /^https?$/, message: 'expected a URL such as http://collector:4318' })
  .refine((text) => !URL.canParse(text) || !new URL(text).search, 'expected a URL without a query');

const tracing = z.strictObject({
  endpoint: otlpEndpoint
    .optional()
    .describe(
      "An OpenTelemetry collector's OTLP/HTTP endpoint; default: OTEL_EXPORTER_OTLP_ENDPOINT. Without one nothing is traced.",
    ),
  service: z.string().min(1).max(100).default('banyan').describe('The service.name of the spans.'),
  samplePercent: z
    .number()
    .min(0)
    .max(100)
    .default(100)
    .describe('Share of the traces begun here that are recorded; one that comes in says by itself whether it is.'),
});

export const gatewaySchema = z.strictObject({
  version: z.literal(1),
  environment: z.string().min(1).max(50).default('default').describe('Shown to operators, so that none is mistaken.'),
  listen: hostPort.describe('Where clients connect.'),
  workers: z
    .union(
      [z.int().min(1).max(WORKERS_MAX), z.literal('auto')],
      `expected a whole number from 1 to ${WORKERS_MAX}, or "auto"`,
    )
    .default(1)
    .describe(
      'Processes that serve traffic; auto is as many as the machine has cores. With more than one, the operator API has a process of its own, and limits are shared among the workers.',
    ),
  expose: z.boolean().default(false).describe('Adds x-banyan-side, x-banyan-route and x-banyan-decision to responses.'),
  operator,
  upstreams: z.strictObject({ legacy: upstream, new: newUpstream }),
  flags: flags.describe(
    'Which side serves each route, and which gets a copy, is said by flags: this is where they are.',
  ),
  ledger: z
    .string()
    .regex(/^(?:sqlite:.+|rediss?:\/\/.+)$/, 'expected sqlite:FILE, or the URL of a Redis that the gateways share')
    .describe(
      'Durable state: overrides, plans, revisions, audit, and what comparing has found. Gateways that share a Redis follow the overrides of each other within a second or two.',
    ),
  ledgerJournal: z
    .string()
    .min(1)
    .default('state/ledger-journal')
    .describe(
      'A file of this gateway alone, for a ledger in Redis: changes that are made while that is away wait in it, and what it said last is kept beside it.',
    ),
  identity: z
    .array(identitySource)
    .min(1)
    .default(['address'])
    .describe('Who a request is, for sticky decisions: the first of these that it has.'),
  tls: tls.optional().describe('Terminates TLS on listen, with HTTP/2 and HTTP/1.1.'),
  trustedProxies: z
    .array(network)
    .default([])
    .describe('Our own proxies in front of this gateway: what they say in X-Forwarded-* and Forwarded counts.'),
  forwarded: z
    .enum(['set', 'strip', 'pass'])
    .default('set')
    .describe('X-Forwarded-For, -Proto, -Host, -Port: set them, send none, or leave what the client sent.'),
  trace: z
    .enum(['pass', 'begin'])
    .default('pass')
    .describe('begin gives a request without a W3C traceparent a new one; one that has it keeps it.'),
  tracing: tracing.prefault({}).describe('OpenTelemetry spans of requests, of their forwarding and of their copies.'),
  cors: cors.optional().describe("Cross-origin requests are answered by the gateway instead of the backends' own way."),
  rateLimit: rateLimit.optional().describe('How often one identity may ask; each route counts apart.'),
  rateLimitStore: z
    .string()
    .regex(/^(?:memory|rediss?:\/\/.+)$/, 'expected memory, or the URL of a Redis that the gateways share')
    .default('memory')
    .describe('Where requests are counted. In memory each gateway counts by itself, for all its workers.'),
  requestId: z
    .boolean()
    .default(true)
    .describe("Sends x-request-id upstream: the client's own when it is well-formed, else a new one."),
  mirror: z
    .strictObject({
      concurrency: z.number().int().min(1).max(1_000).default(32).describe('Copies in flight to one side.'),
      queueMax: z.number().int().min(1).max(100_000).default(512).describe('Copies that wait; more are dropped.'),
      queueBytesMax: z.number().int().min(0).default(33_554_432).describe('Bytes that waiting copies may hold.'),
      ...copyRates,
      backoff: z
        .boolean()
        .default(true)
        .describe('Sends a side fewer copies while it is slower, or fails more, than it usually does.'),
      idPairsMax: z
        .number()
        .int()
        .min(1)
        .max(10_000_000)
        .default(100_000)
        .describe('Pairs of ids that are remembered; the least recently used are forgotten first.'),
      compareCpuPercent: z
        .number()
        .gt(0)
        .max(100)
        .default(15)
        .describe(
          'Share of one core that comparing may take, in all workers together; what it would take more is dropped and counted.',
        ),
    })
    .prefault({}),
  shadowKeysEnv: variableName
    .optional()
    .describe(
      'Environment variable with the keys that sign copies of writes, as ID:SECRET, at most two: the first signs, the other ' +
        'is still or already known to the backends. NAME_FILE may name a file instead.',
    ),
  pins: z
    .strictObject({
      keyEnv: variableName.describe(
        'Environment variable with the key, 32 characters or more, that pins are signed with; NAME_FILE may name a file instead.',
      ),
    })
    .optional()
    .describe(
      'Lets testers choose a side, by a pin that `banyan pin` makes. Overrides win over it; it wins over the flags.',
    ),
  samples: z
    .strictObject({
      days: z.number().int().min(1).max(365).default(7).describe('How long samples of differing answers are kept.'),
      secrets: z
        .enum(['remove', 'hash'])
        .default('remove')
        .describe(
          'What stands in samples in the place of secrets and personal data: a mark, or a keyed hash, which shows whether two values are equal and nothing else.',
        ),
      keyEnv: variableName
        .optional()
        .describe(
          'Environment variable with the key of these hashes; NAME_FILE may name a file instead. Without it each process makes up its own when it starts.',
        ),
    })
    .prefault({}),
  limits: limits.prefault({}),
  shutdown: z
    .strictObject({
      delayMs: z
        .number()
        .int()
        .min(0)
        .max(60_000)
        .default(1_000)
        .describe(
          'How long a stopping gateway still serves, unready and ending connections, so that balancers move on.',
        ),
    })
    .prefault({}),
  log: z.strictObject({ level: z.enum(['debug', 'info', 'warn', 'error', 'silent']).default('info') }).prefault({}),
  notifications: notifications.describe(
    'Who is told of promotions, holds, rollbacks and of what goes wrong, by webhooks or in Slack.',
  ),
  plans: plans.describe('Plans by name, for the routes that name them; "standard" is there without being described.'),
  certificates: z
    .string()
    .min(1)
    .optional()
    .describe(
      'Folder that the data jobs share with the gateway: their certificates, as JOB.json, for the gate "data"; how far they are; and, where the gateway may write there, what operators ask of them.',
    ),
  certificatesKeyEnv: variableName
    .optional()
    .describe(
      'Environment variable with the key, 32 characters or more, that the data jobs sign certificates with (their ' +
        'MIGRATION_SIGNING_KEY); NAME_FILE may name a file instead. Without it signatures are not checked: who may write ' +
        'to the folder is believed.',
    ),
  loadRuns: z
    .string()
    .min(1)
    .optional()
    .describe(
      'Folder that load comparisons are written to (`npm run loadtest -- compare --out FOLDER`): shown to operators.',
    ),
  routes: z.array(route).default([]),
});

export type GatewayConfig = z.output<typeof gatewaySchema>;
export type LimitsConfig = GatewayConfig['limits'];
export type RouteConfig = GatewayConfig['routes'][number];
export type CompareConfig = RouteConfig['compare'];
export type RedactConfig = RouteConfig['redact'];
export type StreamsConfig = RouteConfig['streams'];
export type UpstreamConfig = GatewayConfig['upstreams']['legacy'];
export type RateLimitConfig = z.output<typeof rateLimit>;

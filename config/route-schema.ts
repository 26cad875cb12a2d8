// The part of a gateway's configuration that is about one route; gateway-schema.ts has the rest.
import { z } from 'zod';
import { comparePathProblem, isPlace, parseComparePath } from './compare-path.ts';
import { routeRollout } from './plan-schema.ts';
import { writeKeyParameter, writes } from './writes-schema.ts';

export const DEFAULT_TIMEOUT_MS = 30_000;
const DURATION_MS_MAX = 24 * 3600 * 1000;

/** A token of HTTP: a method, a field name. */
export const TOKEN = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/; // RFC 9110 section 5.6.2

/** A duration that a setting may have, in milliseconds. */
export const durationMs = z.number().int().min(1).max(DURATION_MS_MAX);

const comparePath = z.string().superRefine((text, context) => {
  const problem = comparePathProblem(text);
  if (problem !== undefined) context.addIssue({ code: 'custom', message: problem });
});

/** A path in a JSON body. */
const bodyPath = (example: string) =>
  comparePath.refine(
    (text) => comparePathProblem(text) !== undefined || parseComparePath(text).part === 'body',
    `expected a path in a JSON body such as ${example}`,
  );

function hasFilters(text: string): boolean {
  if (comparePathProblem(text) !== undefined) return false;
  const path = parseComparePath(text);
  return path.part === 'body' && path.steps.some(({ selectors }) => selectors.some(({ kind }) => kind === 'filter'));
}

const reviewed = {
  reason: z.string().min(1).describe('Why the exception is right. Shown wherever the rule has an effect.'),
  owner: z.string().min(1).describe('Who answers for the rule.'),
  expires: z.iso.date().optional().describe('The last day (UTC) on which the rule holds, as YYYY-MM-DD.'),
};

const scope = {
  status: z
    .enum(['1xx', '2xx', '3xx', '4xx', '5xx'])
    .optional()
    .describe('The rule holds only where both sides answered with a status of this class.'),
};

const DECIMAL = /^\d{1,30}(?:\.\d{1,30})?$/;
/** Better in quotes: YAML reads 0.1 as a floating-point number. */
const amount = z.union(
  [z.string().regex(DECIMAL), z.number().min(0).max(1e15)],
  'expected a decimal number that is not negative, such as "0.01"',
);

const tolerate = z
  .strictObject({
    path: comparePath,
    absolute: amount.optional().describe("How far new's number may be from legacy's, in its own unit."),
    relative: amount.optional().describe("The same as a share of legacy's number: 0.001 is a thousandth of it."),
    ticks: z.number().int().min(1).max(1_000_000).optional().describe('The same as a number of ticks ...'),
    tickSize: amount.optional().describe('... of this size.'),
    withinMs: durationMs.optional().describe('How far two timestamps may be apart, in any format, in milliseconds.'),
    ...scope,
    ...reviewed,
  })
  .refine(({ ticks, tickSize }) => (ticks === undefined) === (tickSize === undefined), {
    message: 'ticks and tickSize belong together',
  })
  .refine(
    ({ absolute, relative, ticks, withinMs }) =>
      [absolute, relative, ticks, withinMs].some((each) => each !== undefined),
    { message: 'expected absolute, relative, ticks with tickSize, or withinMs' },
  )
  .refine(({ absolute, ticks }) => absolute === undefined || ticks === undefined, {
    message: 'expected absolute or ticks, not both',
  });

const enumValue = z.union(
  [z.string(), z.number().int(), z.boolean(), z.null()],
  'expected a text, a whole number, true, false or null',
);

const enums = z
  .strictObject({
    path: comparePath,
    values: z
      .array(z.strictObject({ legacy: enumValue, new: enumValue }))
      .min(1)
      .max(1_000)
      .optional()
      .describe('What legacy writes, and what new may write for it: { legacy: FILLED, new: filled }.'),
    ignoreCase: z.literal(true).optional().describe('Upper and lower case are the same.'),
    ...scope,
    ...reviewed,
  })
  .refine(({ values, ignoreCase }) => values !== undefined || ignoreCase !== undefined, {
    message: 'expected values, ignoreCase or both',
  });

export const compare = z.strictObject({
  headers: z
    .array(z.string().regex(TOKEN, 'expected a header name'))
    .default(['content-type', 'location'])
    .describe('Response headers that are compared.'),
  ignore: z
    .array(z.strictObject({ path: comparePath, ...scope, ...reviewed }))
    .default([])
    .describe('Differences at these paths are counted and shown, but are no mismatch.'),
  normalise: z
    .array(
      z.strictObject({
        path: comparePath,
        as: z.enum(['number', 'timestamp', 'null-as-absent']),
        ...scope,
        ...reviewed,
      }),
    )
    .default([])
    .describe(
      'number: 1 = 1.0 = "1.00", exactly. timestamp: the same instant as ISO 8601, as HTTP writes it, or in seconds, ' +
        'milliseconds, microseconds or nanoseconds since 1970. null-as-absent: a null is the same as no member.',
    ),
  tolerate: z
    .array(tolerate)
    .default([])
    .describe('Numbers, also in quotes, and timestamps that may be a little apart. Their type must be the same.'),
  enums: z
    .array(enums)
    .default([])
    .describe('Values that mean the same; with the path "status", statuses: { legacy: 200, new: 201 }.'),
  arrays: z
    .array(
      z
        .strictObject({
          path: comparePath,
          key: z
            .string()
            .min(1)
            .optional()
            .describe('Members are paired by this field, or by this index ("0") where they are lists themselves.'),
          unordered: z.literal(true).optional().describe('The order of members does not matter.'),
          ...scope,
          ...reviewed,
        })
        .refine(({ key, unordered }) => key || unordered, 'give "key: FIELD", "unordered: true", or both'),
    )
    .default([])
    .describe('Arrays that are not compared position by position.'),
  critical: z
    .array(comparePath)
    .default([])
    .describe('Fields where one mismatch is enough to stop a promotion: price, quantity, balance, status.'),
});

/** How fast copies may be sent, by a route or by all. */
export const copyRates = {
  copiesPerSecondMax: z.number().gt(0).optional().describe('Copies a second; more are dropped and counted.'),
  bytesPerSecondMax: z
    .number()
    .gt(0)
    .optional()
    .describe('Bytes of copies and their answers a second; more are dropped and counted.'),
};

/** The name of the parameter in a segment of a path in Hono's syntax: `id` of `:id`, `:id?` and `:id{[0-9]+}`. */
export function parameterOf(segment: string): string | undefined {
  return /^:([^{}?]+)/.exec(segment)?.[1];
}

/** Nobody knows what a filter lets through where an id is looked up by its place alone. */
const idPath = bodyPath('$.order_id or $.orders[*].order_id').refine(
  (text) => !hasFilters(text),
  'ids are found by their place alone: write the path without a filter',
);

/** Plain segments, any (`*`), and one parameter. */
const LOCATION_PATTERN = /^(?:\/[^/:*?#]+|\/\*)*\/:\w+(?:\/[^/:*?#]+|\/\*)*$/;

const mappedId = z
  .strictObject({
    name: z.string().min(1).max(100).describe('The kind of thing that is called so, such as order.'),
    path: idPath.optional().describe('Where answers name it: there two ids that stand for one thing are equal.'),
    learn: z.boolean().default(true).describe('Whether two ids that answers name at path become a pair.'),
    param: z.string().min(1).optional().describe('The parameter of match.path that names it, without the colon.'),
    query: z.string().min(1).optional().describe('The query parameter that names it.'),
    body: idPath.optional().describe("Where the request's JSON body names it."),
    location: z
      .string()
      .regex(LOCATION_PATTERN, 'expected a path with one parameter, the id, such as /orders/:id or /users/*/orders/:id')
      .optional()
      .describe(
        'The path of what Location and Content-Location name, with one parameter, the id; * is any one segment. Learned and ' +
          'compared as at path. Those of the two that compare.headers lists.',
      ),
    unknown: z
      .enum(['drop', 'pass'])
      .default('drop')
      .describe('A request that names an id without a pair is not copied (id_unknown); or copied as it is.'),
  })
  .refine(
    ({ path, param, query, body, location }) => path ?? param ?? query ?? body ?? location,
    'give path, param, query, body or location',
  );

const mirror = z.strictObject({
  samplePercent: z
    .number()
    .gt(0)
    .max(100)
    .default(100)
    .describe(
      'Share of identities whose requests are copied, of those for whom the mirror flag is on; the same ones every time.',
    ),
  minimumPerHour: z
    .number()
    .int()
    .min(0)
    .max(100_000)
    .default(60)
    .describe(
      'So many requests an hour are copied, and so many of each class of status, even where samplePercent leaves them out.',
    ),
  bracketPercent: z
    .number()
    .min(0)
    .max(100)
    .default(5)
    .describe(
      'Share of copied requests that ask legacy once more, after new: where its two answers differ, no difference from ' +
        'new counts. Costs legacy as many more requests. A route with noise brackets more while few have been, up to 400 in ' +
        'ten minutes; 0 never brackets.',
    ),
  ids: z
    .array(mappedId)
    .max(20)
    .default([])
    .describe('Ids that each side gives for itself: learned as pairs from answers, translated in copies of requests.'),
  writes: z
    .enum(['off', 'dry-run'])
    .default('off')
    .describe(
      'What happens to requests that are not safe (RFC 9110 section 9.2.1): off never copies them; dry-run copies them ' +
        'signed (docs/shadow-header.md), to a side that verifiesShadow, which answers without doing anything.',
    ),
  bodyBytesMax: z.number().int().min(0).max(67_108_864).default(262_144).describe('Larger bodies are not compared.'),
  concurrencyMax: z
    .number()
    .int()
    .min(1)
    .max(1_000)
    .optional()
    .describe('Copies of this route in flight; without it half of those that all routes may have.'),
  ...copyRates,
  timeoutMs: durationMs.default(5_000).describe('How long the copy may take before it counts as timeout.'),
});

export const redact = z.strictObject({
  headers: z
    .array(z.string().regex(TOKEN, 'expected a header name'))
    .default([])
    .describe('Request and response headers whose values samples never show, beside credentials and cookies.'),
  paths: z
    .array(bodyPath('$.user.name or $..address'))
    .default([])
    .describe(
      'Members of JSON bodies whose values samples never show, beside those with secret-looking names. Names below them that are no words are not shown either.',
    ),
});

const STREAM_WINDOW_MS = 2_000;
const COMPARED_MESSAGES = 10_000;
const COMPARED_DURATION_MS = 300_000;
const COMPARED_STREAMS = 4;

/** A key is made of single values, so its paths name one place each. */
const keyPath = z.string().refine(isPlace, 'expected a path of names only, such as $.type or $.data.id');

const streamCompare = z.strictObject({
  key: z
    .array(keyPath)
    .min(1)
    .max(10)
    .optional()
    .describe(
      'What tells one message from the others: its values at these places, such as [$.type, $.id]; messages of both sides ' +
        'with the same key are compared. Without it, and for messages that have none of them, an event is known by its name ' +
        'and id, and what has no id by its content as a whole, so that a message that differs is one missing and one extra.',
    ),
  windowMs: durationMs
    .max(60_000)
    .default(STREAM_WINDOW_MS)
    .describe(
      'How far apart the sides may send the same message; one that comes later is late, and after three times as long missing.',
    ),
  clientMessages: z
    .enum(['copy', 'drop'])
    .default('drop')
    .describe(
      "Whether the other side gets what a WebSocket's client says. Only copy what has no effect there but on its answers.",
    ),
  messagesMax: z
    .number()
    .int()
    .min(1)
    .max(10_000_000)
    .default(COMPARED_MESSAGES)
    .describe('Messages of one side after which a stream is compared no longer.'),
  durationMs: durationMs.default(COMPARED_DURATION_MS).describe('How long a stream is compared.'),
  streamsMax: z
    .number()
    .int()
    .min(1)
    .max(1_000)
    .default(COMPARED_STREAMS)
    .describe('Streams of the route that are compared at once; each is one more stream for the other side.'),
});

const streams = z.strictObject({
  onFlip: z
    .enum(['pin', 'drain', 'close'])
    .default('pin')
    .describe(
      'What happens to open WebSockets and event streams when their side changes: pin leaves them, drain closes them in an orderly way, spread over time, close does so at once.',
    ),
  drainMs: durationMs.default(30_000).describe('How long a drain may take; what is still open then is cut.'),
  jitterMs: z
    .number()
    .int()
    .min(0)
    .max(DURATION_MS_MAX)
    .default(5_000)
    .describe('Closes are spread over this time, so that clients do not all come back at once.'),
  idleTimeoutMs: durationMs
    .optional()
    .describe('Closes a stream on which nothing has moved for this long; without it a stream may be quiet for ever.'),
  compare: streamCompare
    .optional()
    .describe(
      'Opens the other side too, for a stream whose request is to be copied, and compares what both send. ' +
        'Without it streams are not compared.',
    ),
});

/** For streams on paths that no route names. */
export const DEFAULT_STREAMS = streams.parse({});

export const rateLimit = z.strictObject({
  requests: z.number().int().min(1).max(1_000_000).describe('How many requests an identity may make ...'),
  perSeconds: z.number().int().min(1).max(86_400).default(1).describe('... in so many seconds; more get 429.'),
});

const routeObject = z.strictObject({
  id: z
    .string()
    .regex(/^[a-z0-9][a-z0-9._-]{0,99}$/, 'expected a stable id such as trade.order.get')
    .refine((id) => id !== 'unrouted' && !id.endsWith('.mirror'), 'this id is reserved')
    .describe("The route's name everywhere: flag, API, CLI, metrics."),
  group: z.string().min(1).max(100).optional().describe('Routes of one group put the same user on the same side.'),
  match: z.strictObject({
    methods: z
      .array(z.union([z.literal('*'), z.string().regex(TOKEN).toUpperCase()], 'expected a method such as GET, or "*"'))
      .min(1),
    path: z
      .string()
      .startsWith('/', 'expected a path that starts with /')
      .describe('Path in Hono\'s syntax: "/api/x/:id", "/api/files/*", "/*".'),
  }),
  initialStage: z
    .enum(['legacy', 'shadow', 'live', 'complete'])
    .default('legacy')
    .describe("The stage that the route's flags are created with; without effect once they exist."),
  timeoutMs: durationMs
    .default(DEFAULT_TIMEOUT_MS)
    .describe("How long the upstream may take to begin its answer, and between two parts of the answer's body."),
  bodyBytesMax: z
    .number()
    .int()
    .min(0)
    .optional()
    .describe('Requests with a larger body are answered 413; without it bodies of any size stream through.'),
  retry: z
    .enum(['safe', 'idempotent', 'never'])
    .default('safe')
    .describe(
      'Requests sent once more when the backend closed the connection before it answered: those that are safe ' +
        '(GET, HEAD, OPTIONS), those that are idempotent (PUT and DELETE too), or none.',
    ),
  fallback: z
    .boolean()
    .default(false)
    .describe(
      'Whether the other side may serve while the decided one is down, requests and new WebSockets alike. Both must hold ' +
        'the same data.',
    ),
  rateLimit: rateLimit.optional().describe('For this route alone, instead of the one for all.'),
  mirror: mirror.prefault({}),
  compare: compare.prefault({}),
  redact: redact.prefault({}),
  streams: streams.prefault({}),
  writes: writes.prefault({}),
  ...routeRollout,
});

export const route = routeObject.superRefine(({ match, mirror, writes: { key = [] } }, context) => {
  const parameters = match.path.split('/').map(parameterOf);
  mirror.ids.forEach(({ param }, at) => {
    if (param === undefined || parameters.includes(param)) return;
    const path = ['mirror', 'ids', at, 'param'];
    context.addIssue({ code: 'custom', path, message: `${match.path} has no parameter :${param}` });
  });
  key.forEach((text, at) => {
    const param = writeKeyParameter(text);
    if (param === undefined || parameters.includes(param)) return;
    const path = ['writes', 'key', at];
    context.addIssue({ code: 'custom', path, message: `${match.path} has no parameter :${param}` });
  });
});

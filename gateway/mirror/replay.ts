// Sends the request of a sample again and judges the answers by the route's rules: on both sides, or on one new build
// beside the answer that legacy gave when the sample was taken.
import { z } from 'zod';
import type { CompareConfig, RedactConfig, UpstreamConfig } from '../../config/gateway-schema.ts';
import { TOKEN } from '../../config/route-schema.ts';
import { requestHeaders } from '../proxy/headers.ts';
import { createUpstream, type Upstream } from '../proxy/upstream.ts';
import { isSafe } from '../routing/method.ts';
import type { Side } from '../routing/side.ts';
import { judge } from './compare.ts';
import type { Difference } from './difference.ts';
import type { Observation, Outcome } from './observation.ts';
import { compileRedaction, type Redaction } from './redact.ts';
import { createRuleBook } from './rules.ts';
import { pairedIn, type SampleRequest } from './sample.ts';
import { asKept, type KeptAnswer, readKept, withoutKey } from './sample-observation.ts';
import { sendCopy } from './send-copy.ts';

/** What of a sample is needed to send its request again. */
export interface ReplayableSample {
  readonly n: number;
  readonly method: string;
  readonly target: string;
  readonly request: SampleRequest;
  readonly outcome: string;
  readonly differences: readonly PlacedDifference[];
  readonly legacy: KeptAnswer;
}

interface PlacedDifference {
  readonly path: string;
  readonly kind: string;
  readonly rule?: string | undefined;
}

/**
 * skipped: the request is not safe to send again. unreplayable: the sample does not hold what it takes; secrets, above
 * all, are never kept.
 */
export type ReplayResult = Outcome | 'skipped' | 'unreplayable';

/** Results that say that the new side is not right. */
export const FAILED_REPLAYS: readonly string[] = ['mismatch', 'new_error', 'timeout'] satisfies ReplayResult[];
/** Results that say that it is. */
export const GOOD_REPLAYS: readonly string[] = ['match', 'ignored'] satisfies ReplayResult[];

export interface Replay {
  readonly n: number;
  readonly method: string;
  readonly target: string;
  /** The verdict when the sample was taken. */
  readonly was: string;
  readonly result: ReplayResult;
  /** Why, where the result alone does not say it. */
  readonly detail: string | null;
  /** What differs now, redacted. */
  readonly differences: readonly Difference[];
  /** Places that differed then and agree now: `$.fee (changed)`. */
  readonly fixed: readonly string[];
  readonly legacy: AnswerInBrief | null;
  readonly new: AnswerInBrief | null;
}

export type AnswerInBrief = Pick<KeptAnswer, 'status' | 'failure' | 'durationMs'>;

const HEADERS_MAX = 20;
const fieldName = z
  .string()
  .regex(TOKEN, 'expected a header name')
  .refine(
    (name) => !/^(?:content-length|transfer-encoding)$/i.test(name),
    'a replay counts itself how long its body is',
  );
const fieldValue = z.string().regex(/^[\t\x20-\x7e\x80-\xff]*$/, 'expected a header value');

/** Fields that a caller may have sent: pairs of name and value. */
export const replayHeaders = z.array(z.tuple([fieldName, fieldValue])).max(HEADERS_MAX);

/** What a replay is sent with and judged by. */
export interface ReplaySettings {
  readonly compare: CompareConfig;
  readonly redact: RedactConfig;
  readonly timeoutMs: number;
  readonly bodyBytesMax: number;
  /** Sent in the stead of the sample's own: such as the credentials that samples never hold. */
  readonly headers: z.output<typeof replayHeaders>;
}

/**
 * Sends the sample's request to both sides and compares what they answer; with `keepsHost` its Host too. Never rejects on
 * account of what they do.
 */
export function replayOnSides(
  sample: ReplayableSample,
  upstreams: Readonly<Record<Side, Upstream>>,
  { keepsHost, ...settings }: ReplaySettings & { readonly keepsHost: boolean },
  now: () => Date,
): Promise<Replay> {
  return openReplays(settings, { keepsHost, now })(sample, async (headers) => {
    const [legacy, fresh] = await Promise.all([
      send(sample, upstreams.legacy, headers, settings),
      send(sample, upstreams.new, headers, settings),
    ]);
    if (isRefused(legacy.status) && !isRefused(sample.legacy.status)) {
      return `legacy answers ${legacy.status} where it answered ${sample.legacy.status}: give credentials that hold, with --header`;
    }
    return { legacy, new: fresh };
  });
}

/** Replays of samples on a build that no gateway knows. */
export interface BuildReplays {
  /** Sends the sample's request to the build and compares its answer with the one that legacy gave. */
  replay(sample: ReplayableSample): Promise<Replay>;
  close(): Promise<void>;
}

export function openBuildReplays(build: UpstreamConfig, settings: ReplaySettings, now: () => Date): BuildReplays {
  const upstream = createUpstream('new', build);
  const replay = openReplays(settings, { keepsHost: false, now });
  return {
    replay: (sample) =>
      replay(sample, async (headers, redaction) => {
        const legacy = readKept('legacy', withoutKey(sample.legacy));
        if (!legacy) return "legacy's answer was not kept whole";
        return { legacy, new: await asKept(await send(sample, upstream, headers, settings), redaction) };
      }),
    close: () => upstream.close(),
  };
}

type Answers = Readonly<Record<Side, Observation>>;

/** Gets the answers to a request with these fields, or says why the sample cannot be replayed. */
type Ask = (headers: readonly string[], redaction: Redaction) => Promise<Answers | string>;

interface ReplayOptions {
  /** Whether the Host that the sample's request had is sent; without it each side gets its own. */
  readonly keepsHost: boolean;
  readonly now: () => Date;
}

function openReplays({ compare, redact, headers }: ReplaySettings, { keepsHost, now }: ReplayOptions) {
  const rulesFor = createRuleBook(now)(compare);
  const redaction = compileRedaction(redact);

  return async (sample: ReplayableSample, ask: Ask): Promise<Replay> => {
    const { n, method, target, outcome, request } = sample;
    const ended = (result: ReplayResult, detail: string): Replay => {
      const nothing = { differences: [], fixed: [], legacy: null, new: null };
      return { n, method, target, was: outcome, result, detail, ...nothing };
    };
    if (!isSafe(method)) return ended('skipped', `${method} is not safe: sent again it could have its effect again`);
    const missing = missingOf(request, headers);
    if (missing !== undefined) return ended('unreplayable', missing);
    const kept = withoutFields(request.headers.flat(), keepsHost ? OWN_FIELDS : [...OWN_FIELDS, 'host']);
    const answers = await ask(fieldsOf(kept, headers), redaction);
    if (typeof answers === 'string') return ended('unreplayable', answers);
    const verdict = await judge({ ...answers, copied: undefined }, rulesFor);
    const paired = pairedIn([answers.legacy, answers.new], redaction);
    return {
      ...ended(verdict.outcome, ''),
      detail: verdict.detail ?? null,
      differences: verdict.differences.map((difference) => redaction.difference(difference, paired)),
      fixed: placesOf(sample.differences).filter((place) => !placesOf(verdict.differences).includes(place)),
      legacy: inBrief(answers.legacy),
      new: inBrief(answers.new),
    };
  };
}

type GivenFields = ReplaySettings['headers'];

/** What the request took that neither the sample nor the caller has, as a sentence; undefined when there is nothing. */
function missingOf({ redacted }: SampleRequest, given: GivenFields): string | undefined {
  if (redacted.includes('target')) return 'its target holds a secret, which was not kept';
  if (redacted.includes('body')) return 'its body was not kept as it was';
  const names = redacted.map((part) => part.replace(/^header:/, '')).filter((name) => !hasField(given, name));
  return names.length === 0 ? undefined : `samples hold no secrets; give ${names.join(', ')} with --header`;
}

/** Fields that a request sent again has of itself: the length of its body as it is written now, the way that it takes. */
const OWN_FIELDS = ['content-length', 'via'];

/** Fields that were kept, and those given, which take the place of others of their name, as they go upstream. */
function fieldsOf(kept: readonly string[], given: GivenFields): string[] {
  const names = given.map(([name]) => name.toLowerCase());
  return requestHeaders([...withoutFields(kept, names), ...given.flat()]);
}

function hasField(given: GivenFields, lowerName: string): boolean {
  return given.some(([name]) => name.toLowerCase() === lowerName);
}

function withoutFields(pairs: readonly string[], lowerNames: readonly string[]): string[] {
  return pairs.filter((_, index) => !lowerNames.includes((pairs[index - (index % 2)] ?? '').toLowerCase()));
}

/** Where differences are that no rule covers, each place and kind once. */
function placesOf(differences: readonly PlacedDifference[]): string[] {
  const counting = differences.filter(({ rule }) => rule === undefined);
  return [...new Set(counting.map(({ path, kind }) => `${path} (${kind})`))];
}

function inBrief({ status, failure, durationMs }: Observation): AnswerInBrief {
  return { status, failure, durationMs: Math.round(durationMs * 1000) / 1000 };
}

function send(
  { method, target, request }: ReplayableSample,
  upstream: Upstream,
  headers: readonly string[],
  { timeoutMs, bodyBytesMax }: ReplaySettings,
): Promise<Observation> {
  const body = Buffer.from(request.body);
  return sendCopy({ upstream, method, path: target, headers, body, timeoutMs, bodyBytesMax });
}

/** RFC 9110 sections 15.5.2 and 15.5.4: who asks is not known, or may not. */
function isRefused(status: number | undefined): boolean {
  return status === 401 || status === 403;
}

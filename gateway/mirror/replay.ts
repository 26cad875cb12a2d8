// Sends the request of a sample again and judges the answers by the route's rules: on both sides, or on one new build
// beside the answer that legacy gave when the sample was taken.
import { z } from 'zod';
import type { CompareConfig, UpstreamConfig } from '../../config/gateway-schema.ts';
import { TOKEN } from '../../config/route-schema.ts';
import { requestHeaders } from '../proxy/headers.ts';
import { createUpstream, type Upstream } from '../proxy/upstream.ts';
import { isSafe } from '../routing/method.ts';
import type { Side } from '../routing/side.ts';
import { judge } from './compare.ts';
import type { Difference } from './compare-json.ts';
import type { Observation, Outcome } from './observation.ts';
import { REDACTED, redactDifference } from './redact.ts';
import { createRuleBook, type RulesFor } from './rules.ts';
import { asKept, type KeptAnswer, readKept } from './sample-observation.ts';
import { sendCopy } from './send-copy.ts';

/** What of a sample is needed to send its request again. */
export interface ReplayableSample {
  readonly n: number;
  readonly method: string;
  readonly target: string;
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
  .refine((name) => !/^(?:content-length|transfer-encoding)$/i.test(name), 'a replayed request has no body');
const fieldValue = z.string().regex(/^[\t\x20-\x7e\x80-\xff]*$/, 'expected a header value');

/** Fields that a caller may have sent: pairs of name and value. */
export const replayHeaders = z.array(z.tuple([fieldName, fieldValue])).max(HEADERS_MAX);

/** What a replay is sent with and judged by. */
export interface ReplaySettings {
  readonly compare: CompareConfig;
  readonly timeoutMs: number;
  readonly bodyBytesMax: number;
  /** Such as the credentials that samples never hold. */
  readonly headers: z.output<typeof replayHeaders>;
}

/** Sends the sample's request to both sides and compares what they answer. Never rejects on account of what they do. */
export function replayOnSides(
  sample: ReplayableSample,
  upstreams: Readonly<Record<Side, Upstream>>,
  settings: ReplaySettings,
  now: () => Date,
): Promise<Replay> {
  return replay(sample, rulesOf(settings, now), async () => {
    const [legacy, fresh] = await Promise.all([
      send(sample, upstreams.legacy, settings),
      send(sample, upstreams.new, settings),
    ]);
    if (isRefused(legacy.status) && !isRefused(sample.legacy.status)) {
      return `legacy answers ${legacy.status} where it answered ${sample.legacy.status}: ${CREDENTIALS}`;
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
  const rules = rulesOf(settings, now);
  return {
    replay: (sample) =>
      replay(sample, rules, async () => {
        const legacy = readKept('legacy', sample.legacy);
        if (!legacy) return "legacy's answer was not kept whole";
        const fresh = await send(sample, upstream, settings);
        if (settings.headers.length === 0 && isRefused(fresh.status) && !isRefused(legacy.status)) {
          return `it answers ${fresh.status} where legacy answered ${legacy.status}: ${CREDENTIALS}`;
        }
        return { legacy, new: await asKept(fresh) };
      }),
    close: () => upstream.close(),
  };
}

const CREDENTIALS = 'samples hold no credentials; give them with --header';

type Answers = Readonly<Record<Side, Observation>>;

/** `ask` gets the answers, or says why the sample cannot be replayed. */
async function replay(
  sample: ReplayableSample,
  rulesFor: RulesFor,
  ask: () => Promise<Answers | string>,
): Promise<Replay> {
  const { n, method, target, outcome } = sample;
  const ended = (result: ReplayResult, detail: string): Replay => {
    const nothing = { differences: [], fixed: [], legacy: null, new: null };
    return { n, method, target, was: outcome, result, detail, ...nothing };
  };
  if (!isSafe(method)) return ended('skipped', `${method} is not safe: sent again it could have its effect again`);
  if (target.includes(REDACTED)) return ended('unreplayable', 'its target holds a secret, which was not kept');
  const answers = await ask();
  if (typeof answers === 'string') return ended('unreplayable', answers);
  const verdict = await judge({ ...answers, copied: undefined }, rulesFor);
  return {
    ...ended(verdict.outcome, ''),
    detail: verdict.detail ?? null,
    differences: verdict.differences.map(redactDifference),
    fixed: placesOf(sample.differences).filter((place) => !placesOf(verdict.differences).includes(place)),
    legacy: inBrief(answers.legacy),
    new: inBrief(answers.new),
  };
}

/** Where differences are that no rule covers, each place and kind once. */
function placesOf(differences: readonly PlacedDifference[]): string[] {
  const counting = differences.filter(({ rule }) => rule === undefined);
  return [...new Set(counting.map(({ path, kind }) => `${path} (${kind})`))];
}

function inBrief({ status, failure, durationMs }: Observation): AnswerInBrief {
  return { status, failure, durationMs: Math.round(durationMs * 1000) / 1000 };
}

function rulesOf({ compare }: ReplaySettings, now: () => Date): RulesFor {
  return createRuleBook(now)({ config: { compare } });
}

function send(
  { method, target }: ReplayableSample,
  upstream: Upstream,
  settings: ReplaySettings,
): Promise<Observation> {
  const { timeoutMs, bodyBytesMax, headers } = settings;
  const fields = requestHeaders(headers.flat());
  return sendCopy({ upstream, method, path: target, headers: fields, body: undefined, timeoutMs, bodyBytesMax });
}

/** RFC 9110 sections 15.5.2 and 15.5.4: who asks is not known, or may not. */
function isRefused(status: number | undefined): boolean {
  return status === 401 || status === 403;
}

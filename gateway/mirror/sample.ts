// A sample: one request whose answers did not agree, redacted, with what is needed to send it again.
import { headerValue } from '../proxy/headers.ts';
import type { ObservedPair, Verdict } from './compare.ts';
import { decodeBodyAtOnce } from './decode.ts';
import { type Difference, isHeldAgainstNew } from './difference.ts';
import type { Observation, Outcome } from './observation.ts';
import type { Redaction } from './redact.ts';

const SAMPLE_DIFFERENCES_MAX = 50;

/** The request behind two observations. */
export interface ComparedRequest {
  readonly requestId: string;
  readonly method: string;
  readonly target: string;
  /** Fields as they went to the side that got the copy. */
  readonly headers: readonly string[];
  /** Empty when it had none; undefined when it was not kept. */
  readonly body: Buffer | undefined;
}

export interface SampleRequest {
  /** Pairs of name and value. */
  readonly headers: readonly (readonly string[])[];
  /** JSON as it was; other bodies are only described. Empty when the request had none. */
  readonly body: string;
  /**
   * What is not as it was sent: `target`, `header:NAME`, `body`. Whoever sends the request again must supply these, and
   * need supply nothing when there are none.
   */
  readonly redacted: readonly string[];
}

export interface SampleSide {
  readonly status: number | undefined;
  readonly failure: string | undefined;
  readonly durationMs: number;
  /** Without the content coding, where it could be undone. */
  readonly headers: readonly (readonly string[])[];
  readonly body: string;
}

export interface Sample {
  /** Grows with each sample of a route. */
  readonly n: number;
  /** ISO 8601, UTC. */
  readonly at: string;
  readonly requestId: string;
  readonly method: string;
  readonly target: string;
  readonly request: SampleRequest;
  readonly outcome: Outcome;
  readonly detail: string | undefined;
  readonly differences: Verdict['differences'];
  readonly legacy: SampleSide;
  readonly new: SampleSide;
}

/** What was found in one request. */
export interface Found {
  readonly request: ComparedRequest;
  readonly pair: ObservedPair;
  readonly verdict: Verdict;
}

export function sampleOf(
  { n, at }: Pick<Sample, 'n' | 'at'>,
  { request, pair, verdict }: Found,
  redaction: Redaction,
): Sample {
  const { requestId, method } = request;
  const { outcome, detail } = verdict;
  const [legacy, fresh] = [sampleSide(pair.legacy, redaction), sampleSide(pair.new, redaction)];
  const paired = [...legacy.paired, ...fresh.paired];
  const differences = verdict.differences.toSorted(byWeight).slice(0, SAMPLE_DIFFERENCES_MAX);
  return {
    ...{ n, at, requestId, method },
    target: redaction.target(request.target),
    request: sampleRequest(request, redaction),
    ...{ outcome, detail },
    differences: differences.map((difference) => redaction.difference(difference, paired)),
    legacy: legacy.side,
    new: fresh.side,
  };
}

function sampleRequest({ target, headers, body }: ComparedRequest, redaction: Redaction): SampleRequest {
  const kept = redaction.headers(headers);
  const keptBody = redaction.body(body, headers);
  const changed = kept.filter(([, value], index) => value !== headers[2 * index + 1]);
  return {
    headers: kept,
    body: keptBody.text,
    redacted: [
      ...(redaction.target(target) === target ? [] : ['target']),
      ...new Set(changed.map(([name = '']) => `header:${name.toLowerCase()}`)),
      ...(keptBody.isWhole ? [] : ['body']),
    ],
  };
}

/** What counts comes before what is ignored, and what is critical before all. */
function byWeight(a: Difference, b: Difference): number {
  const weight = (difference: Difference) => (isHeldAgainstNew(difference) ? (difference.critical ? 0 : 1) : 2);
  return weight(a) - weight(b);
}

function sampleSide(
  { status, failure, durationMs: exactly, ...sent }: Observation,
  redaction: Redaction,
): { readonly side: SampleSide; readonly paired: readonly string[] } {
  const { headers, body } = decoded(sent);
  const { text, paired } = redaction.body(body, headers);
  const durationMs = Math.round(exactly * 1000) / 1000;
  return { side: { status, failure, durationMs, headers: redaction.headers(headers), body: text }, paired };
}

/** What of answers is secret by the name beside it, as differences show it. */
export function pairedIn(answers: readonly Observation[], redaction: Redaction): readonly string[] {
  return answers.map(decoded).flatMap(({ headers, body }) => redaction.body(body, headers).paired);
}

/** An answer without its content coding, as people read it; as it is where that cannot be undone. */
function decoded({ headers, body }: Pick<Observation, 'headers' | 'body'>): Pick<Observation, 'headers' | 'body'> {
  const coding = headerValue(headers, 'content-encoding');
  const plain = body && coding !== undefined ? decodeBodyAtOnce(body, coding) : undefined;
  if (!plain) return { headers, body };
  const isCoding = (index: number) => headers[index - (index % 2)]?.toLowerCase() === 'content-encoding';
  return { headers: headers.filter((_, index) => !isCoding(index)), body: plain };
}

// Two observations of one request, and the verdict on them.
import { headerValue } from '../proxy/headers.ts';
import type { Side } from '../routing/side.ts';
import { type Body, compareBodies } from './compare-body.ts';
import { canonicalContentType } from './content.ts';
import { decodeBody } from './decode.ts';
import { type Difference, Findings } from './difference.ts';
import { JsonNumber } from './json.ts';
import { compareLeaves } from './leaf.ts';
import type { Observation, Outcome } from './observation.ts';
import { TooMuchWork } from './pairing.ts';
import type { CompiledRules, RulesFor } from './rules.ts';
import type { PlaceRules } from './spot.ts';

export interface Verdict {
  readonly outcome: Outcome;
  readonly differences: readonly Difference[];
  /** Why, where the outcome alone does not say it. */
  readonly detail: string | undefined;
  /** Whether legacy was asked twice, or need not be, so that no difference here can be noise unseen. See noise.ts. */
  readonly bracketed?: true;
  /** Whether new was later by more than is borne, where that was measured. See timed.ts. */
  readonly slower?: boolean;
}

/** What both sides did with one request, and which of them got the copy. */
export interface ObservedPair {
  readonly legacy: Observation;
  readonly new: Observation;
  /** Undefined when both were asked on the client's behalf. */
  readonly copied: Side | undefined;
}

/**
 * Compares two bodies wherever there is time for it; `statusClass` is what both answers are of, if it is one.
 * Rejects with NotCompared when they cannot be compared.
 */
export type CompareBodies = (
  legacy: DecodedBody,
  fresh: DecodedBody,
  statusClass: number | undefined,
) => Promise<readonly Difference[]>;

export interface DecodedBody extends Body {
  /** Nobody else reads these bytes, so they may be given away. */
  readonly isOurs: boolean;
}

/** Why two answers were not compared. */
export class NotCompared extends Error {
  readonly outcome: 'incomparable' | 'dropped';

  constructor(outcome: 'incomparable' | 'dropped', detail: string) {
    super(detail);
    this.outcome = outcome;
  }
}

/** The verdict on one request that both sides have seen. Never rejects on account of what a side answered. */
export async function judge(pair: ObservedPair, rulesFor: RulesFor, compare?: CompareBodies): Promise<Verdict> {
  try {
    return await judged(pair, rulesFor, compare ?? here(rulesFor));
  } catch (error) {
    if (error instanceof NotCompared) return { outcome: error.outcome, differences: [], detail: error.message };
    throw error;
  }
}

/** Compares bodies then and there. */
export function here(rulesFor: RulesFor): CompareBodies {
  return async (legacy, fresh, statusClass) => {
    try {
      return compareBodies(legacy, fresh, rulesFor(statusClass));
    } catch (error) {
      throw error instanceof TooMuchWork ? new NotCompared('incomparable', error.message) : error;
    }
  };
}

async function judged(pair: ObservedPair, rulesFor: RulesFor, compare: CompareBodies): Promise<Verdict> {
  const { legacy, new: fresh, copied } = pair;
  const verdict = (outcome: Outcome, detail?: string): Verdict => ({ outcome, differences: [], detail });
  // Legacy is the measure: when it failed there is nothing to hold the new side to.
  if (legacy.failure)
    return verdict(copied === 'legacy' && isTimeout(legacy) ? 'timeout' : 'legacy_error', legacy.failure);
  if (fresh.failure) return verdict(copied === 'new' && isTimeout(fresh) ? 'timeout' : 'new_error', fresh.failure);
  const statusClass = statusClassOf(legacy) === statusClassOf(fresh) ? statusClassOf(legacy) : undefined;
  const rules = rulesFor(statusClass);
  const [statusA, statusB] = [legacy, fresh].map(({ status }) => new JsonNumber(`${status}`)) as [
    JsonNumber,
    JsonNumber,
  ];
  const isSameStatus = compareLeaves(statusA, statusB, rules.status) === undefined;
  // A server's error is no answer, unless a rule says what the other side has in its place.
  if (!isSameStatus && isServerError(fresh) && !isServerError(legacy))
    return verdict('new_error', `status ${fresh.status}`);
  if (!isSameStatus && isServerError(legacy) && !isServerError(fresh))
    return verdict('legacy_error', `status ${legacy.status}`);
  const findings = new Findings();
  if (!isSameStatus) {
    const values = { legacy: () => statusA.text, new: () => statusB.text };
    findings.add({ path: 'status', at: () => 'status', kind: 'changed', ...values, rules: rules.status });
  }
  // Where it is known that the answers differ, bodies that cannot be compared do not make that unknown.
  const isKnownToDiffer = hasUnruled(findings.found);
  compareHeaders(legacy, fresh, rules, findings);
  // Answers of different classes are different documents: their bodies would only repeat it field by field.
  const areBodiesCompared = statusClass !== undefined || isSameStatus;
  const inBody = areBodiesCompared
    ? await differencesOfBodies(legacy, fresh, (a, b) => compare(a, b, statusClass)).catch((error: unknown) => {
        if (isKnownToDiffer && error instanceof NotCompared) return [];
        throw error;
      })
    : [];
  const differences = [...findings.found, ...inBody];
  if (differences.length === 0) return verdict('match');
  return { outcome: hasUnruled(differences) ? 'mismatch' : 'ignored', differences, detail: undefined };
}

function hasUnruled(differences: readonly Difference[]): boolean {
  return differences.some(({ rule }) => rule === undefined);
}

function isTimeout({ failure }: Observation): boolean {
  return failure === 'upstream_timeout' || failure === 'connect_timeout' || failure === 'response_stalled';
}

function isServerError({ status }: Observation): boolean {
  return status !== undefined && status >= 500;
}

function statusClassOf({ status }: Observation): number {
  return Math.floor((status ?? 0) / 100);
}

function compareHeaders(legacy: Observation, fresh: Observation, rules: CompiledRules, findings: Findings): void {
  for (const name of rules.headers) {
    const [left, right] = [legacy, fresh].map(({ headers }) => fieldValue(headers, name));
    const rulesHere = rules.header(name);
    const kind = compareFields(name, left, right, rulesHere);
    if (kind === undefined) continue;
    const path = `header:${name}`;
    findings.add({
      ...{ path, at: () => path, kind, rules: rulesHere },
      legacy: left === undefined ? undefined : () => left,
      new: right === undefined ? undefined : () => right,
    });
  }
}

function compareFields(name: string, left: string | undefined, right: string | undefined, rules: PlaceRules) {
  if (left === right) return undefined;
  if (left === undefined) return 'extra';
  if (right === undefined) return 'missing';
  if (name === 'content-type' && canonicalContentType(left) === canonicalContentType(right)) return undefined;
  return compareLeaves(left, right, rules);
}

/** The values of a field in their order, joined as RFC 9110 section 5.3 allows; undefined without any. */
function fieldValue(headers: readonly string[], lowerName: string): string | undefined {
  const values = headers.filter((_, index) => index % 2 === 1 && headers[index - 1]?.toLowerCase() === lowerName);
  return values.length > 0 ? values.join(', ') : undefined;
}

async function differencesOfBodies(
  legacy: Observation,
  fresh: Observation,
  compare: (legacy: DecodedBody, fresh: DecodedBody) => Promise<readonly Difference[]>,
): Promise<readonly Difference[]> {
  if (!legacy.body || !fresh.body) throw new NotCompared('incomparable', 'a body is larger than is kept');
  const [codingA, codingB] = [legacy, fresh].map(({ headers }) => headerValue(headers, 'content-encoding'));
  const [typeA, typeB] = [legacy, fresh].map(({ headers }) => headerValue(headers, 'content-type'));
  if (codingA === codingB && typeA === typeB && legacy.body.equals(fresh.body)) return [];
  const [left, right] = await Promise.all([decoded(legacy, codingA, typeA), decoded(fresh, codingB, typeB)]);
  return compare(left, right);
}

const EMPTY = Buffer.alloc(0);

async function decoded({ body = EMPTY }: Observation, coding: string | undefined, contentType: string | undefined) {
  const bytes = await decodeBody(body, coding);
  if (!bytes) throw new NotCompared('incomparable', 'a content coding is unknown or broken');
  return { bytes, contentType, isOurs: bytes !== body };
}

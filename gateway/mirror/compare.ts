// Two observations of one request, and the verdict on them.
import { headerValue } from '../proxy/headers.ts';
import type { Side } from '../routing/side.ts';
import { compareJson, type Difference, isCritical } from './compare-json.ts';
import { decodeBody } from './decode.ts';
import { parseJson } from './json.ts';
import type { Observation, Outcome } from './observation.ts';
import type { CompiledRules, RulesFor } from './rules.ts';

export interface Verdict {
  readonly outcome: Outcome;
  readonly differences: readonly Difference[];
  /** Why, where the outcome alone does not say it. */
  readonly detail: string | undefined;
  /** Whether legacy was asked twice, or need not be, so that no difference here can be noise unseen. See noise.ts. */
  readonly bracketed?: true;
}

const JSON_TYPE = /^application\/(?:[\w.-]+\+)?json\b/i;

/** What both sides did with one request, and which of them got the copy. */
export interface ObservedPair {
  readonly legacy: Observation;
  readonly new: Observation;
  /** Undefined when both were asked on the client's behalf. */
  readonly copied: Side | undefined;
}

/** The verdict on one request that both sides have seen. Never rejects on account of what a side answered. */
export async function judge({ legacy, new: fresh, copied }: ObservedPair, rulesFor: RulesFor): Promise<Verdict> {
  const verdict = (outcome: Outcome, detail?: string): Verdict => ({ outcome, differences: [], detail });
  // Legacy is the measure: when it failed there is nothing to hold the new side to.
  if (legacy.failure)
    return verdict(copied === 'legacy' && isTimeout(legacy) ? 'timeout' : 'legacy_error', legacy.failure);
  if (fresh.failure) return verdict(copied === 'new' && isTimeout(fresh) ? 'timeout' : 'new_error', fresh.failure);
  if (isServerError(fresh) && !isServerError(legacy)) return verdict('new_error', `status ${fresh.status}`);
  if (isServerError(legacy) && !isServerError(fresh)) return verdict('legacy_error', `status ${legacy.status}`);
  if (!legacy.body || !fresh.body) return verdict('incomparable', 'a body is larger than is kept');
  const sameClass = statusClass(legacy) === statusClass(fresh);
  const rules = rulesFor(sameClass ? statusClass(legacy) : undefined);
  const differences = compareHeads(legacy, fresh, rules);
  // Answers of different classes are different documents: their bodies would only repeat it field by field.
  if (sameClass) {
    const inBody = await compareBodies(legacy, fresh, rules);
    if (!inBody) return verdict('incomparable', 'a content coding is unknown or broken');
    differences.push(...inBody);
  }
  if (differences.length === 0) return verdict('match');
  const unruled = differences.some(({ rule }) => rule === undefined);
  return { outcome: unruled ? 'mismatch' : 'ignored', differences, detail: undefined };
}

function isTimeout({ failure }: Observation): boolean {
  return failure === 'upstream_timeout' || failure === 'connect_timeout' || failure === 'response_stalled';
}

function isServerError({ status }: Observation): boolean {
  return status !== undefined && status >= 500;
}

function statusClass({ status }: Observation): number {
  return Math.floor((status ?? 0) / 100);
}

function compareHeads(legacy: Observation, fresh: Observation, rules: CompiledRules): Difference[] {
  const found: Difference[] = [];
  const sides = [`${legacy.status}`, `${fresh.status}`] as const;
  if (legacy.status !== fresh.status) {
    const { ignored: rule, critical } = rules.status;
    found.push({ path: 'status', at: 'status', kind: 'changed', legacy: sides[0], new: sides[1], critical, rule });
  }
  for (const name of rules.headers) {
    const [left, right] = [legacy, fresh].map(({ headers }) => fieldValue(headers, name));
    if (left === right) continue;
    const kind = left === undefined ? 'extra' : right === undefined ? 'missing' : 'changed';
    const { ignored: rule, critical } = rules.header(name);
    const path = `header:${name}`;
    found.push({ path, at: path, kind, legacy: left, new: right, critical, rule });
  }
  return found;
}

/** The values of a field in their order, joined as RFC 9110 section 5.3 allows; undefined without any. */
function fieldValue(headers: readonly string[], lowerName: string): string | undefined {
  const values = headers.filter((_, index) => index % 2 === 1 && headers[index - 1]?.toLowerCase() === lowerName);
  return values.length > 0 ? values.join(', ') : undefined;
}

/** The differences between two bodies, or undefined when they cannot be read. */
async function compareBodies(legacy: Observation, fresh: Observation, rules: CompiledRules) {
  const [a, b] = [legacy.body as Buffer, fresh.body as Buffer];
  const [codingA, codingB] = [legacy, fresh].map(({ headers }) => headerValue(headers, 'content-encoding'));
  if (codingA === codingB && a.equals(b)) return [];
  const [left, right] = await Promise.all([decodeBody(a, codingA), decodeBody(b, codingB)]);
  if (!left || !right) return undefined;
  if (left.equals(right)) return [];
  const [jsonA, jsonB] = [isJson(legacy) ? readJson(left) : undefined, isJson(fresh) ? readJson(right) : undefined];
  if (jsonA && jsonB) return compareJson(jsonA.value, jsonB.value, rules);
  const kind = Boolean(jsonA) === Boolean(jsonB) ? 'changed' : 'type';
  const whole = rules.at(undefined);
  const [rule, critical] = [whole.ignored, isCritical(whole, kind)];
  return [
    { path: '$', at: '', kind, legacy: describe(left, legacy), new: describe(right, fresh), critical, rule } as const,
  ];
}

function isJson({ headers }: Observation): boolean {
  return JSON_TYPE.test(headerValue(headers, 'content-type') ?? '');
}

const UTF8 = new TextDecoder('utf-8', { fatal: true });

/** The document, boxed because `null` is one; undefined when it is not JSON, whatever its type says. */
function readJson(body: Buffer): { readonly value: ReturnType<typeof parseJson> } | undefined {
  try {
    return { value: parseJson(UTF8.decode(body)) };
  } catch {
    return undefined;
  }
}

/** A body that is no JSON is only described: nobody knows what is in it, and differences are shown and kept. */
function describe(body: Buffer, { headers }: Observation): string {
  return `${body.length} bytes, ${headerValue(headers, 'content-type') ?? 'no content-type'}`;
}

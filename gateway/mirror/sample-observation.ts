// A stored sample read back as what both sides did, as far as it was kept: to judge it again by other rules, or beside a
// new answer. Secrets stay replaced; where both are, they are equal.
import { headerValue } from '../proxy/headers.ts';
import type { Side } from '../routing/side.ts';
import { decodeBody } from './decode.ts';
import { parseJson } from './json.ts';
import type { Observation } from './observation.ts';
import { type Redaction, withoutHashes } from './redact.ts';

/** What is kept of a side's answer; see SampleSide of sample.ts. */
export interface KeptAnswer {
  readonly status?: number | undefined;
  readonly failure?: string | undefined;
  readonly durationMs: number;
  readonly headers: readonly (readonly string[])[];
  readonly body: string;
}

/** The answer that was kept, or undefined when it cannot be judged: it failed, or its body was only described or cut. */
export function readKept(
  side: Side,
  { status, failure, durationMs, headers, body }: KeptAnswer,
): Observation | undefined {
  const pairs = headers.flat();
  if (failure !== undefined || status === undefined || !isWhole(body, pairs)) return undefined;
  return { side, status, headers: pairs, body: Buffer.from(body), durationMs, failure: undefined };
}

/** An answer that was kept, its secrets replaced as by whoever has no key for hashes. */
export function withoutKey({ headers, body, ...answer }: KeptAnswer): KeptAnswer {
  return { ...answer, headers: headers.map((pair) => pair.map(withoutHashes)), body: withoutHashes(body) };
}

/** A new answer with its secrets replaced as in a sample, so that it compares with one that was kept. */
export async function asKept(observed: Observation, redaction: Redaction): Promise<Observation> {
  const { headers, body } = observed;
  if (!body) return observed;
  const decoded = await decodeBody(body, headerValue(headers, 'content-encoding'));
  if (!decoded) return observed;
  const plain = headers.filter((_, index) => headers[index - (index % 2)]?.toLowerCase() !== 'content-encoding');
  const { text } = redaction.body(decoded, plain, Number.POSITIVE_INFINITY);
  const pairs = redaction.headers(plain).flat();
  // Kept answers are JSON: of what is none, comparing says that it is of another type, and describes it.
  return { ...observed, headers: pairs, body: isWhole(text, plain) ? Buffer.from(text) : decoded };
}

function isWhole(body: string, pairs: readonly string[]): boolean {
  if (body === '') return true;
  const type = headerValue(pairs, 'content-type') ?? '';
  if (!/json/i.test(type) || headerValue(pairs, 'content-encoding') !== undefined) return false;
  try {
    parseJson(body);
    return true;
  } catch {
    return false;
  }
}

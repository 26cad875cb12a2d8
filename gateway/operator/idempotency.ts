// Changes that are done once, however often they are sent: by the Idempotency-Key that a caller gives them (as in
// draft-ietf-httpapi-idempotency-key-header). Kept in memory: a restart forgets them, and then If-Match still guards.
import { createHash } from 'node:crypto';
import type { MiddlewareHandler } from 'hono';
import { callerOf, type OperatorContext, type OperatorEnv, Refusal, readText } from './context.ts';

/** Changes that are remembered; the oldest is forgotten first. */
export const KEYS_MAX = 1_000;
/** How long: much longer than anybody retries. */
export const KEPT_MS = 3_600_000;
const KEY = /^[\x21-\x7e]{1,255}$/;

interface Answer {
  readonly status: number;
  readonly headers: readonly (readonly [string, string])[];
  readonly body: string;
}

interface Kept {
  readonly atMs: number;
  /** What was asked for: the same key for something else is a mistake. */
  readonly fingerprint: string;
  /** Undefined when the change was refused or failed, so that it may be tried again. */
  readonly answer: Promise<Answer | undefined>;
}

/** A second request with a key waits for the first, and gets its answer. */
export function createIdempotency(nowMs: () => number, keysMax = KEYS_MAX): MiddlewareHandler<OperatorEnv> {
  const kept = new Map<string, Kept>(); // keysMax at most, the oldest first.

  function find(id: string): Kept | undefined {
    const known = kept.get(id);
    return known && nowMs() - known.atMs < KEPT_MS ? known : undefined;
  }

  function keep(id: string, fingerprint: string): (answer: Answer | undefined) => void {
    const { promise, resolve } = Promise.withResolvers<Answer | undefined>();
    const entry = { atMs: nowMs(), fingerprint, answer: promise };
    kept.delete(id);
    kept.set(id, entry);
    const [oldest] = kept.keys();
    if (kept.size > keysMax && oldest !== undefined) kept.delete(oldest);
    return (answer) => {
      if (!answer && kept.get(id) === entry) kept.delete(id);
      resolve(answer);
    };
  }

  return async function idempotency(c, next) {
    const key = c.req.header('idempotency-key');
    // Whoever signs in gets a cookie, and no answer of another's.
    if (key === undefined || c.req.method === 'GET' || c.get('operation')?.access === 'anyone') return next();
    if (!KEY.test(key)) throw new Refusal(400, 'Idempotency-Key: expected up to 255 characters without blanks');
    const id = `${callerOf(c).name} ${key}`;
    const fingerprint = fingerprintOf(c, await readText(c));
    for (let known = find(id); known; known = find(id)) {
      if (known.fingerprint !== fingerprint) {
        throw new Refusal(422, 'this Idempotency-Key was used for another request; every change needs one of its own');
      }
      const answer = await known.answer;
      if (answer) return answerAgain(answer);
    }
    const settle = keep(id, fingerprint);
    let answer: Answer | undefined;
    try {
      await next();
      if (c.res.ok) answer = { status: c.res.status, headers: [...c.res.headers], body: await c.res.clone().text() };
    } finally {
      settle(answer);
    }
  };
}

function answerAgain({ status, headers, body }: Answer): Response {
  const again = new Response(body, {
    status,
    headers: headers.map(([name, value]): [string, string] => [name, value]),
  });
  again.headers.set('idempotency-replayed', 'true');
  return again;
}

function fingerprintOf({ req }: OperatorContext, body: string): string {
  const { pathname, search } = new URL(req.url);
  return createHash('sha256')
    .update(JSON.stringify([req.method, pathname, search, body]))
    .digest('base64url');
}

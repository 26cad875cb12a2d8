// The first thing that looks at a request: is it a dry run, and a genuine one? What is none goes to the real app, what is
// one to an app without effects, and what only claims to be one goes nowhere.
import type { IncomingHttpHeaders } from 'node:http';
import type { Logger } from '../../config/log.ts';
import type { ShadowKeys } from '../../config/shadow-keys.ts';
import type { Clock } from '../domain/ids.ts';
import { problem, problemResponse } from '../errors.ts';
import { ProblemError, readBytes } from '../http.ts';
import type { Metrics } from '../metrics.ts';
import type { DryRun } from './dry-run.ts';
import { isExpired, isGenuine, type Refusal, readHeader } from './header.ts';
import type { Nonces, NonceVerdict } from './nonces.ts';

const SHADOW_HEADER = 'x-banyan-shadow';
/** On every copy. Were the other one lost on the way, this one says that the request is no user's. */
const COPY_HEADER = 'x-banyan-copy';
const CONFIRMATION = ['x-dry-run', 'v1'] as const;
const SAFE: ReadonlySet<string> = new Set(['GET', 'HEAD', 'OPTIONS']);

/** A request's head as Node received it: the target's bytes as they came, fields by lower-case name, repeated ones joined. */
export type ReceivedHead = { readonly url?: string | undefined; readonly headers: IncomingHttpHeaders };

export type Fetch = (request: Request, head: ReceivedHead) => Response | Promise<Response>;

export type ShadowEdgeDeps = {
  readonly keys: ShadowKeys | undefined;
  readonly nonces: Nonces;
  readonly real: (request: Request) => Response | Promise<Response>;
  readonly dryRun: DryRun;
  readonly metrics: Metrics;
  readonly log: Logger;
  readonly now: Clock;
};

type Refused = Refusal | Exclude<NonceVerdict, 'fresh'> | 'unsigned';

export function createShadowEdge(deps: ShadowEdgeDeps): Fetch {
  const { keys, nonces, real, dryRun, metrics, log, now } = deps;

  function refuse(reason: Refused, { method }: Request): Response {
    metrics.shadowRequests.inc({ result: reason });
    log.warn({ reason, method }, 'a dry run was refused');
    return reason === 'unavailable'
      ? problemResponse(problem('shadow_unverifiable', 'nobody can say whether it was seen before; nothing was done'))
      : problemResponse(problem('shadow_refused', `${SHADOW_HEADER} is not valid here (${reason}); nothing was done`));
  }

  async function verified(request: Request, head: ReceivedHead, value: string): Promise<Response> {
    const read = readHeader(value, keys, now());
    if (!read.ok) return refuse(read.refusal, request);
    const { claimed } = read;
    const body = await readBytes(request.body);
    if (!isGenuine(claimed, { method: request.method, target: head.url ?? '', body })) return refuse('forged', request);
    const nowMs = now(); // The body may have taken its time.
    if (isExpired(claimed, nowMs)) return refuse('expired', request);
    const nonce = await nonces.take(claimed.nonce, claimed.timestampMs, nowMs);
    if (nonce !== 'fresh') return refuse(nonce, request);
    metrics.shadowRequests.inc({ result: 'verified' });
    const { url, method, headers } = request;
    const answer = await dryRun(new Request(url, { method, headers, body: body.length > 0 ? body : null }));
    answer.headers.set(...CONFIRMATION);
    return answer;
  }

  return function fetch(request, head) {
    const value = head.headers[SHADOW_HEADER];
    if (value === undefined) {
      if (head.headers[COPY_HEADER] !== undefined && !SAFE.has(request.method)) return refuse('unsigned', request);
      return real(request);
    }
    return verified(request, head, String(value)).catch((error: unknown) => {
      if (error instanceof ProblemError) return problemResponse(error.problem);
      throw error;
    });
  };
}

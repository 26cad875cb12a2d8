// One attempt to hand a message to its receiver.
import { Agent, request } from 'undici';

/** A receiver has so long for an answer, connecting included. */
const ATTEMPT_TIMEOUT_MS = 10_000;
/** Of an answer what is shown to people. */
const ANSWER_BYTES_MAX = 200;
/** A receiver that asks for a longer wait is asked again sooner. */
const RETRY_AFTER_MS_MAX = 300_000;

export type Attempt =
  | { readonly kind: 'taken'; readonly status: number }
  /** It may do later. `afterMs` is what the receiver asked for. */
  | { readonly kind: 'retry'; readonly problem: string; readonly afterMs: number | undefined }
  /** It will never take this one. */
  | { readonly kind: 'refused'; readonly problem: string }
  /** It takes nothing any more: 410 (Standard Webhooks, "Disabling an endpoint"). */
  | { readonly kind: 'gone'; readonly problem: string };

export type Post = (
  url: string,
  body: string,
  headers: Record<string, string>,
  signal: AbortSignal,
) => Promise<Attempt>;

export interface Poster {
  /** Posts once, follows no redirect. Never rejects, and its problems name neither path nor query of the URL. */
  post: Post;
  close(): Promise<void>;
}

export function createPoster(timeoutMs = ATTEMPT_TIMEOUT_MS): Poster {
  // Certificates are verified, as undici does by default.
  const dispatcher = new Agent({ connections: 1, keepAliveTimeout: 4_000, connect: { timeout: timeoutMs } });
  return {
    async post(url, body, headers, signal) {
      const limit = AbortSignal.timeout(timeoutMs);
      try {
        const answer = await request(url, {
          ...{ method: 'POST', body, headers: { 'user-agent': 'banyan', ...headers }, dispatcher },
          signal: AbortSignal.any([signal, limit]),
        });
        const { statusCode } = answer;
        const said = await beginningOf(answer.body);
        return judge(statusCode, said, answer.headers['retry-after']);
      } catch (error) {
        const problem = limit.aborted ? `no answer within ${timeoutMs} ms` : reasonOf(error);
        return { kind: 'retry', problem, afterMs: undefined };
      }
    },
    close: () => dispatcher.destroy(),
  };
}

function judge(status: number, said: string, retryAfter: string | string[] | undefined): Attempt {
  if (status >= 200 && status < 300) return { kind: 'taken', status };
  const problem = `it answered ${status}${said === '' ? '' : `: ${said}`}`;
  if (status === 410) return { kind: 'gone', problem };
  if (status >= 300 && status < 400) return { kind: 'refused', problem: `${problem}; redirects are not followed` };
  const mayDoLater = status >= 500 || status === 408 || status === 425 || status === 429;
  if (!mayDoLater) return { kind: 'refused', problem };
  const seconds = Number(retryAfter);
  const asked = Number.isFinite(seconds) && seconds > 0 ? Math.min(seconds * 1_000, RETRY_AFTER_MS_MAX) : undefined;
  return { kind: 'retry', problem, afterMs: asked };
}

/** The rest of an answer is not waited for. */
async function beginningOf(body: AsyncIterable<Uint8Array>): Promise<string> {
  const parts: Uint8Array[] = [];
  let bytes = 0;
  for await (const part of body) {
    parts.push(part);
    bytes += part.byteLength;
    if (bytes >= ANSWER_BYTES_MAX) break;
  }
  const text = Buffer.concat(parts).toString('utf8').slice(0, ANSWER_BYTES_MAX);
  return text.replaceAll(/[\p{Cc}\s]+/gu, ' ').trim();
}

function reasonOf(error: unknown): string {
  const { code, message } = error as NodeJS.ErrnoException;
  return code ?? message;
}

// Requests to an Unleash server: its client API, which flags are read from, and its admin API, which moves them.
import { request } from 'undici';
import { z } from 'zod';

/** How long the server may take to answer one request whole. */
const ANSWER_TIMEOUT_MS = 3_000;
/** Thousands of flags of a project are some megabytes. */
const ANSWER_BYTES_MAX = 32 * 1024 * 1024;
const PROBLEM_CHARS_MAX = 200;

/** The server cannot be reached, or refuses. The message says what it did; `status` is its answer's, if it gave one. */
export class UnleashError extends Error {
  readonly status: number | undefined;

  constructor(message: string, status?: number, options?: ErrorOptions) {
    super(message, options);
    this.name = 'UnleashError';
    this.status = status;
  }
}

export interface UnleashRequest {
  readonly method: 'GET' | 'POST' | 'PUT' | 'DELETE';
  /** Below the API's address: /client/features. */
  readonly path: string;
  readonly body?: unknown;
  /** Answered 304 while nothing has changed since. */
  readonly etag?: string | undefined;
}

export interface UnleashAnswer {
  readonly status: number;
  readonly etag: string | undefined;
  readonly text: string;
}

/** Sends a request. Answers 2xx and 304; rejects with an UnleashError for all else, within a few seconds. */
export type UnleashCaller = (asked: UnleashRequest) => Promise<UnleashAnswer>;

export interface CallerOptions {
  readonly url: string;
  readonly token: string;
  readonly appName: string;
  /** Ends what is under way. */
  readonly stop: AbortSignal;
  readonly timeoutMs?: number;
}

export function createCaller({
  url,
  token,
  appName,
  stop,
  timeoutMs = ANSWER_TIMEOUT_MS,
}: CallerOptions): UnleashCaller {
  const base = url.replace(/\/$/, '');
  return async ({ method, path, body, etag }) => {
    const timeout = AbortSignal.timeout(timeoutMs);
    try {
      const response = await request(`${base}${path}`, {
        method,
        headers: {
          authorization: token,
          'unleash-appname': appName,
          'user-agent': appName,
          ...(etag === undefined ? {} : { 'if-none-match': etag }),
          ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        },
        body: body === undefined ? null : JSON.stringify(body),
        signal: AbortSignal.any([stop, timeout]),
      });
      const text = await readText(response.body);
      const status = response.statusCode;
      if (status === 304 || (status >= 200 && status < 300)) {
        return { status, etag: single(response.headers.etag), text };
      }
      throw new UnleashError(`answers ${status}${reasonIn(text)}`, status);
    } catch (error) {
      if (error instanceof UnleashError) throw error;
      const message = timeout.aborted
        ? `does not answer within ${timeoutMs} ms`
        : `cannot be reached: ${textOf(error)}`;
      throw new UnleashError(message, undefined, { cause: error });
    }
  };
}

async function readText(body: AsyncIterable<Uint8Array>): Promise<string> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of body) {
    bytes += chunk.byteLength;
    if (bytes > ANSWER_BYTES_MAX) throw new UnleashError(`answers more than ${ANSWER_BYTES_MAX} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}

const problemSchema = z.object({
  message: z.string().optional(),
  details: z.array(z.object({ message: z.string().optional() })).optional(),
});

/** What Unleash's own error says, if it is one: a page of something in between would only confuse. */
function reasonIn(text: string): string {
  let problem: unknown;
  try {
    problem = JSON.parse(text);
  } catch {
    return '';
  }
  const { data } = problemSchema.safeParse(problem);
  const reason = data?.details?.[0]?.message ?? data?.message;
  return reason ? ` (${reason.slice(0, PROBLEM_CHARS_MAX)})` : '';
}

function single(value: string | string[] | undefined): string | undefined {
  return Array.isArray(value) ? value[0] : value;
}

/** A refused connection to a name with several addresses has its reasons inside. */
function textOf(error: unknown): string {
  if (error instanceof AggregateError && error.errors[0] instanceof Error) return error.errors[0].message;
  return (error as Error).message || (error as NodeJS.ErrnoException).code || 'unknown';
}

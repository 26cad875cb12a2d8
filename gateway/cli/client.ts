// The operator's API as the command line calls it: every way it can fail, as an exit code and a sentence.
import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { request } from 'undici';
import { z } from 'zod';
import { CommandError, EXIT } from './exit.ts';

export interface ApiClient {
  get(path: string): Promise<Answer>;
  /** Sends a change, which is done once though its answer may get lost and it be sent again. `ifMatch` is the entity tag the change is based on. */
  send(method: 'POST' | 'PUT' | 'DELETE', path: string, body: unknown, ifMatch?: string): Promise<Answer>;
  /** An answer that is too long to be held: its text as it comes. */
  download(path: string): Promise<Download>;
}

export interface Download {
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  /** Throws where the answer breaks off. */
  readonly text: AsyncIterable<string>;
}

export interface Answer {
  readonly body: unknown;
  readonly etag: string | undefined;
}

const EXIT_BY_STATUS: Readonly<Record<number, number>> = {
  400: EXIT.usage,
  401: EXIT.notPermitted,
  403: EXIT.notPermitted,
  404: EXIT.usage,
  409: EXIT.conflict,
  412: EXIT.conflict,
  422: EXIT.gateNotMet,
};

const ATTEMPTS = 3;
const RETRY_MS = 300;
/** The connection was there, and is not any more. */
const BROKEN = new Set(['ECONNRESET', 'EPIPE', 'UND_ERR_SOCKET']);

const problemSchema = z.looseObject({ detail: z.string().optional(), title: z.string().optional() });

export function createClient(options: { url: string; token: string; timeoutMs: number }): ApiClient {
  const { url, token, timeoutMs } = options;
  const ours = { authorization: `Bearer ${token}`, 'x-banyan-client': 'cli' };

  /** A connection that broke off says nothing of whether the request was done; its key has it done once. */
  async function sendAgain(path: string, options: Parameters<typeof request>[1]) {
    for (let attempt = 1; ; attempt++) {
      try {
        const response = await request(new URL(path, url), options);
        return { response, text: await response.body.text() };
      } catch (error) {
        if (attempt === ATTEMPTS || !BROKEN.has((error as { code?: string }).code ?? '')) throw error;
        await delay(RETRY_MS);
      }
    }
  }

  async function call(method: Method, path: string, extra: Call = {}): Promise<Answer> {
    const headers: Record<string, string> = { ...ours };
    if (method !== 'GET') headers['idempotency-key'] = randomUUID();
    if (extra.body !== undefined) headers['content-type'] = 'application/json';
    if (extra.ifMatch !== undefined) headers['if-match'] = extra.ifMatch;
    const body = extra.body === undefined ? null : JSON.stringify(extra.body);
    return reaching(async () => {
      const signal = AbortSignal.timeout(timeoutMs);
      const { response, text } = await sendAgain(path, { method, headers, body, signal });
      const answer = parse(text, url);
      if (response.statusCode >= 400) throw refusal(response.statusCode, answer);
      const { etag } = response.headers;
      return { body: answer, etag: typeof etag === 'string' ? etag : undefined };
    });
  }

  async function download(path: string): Promise<Download> {
    const { statusCode, headers, body } = await reaching(() =>
      request(new URL(path, url), { headers: ours, headersTimeout: timeoutMs, bodyTimeout: timeoutMs }),
    );
    if (statusCode >= 400) throw refusal(statusCode, parse(await reaching(() => body.text()), url));
    async function* text() {
      const chunks = body.setEncoding('utf8')[Symbol.asyncIterator]();
      for (;;) {
        const { done, value } = await reaching(() => chunks.next());
        if (done) return;
        yield String(value);
      }
    }
    return { headers, text: text() };
  }

  /** Every way in which the gateway does not answer. */
  async function reaching<T>(work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (error) {
      if (error instanceof CommandError) throw error;
      const { name, message } = error as Error;
      if (TIMEOUTS.includes(name)) {
        throw new CommandError(EXIT.timedOut, `${url} did not answer within ${timeoutMs} ms`);
      }
      const hint = 'is the gateway running? name its operator address with --url or BANYAN_URL';
      throw new CommandError(EXIT.unreachable, `cannot reach ${url}: ${message}; ${hint}`, { cause: error });
    }
  }

  return {
    get: (path) => call('GET', path),
    download,
    send: (method, path, body, ifMatch) => call(method, path, { body, ...(ifMatch === undefined ? {} : { ifMatch }) }),
  };
}

type Method = 'GET' | 'POST' | 'PUT' | 'DELETE';

/** Of a signal, and of undici's own. */
const TIMEOUTS = ['TimeoutError', 'HeadersTimeoutError', 'BodyTimeoutError'];

interface Call {
  readonly body?: unknown;
  readonly ifMatch?: string;
}

function parse(text: string, url: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new CommandError(EXIT.unreachable, `${url} is not a gateway's operator address: it answered no JSON`, {
      cause: error,
    });
  }
}

function refusal(status: number, body: unknown): CommandError {
  const problem = problemSchema.safeParse(body).data;
  const detail = problem?.detail ?? problem?.title ?? `status ${status}`;
  return new CommandError(EXIT_BY_STATUS[status] ?? EXIT.error, detail);
}

// One HTTP exchange with MEXC over a pool of kept-alive connections. Failures are results, told apart by "was it sent".
import { Pool } from 'undici';
import { z } from 'zod';
import { readText, retryAfterMs } from '../domain/http-answer.ts';
import type { Answer } from './mexc-answers.ts';
import type { Method } from './mexc-endpoints.ts';

export type HttpResult =
  | { readonly kind: 'answer'; readonly answer: Answer }
  /** No connection could be made: the exchange cannot have seen the request. */
  | { readonly kind: 'not_sent'; readonly detail: string }
  /** The request may have been seen. */
  | { readonly kind: 'broken'; readonly detail: string };

export type MexcHttp = {
  /** `apiKey` names the account of a signed request. */
  readonly request: (method: Method, path: string, query: string, apiKey?: string) => Promise<HttpResult>;
  readonly close: () => Promise<void>;
};

/** Enough for the order rate the exchange allows (12/s) many times over, few enough not to look like an attack. */
const CONNECTIONS_MAX = 32;
/** The largest answer read here is the rules of all symbols, some 3 MB; anything of this size is not one. */
const ANSWER_BYTES_MAX = 16 * 1024 * 1024;
/** Connections stay open this long without a request, unless the exchange says less. */
const KEEP_ALIVE_MS = 60_000;
/** Error codes that arise before a byte of the request leaves (undici's, then the system's). */
const NOT_SENT: ReadonlySet<string> = new Set([
  'UND_ERR_CONNECT_TIMEOUT',
  'ECONNREFUSED',
  'ENOTFOUND',
  'EAI_AGAIN',
  'EHOSTUNREACH',
  'ENETUNREACH',
]);

const coded = z.object({ code: z.string() });

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined; // An HTML page of some machine in between: the status alone must do.
  }
}

/** `timeoutMs` bounds a whole call, connecting and reading included. */
export function createMexcHttp(options: { url: string; timeoutMs: number }): MexcHttp {
  const base = new URL(options.url);
  const prefix = base.pathname.replace(/\/$/, '');
  const pool = new Pool(base.origin, {
    connections: CONNECTIONS_MAX,
    pipelining: 1,
    keepAliveTimeout: KEEP_ALIVE_MS,
    keepAliveMaxTimeout: KEEP_ALIVE_MS,
    connect: { timeout: options.timeoutMs },
    headersTimeout: options.timeoutMs,
    bodyTimeout: options.timeoutMs,
  });
  const headers = { 'content-type': 'application/json' };
  return {
    async request(method, path, query, apiKey) {
      try {
        const response = await pool.request({
          method,
          path: `${prefix}/api/v3/${path}${query === '' ? '' : `?${query}`}`,
          headers: apiKey === undefined ? headers : { ...headers, 'x-mexc-apikey': apiKey },
          signal: AbortSignal.timeout(options.timeoutMs),
        });
        return {
          kind: 'answer',
          answer: {
            status: response.statusCode,
            body: parseJson(await readText(response.body, ANSWER_BYTES_MAX)),
            retryAfterMs: retryAfterMs(response.headers['retry-after']),
          },
        };
      } catch (error) {
        // Messages of the HTTP client name hosts and limits, never the query: the signature cannot leak through here.
        const detail = error instanceof Error ? error.message : 'the request failed';
        const code = coded.safeParse(error).data?.code ?? '';
        return { kind: NOT_SENT.has(code) ? 'not_sent' : 'broken', detail };
      }
    },
    close: () => pool.destroy(),
  };
}

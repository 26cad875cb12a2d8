// One HTTP exchange with MEXC over a pool of kept-alive connections. Failures are results, told apart by "was it sent".
import { Pool } from 'undici';
import { z } from 'zod';
import type { Answer } from './mexc-answers.ts';

export type HttpResult =
  | { readonly kind: 'answer'; readonly answer: Answer }
  /** No connection could be made: the exchange cannot have seen the request. */
  | { readonly kind: 'not_sent'; readonly detail: string }
  /** The request may have been seen. */
  | { readonly kind: 'broken'; readonly detail: string };

export type MexcHttp = {
  readonly request: (method: 'GET' | 'POST' | 'DELETE', path: string, query: string) => Promise<HttpResult>;
  readonly close: () => Promise<void>;
};

/** Enough for the order rate the exchange allows (12/s) many times over, few enough not to look like an attack. */
const CONNECTIONS_MAX = 32;
/** The largest answer read here is one order or one price; anything of this size is not one. */
const ANSWER_BYTES_MAX = 1024 * 1024;
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

async function readText(body: AsyncIterable<Buffer>): Promise<string> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of body) {
    bytes += chunk.length;
    if (bytes > ANSWER_BYTES_MAX) throw new Error(`an answer of more than ${ANSWER_BYTES_MAX} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}

/** `timeoutMs` bounds a whole call, connecting and reading included. */
export function createMexcHttp(options: { url: string; apiKey: string; timeoutMs: number }): MexcHttp {
  const base = new URL(options.url);
  const prefix = base.pathname.replace(/\/$/, '');
  const pool = new Pool(base.origin, {
    connections: CONNECTIONS_MAX,
    pipelining: 1,
    connect: { timeout: options.timeoutMs },
    headersTimeout: options.timeoutMs,
    bodyTimeout: options.timeoutMs,
  });
  const headers = { 'content-type': 'application/json', 'x-mexc-apikey': options.apiKey };
  return {
    async request(method, path, query) {
      try {
        const response = await pool.request({
          method,
          path: `${prefix}/api/v3/${path}${query === '' ? '' : `?${query}`}`,
          headers,
          signal: AbortSignal.timeout(options.timeoutMs),
        });
        return {
          kind: 'answer',
          answer: { status: response.statusCode, body: parseJson(await readText(response.body)) },
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

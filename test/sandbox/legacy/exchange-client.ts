import { Pool } from 'undici';
import { sign } from '../exchange/signing.ts';

const CONNECTIONS_MAX = 16;
const TIMEOUT_MS = 5_000;

/**
 * What came of a call: an answer, a definite refusal in the exchange's words, or nobody knows (5xx, timeout, a broken
 * connection): the exchange may have done the work.
 */
export type ExchangeResult =
  | { readonly kind: 'ok'; readonly body: Record<string, unknown> }
  | { readonly kind: 'refused'; readonly code: number; readonly msg: string }
  | { readonly kind: 'unclear'; readonly detail: string };

export interface ExchangeClient {
  get(path: string, params: Readonly<Record<string, string>>): Promise<ExchangeResult>;
  signed(
    method: 'GET' | 'POST' | 'DELETE',
    path: string,
    params: Readonly<Record<string, string>>,
  ): Promise<ExchangeResult>;
  close(): Promise<void>;
}

/** A client of the exchange's REST API; all parameters travel in the query. */
export function createExchangeClient(options: { url: string; apiKey: string; secretKey: string }): ExchangeClient {
  const pool = new Pool(options.url, {
    connections: CONNECTIONS_MAX,
    headersTimeout: TIMEOUT_MS,
    bodyTimeout: TIMEOUT_MS,
  });

  const call = async (method: 'GET' | 'POST' | 'DELETE', path: string, query: string): Promise<ExchangeResult> => {
    try {
      const answer = await pool.request({
        method,
        path: `/api/v3/${path}${query ? `?${query}` : ''}`,
        headers: { 'x-mexc-apikey': options.apiKey, 'content-type': 'application/json' },
      });
      const body = (await answer.body.json()) as Record<string, unknown>; // Objects are all this API answers with here.
      if (answer.statusCode >= 500) return { kind: 'unclear', detail: `HTTP ${answer.statusCode}` };
      if (answer.statusCode < 400) return { kind: 'ok', body };
      return { kind: 'refused', code: Number(body.code), msg: String(body.msg) };
    } catch (error) {
      return { kind: 'unclear', detail: error instanceof Error ? error.message : String(error) };
    }
  };

  return {
    get: (path, params) => call('GET', path, new URLSearchParams(params).toString()),
    signed(method, path, params) {
      const query = new URLSearchParams({ ...params, timestamp: String(Date.now()) }).toString();
      return call(method, path, `${query}&signature=${sign(options.secretKey, query)}`);
    },
    close: () => pool.destroy(),
  };
}

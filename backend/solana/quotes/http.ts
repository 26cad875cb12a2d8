// JSON over HTTP with an exchange's API. Failures are results.
import { Pool } from 'undici';
import { readText } from '../../domain/http-answer.ts';

const CONNECTIONS_MAX = 16;
const ANSWER_BYTES_MAX = 1024 * 1024;

export type ApiResult =
  | { readonly kind: 'answer'; readonly status: number; readonly body: unknown }
  | { readonly kind: 'unavailable'; readonly detail: string };

export type Api = {
  readonly get: (path: string, query: Readonly<Record<string, string>>) => Promise<ApiResult>;
  readonly post: (path: string, body: unknown) => Promise<ApiResult>;
  readonly close: () => Promise<void>;
};

/** `headers` go with every request: keys. */
export function createApi(options: { url: string; timeoutMs: number; headers?: Record<string, string> }): Api {
  const base = new URL(options.url);
  const prefix = base.pathname.replace(/\/$/, '');
  const pool = new Pool(base.origin, { connections: CONNECTIONS_MAX, pipelining: 1 });
  const headers = { 'content-type': 'application/json', ...options.headers };

  async function send(method: 'GET' | 'POST', path: string, body: string | null): Promise<ApiResult> {
    const signal = AbortSignal.timeout(options.timeoutMs);
    try {
      const answer = await pool.request({ method, path: `${prefix}${path}`, headers, body, signal });
      const text = await readText(answer.body, ANSWER_BYTES_MAX);
      return { kind: 'answer', status: answer.statusCode, body: JSON.parse(text) };
    } catch (error) {
      const detail = signal.aborted
        ? 'it did not answer in time'
        : error instanceof Error
          ? error.message
          : 'it failed';
      return { kind: 'unavailable', detail };
    }
  }

  return {
    get: (path, query) => send('GET', `${path}?${new URLSearchParams(query)}`, null),
    post: (path, body) => send('POST', path, JSON.stringify(body)),
    close: () => pool.destroy(),
  };
}

// JSON over HTTP to one relay, within its rate limit. Failures are results, and say nothing of its token.
import { Pool } from 'undici';
import type { RelaySettings } from '../../../config/backend.ts';
import { readText, retryAfterMs } from '../../domain/http-answer.ts';
import { createRateWindow } from '../../exchange/rate-window.ts';
import type { Handed } from './relay.ts';

const CONNECTIONS_MAX = 16;
/** Requests under way; more than that and the relay is not keeping up. */
const UNDER_WAY_MAX = 256;
const ANSWER_BYTES_MAX = 64 * 1024;
const DETAIL_CHARS_MAX = 300;
/** A 429 without Retry-After. */
const REST_MS = 1000;

export type LineAnswer =
  /** Below 500. `body` is undefined where it is not JSON. */
  | { readonly kind: 'answer'; readonly status: number; readonly body: unknown }
  | Extract<Handed, { kind: 'unclear' | 'not_sent' }>;

export type Line = {
  readonly post: (path: string, body: unknown) => Promise<LineAnswer>;
  /** A text that came from outside, as it may be kept and shown. */
  readonly shown: (text: string) => string;
  readonly close: () => Promise<void>;
};

export type LineOptions = RelaySettings & {
  /** The header that carries the token. */
  readonly tokenHeader: string;
  readonly timeoutMs: number;
  /** Monotonic, ms. */
  readonly now: () => number;
};

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

export function createLine({ url, token, limit, tokenHeader, timeoutMs, now }: LineOptions): Line {
  const base = new URL(url);
  const prefix = base.pathname.replace(/\/$/, '');
  const pool = new Pool(base.origin, { connections: CONNECTIONS_MAX, pipelining: 1 });
  const window = createRateWindow(limit);
  const headers = {
    'content-type': 'application/json',
    ...(token === undefined ? {} : { [tokenHeader]: token }),
  };
  let underWay = 0;
  let restsUntilMs = 0;

  const shown = (text: string) =>
    (token === undefined ? text : text.replaceAll(token, '***')).slice(0, DETAIL_CHARS_MAX);
  const notSent = (detail: string): LineAnswer => ({ kind: 'not_sent', detail });

  async function request(path: string, body: unknown): Promise<LineAnswer> {
    const signal = AbortSignal.timeout(timeoutMs);
    try {
      const options = {
        method: 'POST',
        path: `${prefix}${path}`,
        headers,
        body: JSON.stringify(body),
        signal,
      } as const;
      const answer = await pool.request(options);
      const text = await readText(answer.body, ANSWER_BYTES_MAX);
      const { statusCode: status } = answer;
      if (status === 429) {
        restsUntilMs = now() + (retryAfterMs(answer.headers['retry-after']) ?? REST_MS);
        return notSent('it answered 429');
      }
      if (status >= 500) return { kind: 'unclear', detail: `it answered ${status}` };
      return { kind: 'answer', status, body: parsed(text) };
    } catch (error) {
      if (signal.aborted) return { kind: 'unclear', detail: 'it did not answer in time' };
      return { kind: 'unclear', detail: shown(error instanceof Error ? error.message : 'it failed') };
    }
  }

  return {
    async post(path, body) {
      const nowMs = now();
      if (nowMs < restsUntilMs) return notSent('it asked for a rest');
      if (underWay >= UNDER_WAY_MAX) return notSent(`${UNDER_WAY_MAX} requests to it are under way`);
      if (window.waitMs(1, 1, nowMs) > 0) return notSent('its rate limit leaves no room');
      window.use(1, nowMs);
      underWay += 1;
      try {
        return await request(path, body);
      } finally {
        underWay -= 1;
      }
    },
    shown,
    close: () => pool.destroy(),
  };
}

// MEXC's web site as a source of listings: two endpoints that are made for its own pages, so that anything may come back.
import { Pool } from 'undici';
import { AnswerTooLarge, readText } from '../domain/http-answer.ts';
import type { Listed, ListingSource, SourceFailure } from './listing-source.ts';
import { readCalendar, readSymbols } from './mexc-shapes.ts';

const CALENDAR_PATH = '/api/operation/new_coin_calendar';
const SYMBOLS_PATH = '/api/platform/spot/market-v2/web/symbolsV2';
const CONNECTIONS_MAX = 2;
/** The table of symbols is some 2 MB. */
const ANSWER_BYTES_MAX = 16 * 1024 * 1024;

export type MexcSiteOptions = {
  /** E.g. https://www.mexc.com. */
  readonly url: string;
  /** Of one question, its answer included, ms. */
  readonly timeoutMs: number;
  readonly now: () => number;
};

/** A page where data should be is a firewall's doing; its title says whose. */
function ofPage(status: number, text: string): SourceFailure {
  const title = /<title>([^<]{1,80})/i.exec(text)?.[1];
  if (title !== undefined || /^\s*</.test(text)) {
    return { kind: 'blocked', detail: `a page came back (HTTP ${status}): ${title ?? 'without a title'}` };
  }
  return { kind: 'drift', detail: `no JSON came back (HTTP ${status})` };
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

export function createMexcSite({ url, timeoutMs, now }: MexcSiteOptions): ListingSource {
  const base = new URL(url);
  const prefix = base.pathname.replace(/\/$/, '');
  const pool = new Pool(base.origin, { connections: CONNECTIONS_MAX, connect: { timeout: timeoutMs } });

  async function ask<T>(path: string, read: (body: unknown) => Listed<T> | SourceFailure) {
    try {
      const signal = AbortSignal.timeout(timeoutMs);
      const headers = { accept: 'application/json' };
      const answer = await pool.request({ method: 'GET', path: prefix + path, headers, signal });
      const { statusCode: status } = answer;
      const text = await readText(answer.body, ANSWER_BYTES_MAX);
      if (status === 429) return { kind: 'blocked', detail: 'too many questions (HTTP 429)' } as const;
      const body = jsonOf(text);
      if (body === undefined) return ofPage(status, text);
      return status >= 500 ? ({ kind: 'unreachable', detail: `it answered HTTP ${status}` } as const) : read(body);
    } catch (error) {
      const detail = error instanceof Error ? error.message : 'the question failed';
      return { kind: error instanceof AnswerTooLarge ? 'drift' : 'unreachable', detail } as const;
    }
  }

  return {
    calendar: () => ask(`${CALENDAR_PATH}?timestamp=${now()}`, readCalendar),
    symbols: () => ask(SYMBOLS_PATH, readSymbols),
    close: () => pool.destroy(),
  };
}

// One RPC endpoint: a pool of connections, JSON-RPC over it, and its rate limit. Failures are results.
import { Pool } from 'undici';
import { z } from 'zod';
import { readText, retryAfterMs } from '../../domain/http-answer.ts';
import { createRateWindow, type RateLimit } from '../../exchange/rate-window.ts';
import { parseRpcJson } from './json.ts';

/** Calls of one method with its parameters. */
export type RpcCall = { readonly method: string; readonly params: readonly unknown[] };

export type RpcAnswer =
  | { readonly kind: 'result'; readonly result: unknown }
  /** The node's own error (JSON-RPC 2.0 section 5.1). */
  | { readonly kind: 'error'; readonly code: number; readonly message: string; readonly data: unknown };

export type EndpointResult =
  | { readonly kind: 'answers'; readonly answers: readonly RpcAnswer[] }
  /** `isOurs`: our own rate limit left no room, or the caller gave up; nothing to the endpoint's discredit. */
  | {
      readonly kind: 'failed';
      readonly detail: string;
      readonly isOurs: boolean;
      readonly retryAfterMs: number | undefined;
    };

export type Endpoint = {
  /** Host and port; never the path, where providers put keys. */
  readonly name: string;
  /** One request, several calls as a batch (JSON-RPC 2.0 section 6); answers in the order of the calls. Never rejects. */
  readonly send: (calls: readonly RpcCall[], signal: AbortSignal) => Promise<EndpointResult>;
  readonly close: () => Promise<void>;
};

const CONNECTIONS_MAX = 32;
const KEEP_ALIVE_MS = 60_000;
/** Holders of many tokens have long lists: some 1 kB an account. */
const ANSWER_BYTES_MAX = 8 * 1024 * 1024;
const ERROR_TEXT_MAX = 300;

const answerSchema = z.object({
  id: z.number(),
  result: z.unknown().optional(),
  error: z.object({ code: z.number(), message: z.string(), data: z.unknown().optional() }).optional(),
});
const answersSchema = z.union([z.array(answerSchema), answerSchema.transform((one) => [one])]);

const failed = (detail: string, isOurs = false, waitMs?: number): EndpointResult => ({
  kind: 'failed',
  detail,
  isOurs,
  retryAfterMs: waitMs,
});

/** The answers by their ids, which must be those of the calls: an answer to somebody else's question is none. */
function answersOf(text: string, firstId: number, count: number): EndpointResult {
  let read: z.infer<typeof answersSchema>;
  try {
    read = answersSchema.parse(parseRpcJson(text));
  } catch {
    return failed('what it answered is not JSON-RPC');
  }
  const byId = new Map(read.map((each) => [each.id, each]));
  const answers: RpcAnswer[] = [];
  for (let id = firstId; id < firstId + count; id++) {
    const found = byId.get(id);
    if (!found) return failed('it did not answer every call');
    const { error, result } = found;
    answers.push(
      error
        ? { kind: 'error', code: error.code, message: error.message.slice(0, ERROR_TEXT_MAX), data: error.data }
        : { kind: 'result', result },
    );
  }
  return { kind: 'answers', answers };
}

/** `now` must be monotonic, ms; `rate` counts calls, each of a batch. */
export function createEndpoint(options: { url: string; rate: RateLimit; now: () => number }): Endpoint {
  const base = new URL(options.url);
  const window = createRateWindow(options.rate);
  const pool = new Pool(base.origin, {
    connections: CONNECTIONS_MAX,
    pipelining: 1,
    keepAliveTimeout: KEEP_ALIVE_MS,
    keepAliveMaxTimeout: KEEP_ALIVE_MS,
  });
  const path = `${base.pathname}${base.search}`;
  const headers = { 'content-type': 'application/json' };
  let nextId = 1;
  return {
    name: base.host,
    async send(calls, signal) {
      const nowMs = options.now();
      if (window.waitMs(calls.length, 1, nowMs) > 0)
        return failed('our limit of its request rate leaves no room', true);
      window.use(calls.length, nowMs);
      const firstId = nextId;
      nextId = nextId > 1e9 ? 1 : nextId + calls.length;
      const bodies = calls.map(({ method, params }, index) => ({
        jsonrpc: '2.0',
        id: firstId + index,
        method,
        params,
      }));
      const body = JSON.stringify(bodies.length === 1 ? bodies[0] : bodies);
      try {
        const response = await pool.request({ method: 'POST', path, headers, body, signal });
        const text = await readText(response.body, ANSWER_BYTES_MAX);
        const { statusCode } = response;
        if (statusCode === 200) return answersOf(text, firstId, calls.length);
        return failed(`it answered ${statusCode}`, false, retryAfterMs(response.headers['retry-after']));
      } catch (error) {
        if (signal.aborted && !isTimeout(signal.reason)) return failed('another endpoint was quicker', true);
        return failed(isTimeout(signal.reason) ? 'it did not answer in time' : messageOf(error));
      }
    },
    close: () => pool.destroy(),
  };
}

const isTimeout = (reason: unknown): boolean => reason instanceof DOMException && reason.name === 'TimeoutError';
/** Messages of the HTTP client name hosts and limits, never the path. */
const messageOf = (error: unknown): string => (error instanceof Error ? error.message : 'the request failed');

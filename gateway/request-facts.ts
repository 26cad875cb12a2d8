// A request as the client made it, read once.
import { randomUUID } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { requestPairs } from './http/pairs.ts';
import { connectionOf } from './proxy/edge.ts';
import type { Connection } from './proxy/forwarded.ts';
import { headerValue } from './proxy/headers.ts';
import { originForm } from './routing/target.ts';
import type { RequestTrace, Tracing } from './tracing/tracing.ts';

/** What matching and deciding look at. */
export interface RoutableRequest {
  readonly method: string;
  /** The target as the client sent it. */
  readonly target: string;
  /** Its fields as raw pairs, as HTTP/1.1 has them. */
  readonly pairs: readonly string[];
  readonly connection: Connection;
}

export interface RequestFacts extends RoutableRequest {
  readonly incoming: IncomingMessage;
  readonly outgoing: ServerResponse;
  readonly startedAt: number;
  /** The target in origin-form; undefined for one that names no path. */
  readonly path: string | undefined;
  readonly requestId: string;
  /** Undefined where nothing is traced. */
  readonly trace: RequestTrace | undefined;
}

export function factsOf(
  incoming: IncomingMessage,
  outgoing: ServerResponse,
  tracing: Tracing | undefined,
): RequestFacts {
  const target = incoming.url ?? '/';
  const pairs = requestPairs(incoming);
  const startedAt = performance.now();
  const method = incoming.method ?? 'GET';
  const path = originForm(target);
  const requestId = requestIdOf(pairs);
  const connection = connectionOf(incoming.socket);
  const version = incoming.httpVersion;
  const trace = tracing?.begin({ method, path, pairs, connection, requestId, startedAt, version });
  return { incoming, outgoing, target, pairs, startedAt, method, path, requestId, connection, trace };
}

const REQUEST_ID = /^[\w.:-]{1,128}$/;

/** The client's own request id when it is well-formed, so that its logs and ours agree. */
export function requestIdOf(pairs: readonly string[]): string {
  const given = headerValue(pairs, 'x-request-id');
  return given && REQUEST_ID.test(given) ? given : randomUUID();
}

/** Queries may hold secrets; they are not logged. */
export function withoutQuery(path: string): string {
  const query = path.indexOf('?');
  return query < 0 ? path : path.slice(0, query);
}

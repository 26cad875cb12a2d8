// The edge every route goes through: timing, counting, problems. A plain wrapper and no middleware: each asynchronous layer
// around a handler costs more than a small handler itself.
import { randomUUID } from 'node:crypto';
import type { Context, Hono } from 'hono';
import { z } from 'zod';
import type { Logger } from '../config/log.ts';
import { type Authenticate, type Caller, callerOf, isProblem } from './auth/authenticate.ts';
import { parseDecimal } from './domain/money.ts';
import { type Problem, problem, problemResponse, statusOf } from './errors.ts';
import type { Metrics } from './metrics.ts';
import { StoreUnavailable } from './store/store.ts';
import type { Tracing } from './tracing.ts';

/** The largest body any route here has a use for: an order is some 200 bytes. */
const BODY_BYTES_MAX = 16 * 1024;
const REQUEST_ID = /^[\x21-\x7e]{1,128}$/;

export type Method = 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
export type Handler = (context: Context, caller: Caller) => Response | Promise<Response>;

/** What a route is besides its handler. */
export type RouteFacts = {
  /**
   * public: nobody is asked. user (when nothing is said): somebody known, who may read or act for the `:user_id` of the path if
   * it has one. operator, admin: somebody of that role.
   */
  readonly access?: 'public' | 'user' | 'operator' | 'admin';
  readonly summary?: string;
  readonly body?: z.ZodType;
};
export type Route = (method: Method, path: string, handler: Handler, facts?: RouteFacts) => void;
export type RouteListed = RouteFacts & { readonly method: Method; readonly path: string };

/** A problem on its way to the client. */
export class ProblemError extends Error {
  override readonly name = 'ProblemError';
  readonly problem: Problem;
  constructor(given: Problem) {
    super(given.detail);
    this.problem = given;
  }
}

export const fail = (...args: Parameters<typeof problem>): never => {
  throw new ProblemError(problem(...args));
};

/** A user's id, in a path, a body or a header. */
export const userId = z
  .string({ error: 'user_id is required' })
  .regex(/^[A-Za-z0-9_.@:-]{1,128}$/, 'user_id must be 1 to 128 letters, digits or _ . @ : -');

export const symbolName = z
  .string({ error: 'symbol is required' })
  .regex(/^[A-Z0-9]{2,32}$/, 'symbol must be upper-case letters and digits');

/** JSON with the status; a value that is text already stays as it is. */
export function json(value: unknown, status = 200, headers: Record<string, string> = {}): Response {
  return new Response(JSON.stringify(value), { status, headers: { 'content-type': 'application/json', ...headers } });
}

/** Parses by `schema`, or fails with its first complaint: one sentence that names the field. */
export function parse<Schema extends z.ZodType>(schema: Schema, value: unknown): z.infer<Schema> {
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  return fail('invalid_request', parsed.error.issues[0]?.message ?? 'the request is not valid');
}

/** A body whole; fails with a problem when it is too large, whatever length it was said to have. */
export async function readBytes(body: AsyncIterable<Uint8Array> | null): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of body ?? []) {
    bytes += chunk.byteLength;
    if (bytes > BODY_BYTES_MAX) fail('body_too_large', `the body is above ${BODY_BYTES_MAX} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

/** Names by which an object could be given another prototype, were it ever copied carelessly. */
const NAMES_REFUSED: ReadonlySet<string> = new Set(['__proto__', 'constructor', 'prototype']);

/** TypeScript does not know the third argument yet: the text that a value was written as (ECMAScript 2026). */
type Reviver = (name: string, value: unknown, context?: { source?: string }) => unknown;

/** Numbers only as exact as they were written: what a JSON number cannot hold would be traded as something else. */
const checked: Reviver = (name, value, context) => {
  if (NAMES_REFUSED.has(name)) return fail('invalid_request', `the body must not have a member ${name}`);
  if (typeof value !== 'number' || context?.source === undefined || context.source === String(value)) return value;
  const exact = parseDecimal(context.source);
  if (exact === undefined || exact !== parseDecimal(value)) {
    return fail('invalid_request', `${name} is a number that JSON readers do not read exactly; send it as a string`);
  }
  return value;
};

/** The body as JSON; fails with a problem when it is too large or none, or holds what could be misread. */
export async function readJson(context: Context): Promise<unknown> {
  const length = Number(context.req.header('content-length') ?? 0);
  if (length > BODY_BYTES_MAX) fail('body_too_large', `the body is above ${BODY_BYTES_MAX} bytes`);
  // Where no length was given, reading stops at the limit rather than trust the sender.
  const isChunked = context.req.header('transfer-encoding') !== undefined;
  const text = isChunked ? new TextDecoder().decode(await readBytes(context.req.raw.body)) : await context.req.text();
  try {
    return JSON.parse(text, checked);
  } catch (error) {
    if (error instanceof ProblemError) throw error;
    return fail('invalid_request', 'the body must be a JSON object');
  }
}

function requestIdOf(context: Context): string {
  const given = context.req.header('x-request-id');
  return given !== undefined && REQUEST_ID.test(given) ? given : randomUUID();
}

/** Any failure of a handler as a problem. What the client cannot be told is logged under the id it gets. */
export function errorResponse(context: Context, error: unknown, deps: { log: Logger; metrics: Metrics }): Response {
  const found =
    error instanceof ProblemError
      ? error.problem
      : error instanceof StoreUnavailable
        ? problem('storage', 'the store could not be reached')
        : problem('internal', 'something went wrong here');
  deps.metrics.errors.inc({ code: found.code });
  const requestId = requestIdOf(context);
  if (statusOf(found.code) >= 500) {
    deps.log.error({ err: error, requestId, method: context.req.method, path: context.req.path }, 'a request failed');
  }
  return problemResponse(found, requestId);
}

type RouteDeps = {
  readonly log: Logger;
  readonly metrics: Metrics;
  /** Undefined: nobody is asked who they are. */
  readonly authenticate: Authenticate | undefined;
  /** Undefined: nothing is traced. */
  readonly tracing?: Pick<Tracing, 'served'> | undefined;
  /** Hears of each route. */
  readonly onRoute: (route: RouteListed) => void;
};

const ANYBODY = callerOf(undefined);

/** The handler behind the check of who calls. Handlers that act for a user named in the body check that themselves. */
function guarded(handler: Handler, method: Method, access: RouteFacts['access'], authenticate: Authenticate): Handler {
  return async function guard(context) {
    const identity = await authenticate(context.req.header('authorization'));
    if (isProblem(identity)) throw new ProblemError(identity);
    const caller = callerOf(identity);
    const user = context.req.param('user_id');
    if (access === 'operator' || access === 'admin') allowed(caller.has(access));
    else if (user !== undefined) allowed(method === 'GET' ? caller.mayRead(user) : caller.mayActFor(user));
    return handler(context, caller);
  };
}

/** Fails with the problem, if there is one. */
export function allowed(refusal: Problem | undefined): void {
  if (refusal) throw new ProblemError(refusal);
}

/** Registers routes on `app` that are timed by their pattern and whose failures become problems. */
export function createRoute(app: Hono, deps: RouteDeps): Route {
  const { metrics, authenticate, tracing, onRoute } = deps;
  return function route(method, path, handler, facts = {}) {
    const { access = 'user' } = facts;
    onRoute({ ...facts, access, method, path });
    const own = access === 'public' || !authenticate ? handler : guarded(handler, method, access, authenticate);
    const label = `${method} ${path}`;
    const observe = (startedAtMs: number, response: Response, context: Context) => {
      const { status } = response;
      const seconds = (performance.now() - startedAtMs) / 1000;
      metrics.requestSeconds.observe({ route: label, status }, seconds);
      metrics.requests.inc({ route: label, status });
      tracing?.served({ method, routePath: path, traceparent: context.req.header('traceparent'), startedAtMs, status });
      return response;
    };
    app.on(method, path, function timed(context) {
      const startedAtMs = performance.now();
      try {
        const answer = own(context, ANYBODY);
        if (!(answer instanceof Promise)) return observe(startedAtMs, answer, context);
        return answer.then(
          (response) => observe(startedAtMs, response, context),
          (error: unknown) => observe(startedAtMs, errorResponse(context, error, deps), context),
        );
      } catch (error) {
        return observe(startedAtMs, errorResponse(context, error, deps), context);
      }
    });
  };
}

// What the parts of the operator's API share: its dependencies, its requests' variables, and its refusals.
import type { HttpBindings } from '@hono/node-server';
import type { Context } from 'hono';
import { HTTPException } from 'hono/http-exception';
import type { ContentfulStatusCode } from 'hono/utils/http-status';
import type { z } from 'zod';
import type { Deployments } from '../deployments.ts';
import type { Flips } from '../flips.ts';
import type { Jobs } from '../jobs/jobs.ts';
import type { GatewayLedger } from '../ledger/ledger.ts';
import type { LoadRuns } from '../load-runs/load-runs.ts';
import type { GatewayMetrics } from '../metrics.ts';
import type { Sample } from '../mirror/evidence.ts';
import type { Notifier } from '../notify/notifier-port.ts';
import type { Plans } from '../plans.ts';
import type { GatewayLog } from '../request-log.ts';
import type { Actor } from '../rollout/changes.ts';
import type { Control } from '../rollout/control.ts';
import type { Flags } from '../rollout/flags.ts';
import type { OperatorRules } from '../rollout/operator-rules.ts';
import type { RouteModel } from '../routing/route.ts';
import type { RuleWatch } from '../rule-watch.ts';
import type { Serving } from '../serving.ts';
import type { CurrentSettings } from '../settings.ts';
import type { TrafficHistory } from '../traffic-history.ts';
import type { KeptWrites } from '../writes/kept-writes.ts';
import type { Caller } from './access/caller.ts';
import type { Operators } from './access/operators.ts';
import type { Session } from './access/sessions.ts';
import type { ConsoleFiles } from './console.ts';
import type { Operation } from './contract/operations.ts';
import { reason as reasonSchema } from './contract/reason.ts';
import { reasonBody } from './contract/rollout.ts';

const BODY_BYTES_MAX = 65_536;

export interface OperatorDeps {
  readonly settings: CurrentSettings;
  readonly operators: Operators;
  readonly control: Control;
  readonly rules: OperatorRules;
  readonly ruleWatch: RuleWatch;
  readonly flags: Flags;
  readonly ledger: GatewayLedger;
  /** This gateway, for the audit log. */
  readonly instance: string;
  readonly writes: Pick<KeptWrites, 'of' | 'total' | 'acknowledge' | 'problem'>;
  readonly notifier: Pick<Notifier, 'targets' | 'test' | 'problems'>;
  readonly serving: Serving;
  readonly flips: Pick<Flips, 'begin' | 'view' | 'gateways'>;
  readonly deployments: Pick<Deployments, 'view' | 'begin' | 'takeBack'>;
  readonly history: TrafficHistory;
  readonly jobs: Jobs;
  readonly loadRuns: LoadRuns;
  readonly plans: Pick<Plans, 'view' | 'act' | 'guard' | 'problem'>;
  readonly console: ConsoleFiles;
  readonly metrics: GatewayMetrics;
  readonly log: GatewayLog;
  /** Why the configuration's file is not what is in force, or undefined. */
  readonly configProblem: () => string | undefined;
  /** Why evidence is not being stored, or undefined. */
  readonly evidenceProblem: () => string | undefined;
  readonly now: () => Date;
  readonly raised: (operation: string, error: unknown) => void;
}

export type OperatorEnv = {
  Bindings: HttpBindings;
  Variables: {
    requestId: string;
    /** When the request came, by `performance.now()`. */
    calledAt: number;
    /** Undefined for whoever has shown nothing, and is only asked by what anyone may. */
    caller?: Caller;
    /** Where the caller has shown a session's cookie. */
    session?: Session & { readonly secret: string };
    /** Whether what the caller has shown still counts, for answers that take long. */
    isStillKnown?: () => boolean;
    operation?: Operation;
    /** The body, where it has been read before its handler. */
    bodyText?: string;
  };
};
export type OperatorContext = Context<OperatorEnv>;

/** What a refusal has beside its sentence. */
export interface RefusalOptions {
  readonly headers?: Readonly<Record<string, string>>;
  /** Members of the problem details. */
  readonly extra?: Readonly<Record<string, unknown>>;
}

/** A request that is refused, as problem details. `detail` says what to do. */
export class Refusal extends HTTPException {
  readonly headers: Readonly<Record<string, string>>;
  readonly extra: Readonly<Record<string, unknown>>;

  constructor(status: ContentfulStatusCode, detail: string, { headers = {}, extra = {} }: RefusalOptions = {}) {
    super(status, { message: detail });
    this.headers = headers;
    this.extra = extra;
  }
}

/** Who calls, where only somebody known may. */
export function callerOf(c: OperatorContext): Caller {
  const caller = c.get('caller');
  if (!caller) throw new Error(`${c.req.method} ${c.req.path} was let in without a caller`);
  return caller;
}

export function routeOf(deps: OperatorDeps, id: string): RouteModel {
  const route = deps.settings.current.table.byId(id);
  if (!route) throw new Refusal(404, `no route is called ${id}; GET /api/routes lists them`);
  return route;
}

export function sampleOf({ serving }: OperatorDeps, route: string, n: string): Sample {
  const sample = serving.evidence.samples(route).find((each) => each.n === Number(n));
  if (!sample) throw new Refusal(404, `${route} has no sample ${n}; only the latest are kept`);
  return sample;
}

/** Reads a JSON body. Only application/json is taken, which a page of another origin cannot send unasked. */
export async function readBody<Schema extends z.ZodType>(
  c: OperatorContext,
  schema: Schema,
): Promise<z.output<Schema>> {
  if (!/^application\/json\b/i.test(c.req.header('content-type') ?? '')) {
    throw new Refusal(415, 'send a JSON body with content-type: application/json');
  }
  const parsed = schema.safeParse(parseBody(await readText(c)));
  if (parsed.success) return parsed.data;
  throw new Refusal(400, sentence(parsed.error, 'body'));
}

/** What a query says, by its schema. */
export function readQuery<Schema extends z.ZodType>(c: OperatorContext, schema: Schema): z.output<Schema> {
  const parsed = schema.safeParse(c.req.query());
  if (parsed.success) return parsed.data;
  throw new Refusal(400, sentence(parsed.error, 'query'));
}

function sentence({ issues }: z.ZodError, whole: string): string {
  return issues.map(({ path, message }) => `${path.join('.') || whole}: ${message}`).join('; ');
}

/**
 * The body as text, at most BODY_BYTES_MAX. hono's bodyLimit rebuilds a chunked request, which the adapter's own Request
 * class does not survive.
 */
export async function readText(c: OperatorContext): Promise<string> {
  const known = c.get('bodyText');
  if (known !== undefined) return known;
  const decoder = new TextDecoder();
  let text = '';
  let bytes = 0;
  for await (const chunk of c.req.raw.body ?? []) {
    bytes += chunk.byteLength;
    if (bytes > BODY_BYTES_MAX) throw new Refusal(413, `the body is above ${BODY_BYTES_MAX} bytes`);
    text += decoder.decode(chunk, { stream: true });
  }
  text += decoder.decode();
  c.set('bodyText', text);
  return text;
}

function parseBody(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw new Refusal(400, 'the body is not JSON');
  }
}

/** Who asks, for the audit log. */
export function actorOf(c: OperatorContext, reason: string): Actor {
  const source = c.get('session') ? 'console' : c.req.header('x-banyan-client') === 'cli' ? 'cli' : 'api';
  return { name: callerOf(c).name, source, reason, requestId: c.get('requestId') };
}

/** A revision as an entity tag (RFC 9110 section 8.8.3). */
export function entityTag(revision: number): string {
  return `"${revision}"`;
}

/** The revision that `If-Match` names: undefined for `*`. A write without one could undo what its caller never saw. */
export function expectedRevision(c: OperatorContext): number | undefined {
  const value = c.req.header('if-match')?.trim();
  if (!value) throw new Refusal(428, 'send If-Match with the ETag that GET answered, or * to overwrite what is there');
  if (value === '*') return undefined;
  const revision = /^"(\d+)"$/.exec(value)?.[1];
  if (revision === undefined)
    throw new Refusal(400, `If-Match: expected the ETag that GET answered, such as "3", or *`);
  return Number(revision);
}

/** The reason of a change that has no other content: in the body, or as a query parameter where a DELETE cannot have one. */
export async function readReason(c: OperatorContext): Promise<string> {
  const given = c.req.query('reason');
  if (given === undefined) return (await readBody(c, reasonBody)).reason;
  const parsed = reasonSchema.safeParse(given);
  if (parsed.success) return parsed.data;
  throw new Refusal(400, `reason: ${parsed.error.issues[0]?.message ?? 'not valid'}`);
}

// What the parts of the operator's API share: its dependencies, its requests' variables, and its refusals.
import type { Context, MiddlewareHandler } from 'hono';
import { HTTPException } from 'hono/http-exception';
import type { ContentfulStatusCode } from 'hono/utils/http-status';
import { z } from 'zod';
import type { OperatorRole } from '../../config/gateway-schema.ts';
import type { Flips } from '../flips.ts';
import type { GatewayLedger } from '../ledger/ledger.ts';
import type { GatewayMetrics } from '../metrics.ts';
import type { Sample } from '../mirror/evidence.ts';
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
import { type Caller, mayAct } from './auth.ts';

const BODY_BYTES_MAX = 65_536;

export interface OperatorDeps {
  readonly settings: CurrentSettings;
  readonly tokens: ReadonlyMap<string, string>;
  readonly control: Control;
  readonly rules: OperatorRules;
  readonly ruleWatch: RuleWatch;
  readonly flags: Flags;
  readonly ledger: GatewayLedger;
  readonly serving: Serving;
  readonly flips: Pick<Flips, 'begin' | 'view' | 'gateways'>;
  readonly plans: Pick<Plans, 'view' | 'act' | 'guard' | 'problem'>;
  readonly metrics: GatewayMetrics;
  readonly log: GatewayLog;
  /** Why the configuration's file is not what is in force, or undefined. */
  readonly configProblem: () => string | undefined;
  /** Why evidence is not being stored, or undefined. */
  readonly evidenceProblem: () => string | undefined;
  readonly now: () => Date;
  readonly raised: (operation: string, error: unknown) => void;
}

export type OperatorEnv = { Variables: { caller: Caller; requestId: string; calledAt: number } };
export type OperatorContext = Context<OperatorEnv>;

/** A request that is refused, as problem details. `detail` says what to do. */
export class Refusal extends HTTPException {
  constructor(status: ContentfulStatusCode, detail: string) {
    super(status, { message: detail });
  }
}

/** Refuses callers whose role is too low. */
export function requireRole(role: OperatorRole): MiddlewareHandler<OperatorEnv> {
  return async function requireRole(c, next) {
    const caller = c.get('caller');
    if (!mayAct(caller, role)) {
      throw new Refusal(403, `${caller.name} is ${caller.role}; this needs the role ${role}`);
    }
    await next();
  };
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
  const problems = parsed.error.issues.map(({ path, message }) => `${path.join('.') || 'body'}: ${message}`);
  throw new Refusal(400, problems.join('; '));
}

/** hono's bodyLimit rebuilds a chunked request, which the adapter's own Request class does not survive. */
async function readText(c: OperatorContext): Promise<string> {
  const decoder = new TextDecoder();
  let text = '';
  let bytes = 0;
  for await (const chunk of c.req.raw.body ?? []) {
    bytes += chunk.byteLength;
    if (bytes > BODY_BYTES_MAX) throw new Refusal(413, `the body is above ${BODY_BYTES_MAX} bytes`);
    text += decoder.decode(chunk, { stream: true });
  }
  return text + decoder.decode();
}

function parseBody(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw new Refusal(400, 'the body is not JSON');
  }
}

export const reasonSchema = z.string().trim().min(1, 'say why: the audit log keeps it').max(1_000);

/** Who asks, for the audit log. */
export function actorOf(c: OperatorContext, reason: string): Actor {
  const source = c.req.header('x-banyan-client') === 'cli' ? 'cli' : 'api';
  return { name: c.get('caller').name, source, reason, requestId: c.get('requestId') };
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

const reasonBody = z.strictObject({ reason: reasonSchema });

/** The reason of a change that has no other content: in the body, or as a query parameter where a DELETE cannot have one. */
export async function readReason(c: OperatorContext): Promise<string> {
  const given = c.req.query('reason');
  if (given === undefined) return (await readBody(c, reasonBody)).reason;
  const parsed = reasonSchema.safeParse(given);
  if (parsed.success) return parsed.data;
  throw new Refusal(400, `reason: ${parsed.error.issues[0]?.message ?? 'not valid'}`);
}

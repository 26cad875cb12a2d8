// The operator's API: what it consists of, who may call it, and how it refuses.
import { randomUUID } from 'node:crypto';
import { Hono } from 'hono';
import { HTTPException } from 'hono/http-exception';
import { secureHeaders } from 'hono/secure-headers';
import { z } from 'zod';
import { ALL_ROUTES } from '../ledger/ledger.ts';
import { PROBLEM_TYPE, problemBody } from '../problem.ts';
import { ControlError } from '../rollout/changes.ts';
import type { RuleState } from '../rollout/rule-state.ts';
import { STAGES } from '../rollout/stage.ts';
import { UNROUTED } from '../routing/route.ts';
import { SIDES, type Side } from '../routing/side.ts';
import { acknowledge } from './acknowledge.ts';
import { compileTokens } from './auth.ts';
import {
  actorOf,
  entityTag,
  expectedRevision,
  type OperatorContext,
  type OperatorDeps,
  type OperatorEnv,
  Refusal,
  readReason,
  requireRole,
} from './context.ts';
import { planApi } from './plan.ts';
import { rollbackProgress, routesApi } from './routes.ts';
import { rulesApi, standingRules } from './rules.ts';

const AUDIT_LIMIT_MAX = 500;

const CONTROL_STATUS = {
  unknown_route: 404,
  unknown_rule: 404,
  invalid: 400,
  stale: 412,
  nothing_to_lift: 409,
  conflict: 409,
  gate_not_met: 422,
  not_stored: 500,
  fenced: 409,
  flag_source: 502,
} as const satisfies Record<ControlError['kind'], number>;

const auditQuery = z.object({
  limit: z.coerce.number().int().min(1).max(AUDIT_LIMIT_MAX).default(50),
  before: z.coerce.number().int().min(1).optional(),
  route: z.string().optional(),
});

export function createOperatorApp(deps: OperatorDeps, isDraining: () => boolean): Hono<OperatorEnv> {
  const app = new Hono<OperatorEnv>();
  app.use(secureHeaders());
  app.use(async function requestId(c, next) {
    c.set('requestId', randomUUID());
    c.set('calledAt', performance.now());
    await next();
    c.header('x-request-id', c.get('requestId'));
  });
  app.onError((error, c) => refuse(deps, error, c));
  app.notFound((c) => problem(c, 404, `there is no ${c.req.method} ${c.req.path}`));
  app.route('/', healthApi(deps, isDraining));

  const authenticate = compileTokens(deps.settings.current.config.operator.tokens, deps.tokens);
  app.use('/api/*', async function authentication(c, next) {
    const caller = authenticate(c.req.header('authorization'));
    if (!caller) {
      c.header('www-authenticate', 'Bearer realm="banyan"');
      throw new Refusal(401, 'send Authorization: Bearer TOKEN with one of the configured tokens');
    }
    c.set('caller', caller);
    await next();
  });
  app.route('/api/routes', routesApi(deps));
  app.route('/api/routes', planApi(deps));
  app.route('/api/rules', rulesApi(deps));
  app.route('/api/rollback', rollbackApi(deps));
  app.get('/api/audit', async (c) => {
    const query = auditQuery.safeParse(c.req.query());
    if (!query.success) throw new Refusal(400, `limit is from 1 to ${AUDIT_LIMIT_MAX}; before is the id of an entry`);
    const { limit, before, route } = query.data;
    const entries = await deps.ledger.audit({
      limit,
      ...(before ? { before } : {}),
      ...(route ? { scope: route } : {}),
    });
    return c.json({ entries });
  });
  app.get('/api/instances', (c) => c.json({ instances: deps.serving.instances(), gateways: deps.flips.gateways() }));
  app.get('/api/status', (c) => c.json(status(deps, isDraining())));
  return app;
}

/** Every route back to legacy, at once. */
function rollbackApi(deps: OperatorDeps): Hono<OperatorEnv> {
  const { control } = deps;
  const answer = (c: OperatorContext, extra: object = {}) => {
    const revision = control.revision(ALL_ROUTES);
    c.header('etag', entityTag(revision));
    return c.json({ override: control.allOverride() ?? null, revision, ...extra });
  };
  return new Hono<OperatorEnv>()
    .get('/', (c) => answer(c))
    .post('/', requireRole('operator'), async (c) => {
      const reason = await readReason(c);
      const actor = actorOf(c, reason);
      const { durable } = await control.rollback(ALL_ROUTES, actor);
      const flip = { action: 'rollback', oldSide: 'new', calledAt: c.get('calledAt') } as const;
      const acknowledged = await acknowledge(deps, ALL_ROUTES, actor, flip);
      const counts = deps.settings.current.table.routes.map(({ id }) => deps.serving.streams.counts(id));
      return answer(c, { durable, ...acknowledged, ...rollbackProgress(counts) });
    })
    .delete('/', requireRole('operator'), async (c) => {
      const reason = await readReason(c);
      const actor = actorOf(c, reason);
      await control.lift(ALL_ROUTES, actor, expectedRevision(c));
      const flip = { action: 'lift', oldSide: undefined, calledAt: c.get('calledAt') } as const;
      return answer(c, await acknowledge(deps, ALL_ROUTES, actor, flip));
    });
}

/** For orchestrators and scrapers, without a token: they say nothing that an operator must keep to himself. */
function healthApi(deps: OperatorDeps, isDraining: () => boolean): Hono<OperatorEnv> {
  return new Hono<OperatorEnv>()
    .get('/livez', (c) => c.json({ status: 'live' }))
    .get('/readyz', (c) => {
      const reasons = unreadyReasons(deps, isDraining());
      const ready = reasons.length === 0;
      return c.json({ ready, reasons, warnings: warningsOf(deps) }, ready ? 200 : 503);
    })
    .get('/metrics', async (c) => {
      deps.ruleWatch.check();
      deps.metrics.flagsStale.set(deps.flags.staleMs() / 1_000);
      measureLedger(deps);
      return c.body(await deps.serving.scrape(), 200, { 'content-type': deps.metrics.registry.contentType });
    });
}

function measureLedger({ ledger, metrics }: OperatorDeps): void {
  const standing = ledger.standing();
  if (!standing) return;
  metrics.ledgerAway.set(standing.away ? 1 : 0);
  metrics.ledgerWaiting.set(standing.waiting);
  metrics.ledgerJournal.reset();
  for (const result of ['journalled', 'merged', 'dropped', 'refused'] as const) {
    metrics.ledgerJournal.inc({ result }, standing.counts[result]);
  }
}

/** Why and since when the ledger is away, and what that means. */
function ledgerWarning({ ledger }: OperatorDeps): string | undefined {
  const { away, waiting, waitingMax } = ledger.standing() ?? {};
  if (!away) return undefined;
  const changes = `${waiting} changes wait for it in the journal, which has room for ${waitingMax}`;
  return `the ledger cannot be reached since ${away.since} (${away.cause}); ${changes}; promotions and plans wait too`;
}

function unreadyReasons({ serving }: OperatorDeps, draining: boolean): string[] {
  const isServed = serving.instances().some(({ state }) => state === 'serving');
  return [...(draining ? ['shutting down'] : []), ...(isServed ? [] : ['no process serves'])];
}

function warningsOf(deps: OperatorDeps): string[] {
  const { flags, control, rules, settings, serving, plans, configProblem, evidenceProblem } = deps;
  const { upstreams } = settings.current;
  const down = SIDES.filter((side) => upstreams.health[side].healthy === false);
  const unhealthy = down.map((side) => `${side} is down: ${upstreams.health[side].problem}`);
  const unreadable = rules.unreadable().length;
  const lostRules =
    unreadable > 0
      ? `${unreadable} rules made by operators cannot be read by this release, and have no effect`
      : undefined;
  const own = [
    ledgerWarning(deps),
    ...[configProblem(), flags.problem(), control.problem(), evidenceProblem(), serving.problem()],
    ...[plans.problem(), lostRules],
  ];
  const problems = [...own, ...unhealthy];
  return problems.filter((text) => text !== undefined);
}

function status(deps: OperatorDeps, draining: boolean) {
  const { control, serving } = deps;
  const { traffic, mirror } = serving;
  const { config, table } = deps.settings.current;
  const stages = Object.fromEntries(STAGES.map((stage) => [stage, 0]));
  for (const { id } of table.routes) {
    const { stage } = control.route(id);
    stages[stage] = (stages[stage] ?? 0) + 1;
  }
  return {
    environment: config.environment,
    ready: unreadyReasons(deps, draining).length === 0,
    warnings: warningsOf(deps),
    override: control.allOverride() ?? null,
    routes: table.routes.length,
    stages,
    rules: countRules(deps),
    unrouted: { requests: traffic.requests(UNROUTED) },
    config: { problem: deps.configProblem() ?? null },
    flags: {
      provider: config.flags.provider,
      problem: deps.flags.problem() ?? null,
      staleSeconds: Math.round(deps.flags.staleMs() / 1_000),
    },
    ledger: { problem: control.problem() ?? null, ...ledgerStatus(deps) },
    evidence: { problem: deps.evidenceProblem() ?? null },
    flips: deps.flips.view(),
    gateways: deps.flips.gateways(),
    workers: { wanted: serving.wanted, serving: serving.instances().filter(({ state }) => state === 'serving').length },
    mirror: {
      waiting: mirror.waiting,
      waitingBytes: mirror.waitingBytes,
      allowedShare: mirror.allowedShare,
    },
    upstreams: Object.fromEntries(SIDES.map((side) => [side, sideStatus(deps, side)])),
  };
}

/** Of a ledger that may be away. */
function ledgerStatus({ ledger }: OperatorDeps) {
  const standing = ledger.standing();
  return standing && { ...standing, away: standing.away ?? null };
}

/** How many rules for comparing there are of each state. */
function countRules(deps: OperatorDeps): Record<RuleState, number> {
  const counts = { active: 0, expires_soon: 0, expired: 0, unknown_route: 0, unreadable: 0 };
  for (const { state } of standingRules(deps)) counts[state]++;
  return counts;
}

function sideStatus({ settings, serving }: OperatorDeps, side: Side) {
  const { config, upstreams } = settings.current;
  const { healthy, problem } = upstreams.health[side];
  const { url } = config.upstreams[side];
  // Null where no health check is configured: nobody knows.
  return { url, healthy: healthy ?? null, problem: problem ?? null, inFlight: serving.inFlight(side) };
}

function problem(c: OperatorContext, statusCode: number, detail: string): Response {
  const title = TITLES[statusCode] ?? 'Error';
  const headers = new Headers({ 'content-type': PROBLEM_TYPE });
  const challenge = c.res.headers.get('www-authenticate');
  if (challenge) headers.set('www-authenticate', challenge);
  return new Response(problemBody({ status: statusCode, title, detail, requestId: c.get('requestId') }), {
    status: statusCode,
    headers,
  });
}

const TITLES: Readonly<Record<number, string>> = {
  400: 'Bad Request',
  401: 'Unauthorized',
  403: 'Forbidden',
  404: 'Not Found',
  409: 'Conflict',
  412: 'Precondition Failed',
  413: 'Content Too Large',
  415: 'Unsupported Media Type',
  422: 'Unprocessable Content',
  428: 'Precondition Required',
  429: 'Too Many Requests',
  500: 'Internal Server Error',
  502: 'Bad Gateway',
};

function refuse(deps: OperatorDeps, error: unknown, c: OperatorContext): Response {
  if (error instanceof HTTPException) return problem(c, error.status, error.message);
  if (error instanceof ControlError) return problem(c, CONTROL_STATUS[error.kind], error.message);
  deps.raised('operator', error);
  return problem(c, 500, "something failed; the gateway's log has it under this request id");
}

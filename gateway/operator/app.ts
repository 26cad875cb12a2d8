// The operator's API: what it consists of, who may call it, and how it refuses.
import { randomUUID } from 'node:crypto';
import { Hono } from 'hono';
import { secureHeaders } from 'hono/secure-headers';
import { ALL_ROUTES, JOURNAL_COUNTS } from '../ledger/ledger.ts';
import { createAccess } from './access/access.ts';
import { authorise, checkOperations } from './access/authorise.ts';
import { acknowledge } from './acknowledge.ts';
import { auditApi } from './audit.ts';
import { consolePages } from './console.ts';
import {
  actorOf,
  entityTag,
  expectedRevision,
  type OperatorContext,
  type OperatorDeps,
  type OperatorEnv,
  readReason,
} from './context.ts';
import { deploymentApi } from './deployment.ts';
import { docsApi } from './docs.ts';
import { eventsApi } from './events/api.ts';
import type { Feed } from './events/feed.ts';
import { createIdempotency } from './idempotency.ts';
import { jobsApi } from './jobs.ts';
import { loadRunsApi } from './load-runs.ts';
import { notificationsApi } from './notifications.ts';
import { planApi } from './plan.ts';
import { problem, refuse } from './problems.ts';
import { rollbackProgress, routesApi } from './routes.ts';
import { rulesApi } from './rules.ts';
import { sessionApi } from './session.ts';
import { statusOf, unreadyReasons, warningsOf } from './status.ts';
import { writesApi } from './writes.ts';

/** Nothing but our own files: no inline script, no other origin, no frame around us (CSP level 3). */
const HEADERS = secureHeaders({
  contentSecurityPolicy: {
    defaultSrc: ["'none'"],
    scriptSrc: ["'self'"],
    styleSrc: ["'self'"],
    connectSrc: ["'self'"],
    imgSrc: ["'self'", 'data:'],
    fontSrc: ["'self'"],
    frameAncestors: ["'none'"],
    baseUri: ["'none'"],
    formAction: ["'self'"],
  },
  crossOriginEmbedderPolicy: 'require-corp',
  referrerPolicy: 'no-referrer',
  // It would hold for every port of the host, the traffic's among them, which may be http: a proxy in front may know better.
  strictTransportSecurity: false,
  xFrameOptions: 'DENY',
  // What is not ours has a narrower policy of its own: load-runs.ts.
  overwrite: false,
});

export function createOperatorApp(deps: OperatorDeps, feed: Feed, isDraining: () => boolean): Hono<OperatorEnv> {
  const app = new Hono<OperatorEnv>();
  const access = createAccess(deps);
  app.use(HEADERS);
  app.use(async function requestId(c, next) {
    c.set('requestId', randomUUID());
    c.set('calledAt', performance.now());
    await next();
    c.header('x-request-id', c.get('requestId'));
  });
  app.onError((error, c) => refuse(deps, error, c));
  app.notFound((c) => problem(c, { status: 404, detail: `there is no ${c.req.method} ${c.req.path}` }));
  app.use(access.knownHost);
  app.use('/api/*', async function noStore(c, next) {
    await next();
    c.header('cache-control', 'no-store');
  });
  app.use('/api/*', access.authenticate);
  app.use('/api/*', authorise);
  app.use(
    '/api/*',
    createIdempotency(() => deps.now().getTime()),
  );
  app.route('/', healthApi(deps, isDraining));
  app.route('/', docsApi());
  app.route('/api/events', eventsApi(feed));
  app.route('/api/session', sessionApi(deps, access));
  app.route('/api/routes', routesApi(deps));
  app.route('/api/routes', planApi(deps));
  app.route('/api/routes', writesApi(deps));
  app.route('/api/rules', rulesApi(deps));
  app.route('/api/rollback', rollbackApi(deps));
  app.route('/api/deployment', deploymentApi(deps));
  app.route('/api/audit', auditApi(deps));
  app.route('/api/jobs', jobsApi(deps));
  app.route('/api/load-runs', loadRunsApi(deps));
  app.route('/api/notifications', notificationsApi(deps));
  app.get('/api/instances', (c) => c.json({ instances: deps.serving.instances(), gateways: deps.flips.gateways() }));
  app.get('/api/status', (c) => c.json(statusOf(deps, isDraining())));
  checkOperations(app);
  app.route('/', consolePages(deps.console));
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
    .post('/', async (c) => {
      const reason = await readReason(c);
      const actor = actorOf(c, reason);
      const { durable } = await control.rollback(ALL_ROUTES, actor);
      const flip = { action: 'rollback', oldSide: 'new', calledAt: c.get('calledAt') } as const;
      const acknowledged = await acknowledge(deps, ALL_ROUTES, actor, flip);
      const ids = deps.settings.current.table.routes.map(({ id }) => id);
      const counts = ids.map((id) => deps.serving.streams.counts(id));
      const writesLegacyLacks = deps.writes.total(ids);
      return answer(c, { durable, ...acknowledged, ...rollbackProgress(counts), writesLegacyLacks });
    })
    .delete('/', async (c) => {
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
  for (const result of JOURNAL_COUNTS) metrics.ledgerJournal.inc({ result }, standing.counts[result]);
}

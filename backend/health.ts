// Is it alive, and can it do its work?
import type { Bus } from './bus/bus.ts';
import type { Clock } from './domain/ids.ts';
import { isoTime } from './domain/time.ts';
import type { Exchange } from './exchange/exchange.ts';
import { json, type Route } from './http.ts';
import type { Metrics } from './metrics.ts';
import type { Solana } from './solana/solana.ts';
import type { Store } from './store/store.ts';

/** A dependency that has not answered by then counts as unreachable; probes give up soon after. */
const CHECK_TIMEOUT_MS = 2000;

/** Probes and scrapers carry no tokens; what they are shown names nobody. */
const PUBLIC = { access: 'public' } as const;

type Checks = { readonly store: Store; readonly exchange: Exchange; readonly bus: Bus };

async function check(ping: () => Promise<string | undefined>): Promise<string | undefined> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<string>((resolve) => {
    timer = setTimeout(resolve, CHECK_TIMEOUT_MS, `no answer within ${CHECK_TIMEOUT_MS} ms`);
  });
  try {
    return await Promise.race([ping(), late]);
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  } finally {
    clearTimeout(timer);
  }
}

/** Readiness needs the store and the exchange. The bus only carries news, so its absence is told and does not count. */
async function readiness({ store, exchange, bus }: Checks) {
  const [storeReason, exchangeReason, busReason] = await Promise.all([
    check(store.ping),
    check(exchange.ping),
    check(bus.ping),
  ]);
  const state = (reason: string | undefined, required: boolean) =>
    reason === undefined ? { ok: true, required } : { ok: false, required, reason };
  return {
    ready: storeReason === undefined && exchangeReason === undefined,
    checks: { store: state(storeReason, true), exchange: state(exchangeReason, true), bus: state(busReason, false) },
  };
}

export function healthRoutes(
  route: Route,
  deps: Checks & {
    metrics: Metrics;
    now: Clock;
    isStopping: () => boolean;
    solana: Pick<Solana, 'endpoints'> | undefined;
  },
): void {
  const { metrics, now, isStopping, solana } = deps;
  route(
    'GET',
    '/health',
    () => new Response('OK', { headers: { 'content-type': 'text/plain; charset=utf-8' } }),
    PUBLIC,
  );
  route(
    'GET',
    '/api/admin/health',
    () =>
      json({ status: 'healthy', timestamp: isoTime(now()), ...(solana && { solana: { rpc: solana.endpoints() } }) }),
    PUBLIC,
  );
  route(
    'GET',
    '/api/admin/ready',
    async function ready() {
      if (isStopping()) return json({ status: 'stopping', checks: {} }, 503);
      const { ready: isReady, checks } = await readiness(deps);
      return json({ status: isReady ? 'ready' : 'not_ready', checks }, isReady ? 200 : 503);
    },
    PUBLIC,
  );
  route(
    'GET',
    '/api/admin/metrics',
    async function scrape() {
      const text = await metrics.registry.metrics();
      return new Response(text, { headers: { 'content-type': metrics.registry.contentType } });
    },
    PUBLIC,
  );
}

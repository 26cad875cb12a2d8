// Solana's part of the backend, put together. Loaded only where an RPC endpoint is configured.
import { RELAY_NAMES, type SolanaSettings } from '../../config/backend.ts';
import type { Route } from '../http.ts';
import type { Metrics } from '../metrics.ts';
import { accountRoutes } from './accounts/routes.ts';
import { createRedisCache, NO_SHARED_CACHE } from './cache.ts';
import { createFollower, type Follower } from './execution/follower.ts';
import { createHand, type Hand } from './execution/hand.ts';
import type { LookDeps } from './execution/looking.ts';
import { createPermission, type PermissionDeps } from './execution/permission.ts';
import { submissionRoutes } from './execution/routes.ts';
import { createSubmissions } from './execution/submissions.ts';
import { feeRoutes } from './fees/routes.ts';
import { createLookupTables, type LookupTables } from './migration-detector/lookup-tables.ts';
import { createDex, type Dex } from './quotes/dex.ts';
import { createApi } from './quotes/http.ts';
import { quoteRoutes } from './quotes/routes.ts';
import { createBloxroute } from './relays/bloxroute.ts';
import { createJito } from './relays/jito.ts';
import { createNextblock } from './relays/nextblock.ts';
import type { Relay } from './relays/relay.ts';
import type { EndpointView } from './rpc/attempts.ts';
import { createRpcClient, type RpcClient } from './rpc/client.ts';
import { createEndpoint } from './rpc/endpoint.ts';
import { ask, askOne } from './rpc/methods.ts';
import { safetyRoutes } from './safety/routes.ts';
import { simulateRoutes } from './simulate/routes.ts';

export type Solana = {
  readonly rpc: RpcClient;
  /** For whoever reads transactions off the chain. */
  readonly lookupTables: LookupTables;
  /** Registers the routes. Nothing here has an effect on the chain, so dry runs have them as they are. */
  readonly routes: (route: Route) => void;
  /** Hands transactions over to the relays, and to an RPC endpoint when none lands them; undefined: no relay is configured. */
  readonly hand: Hand | undefined;
  /** Submitting by `hand`, or by another one that has no effect. */
  readonly submitting: (hand: Hand, deps: SubmittingDeps) => Submitting;
  readonly endpoints: () => readonly EndpointView[];
  readonly close: () => Promise<void>;
};

export type SubmittingDeps = Omit<LookDeps, 'rpc' | 'hand' | 'denied'> & PermissionDeps;
export type Submitting = {
  readonly routes: (route: Route) => void;
  readonly follower: Follower;
};

export type SolanaDeps = {
  readonly settings: SolanaSettings;
  readonly redisUrl: string | undefined;
  readonly metrics: Metrics;
  readonly now: () => number;
  readonly raised: (operation: string, error: unknown) => void;
};

function createDexOf({ settings, metrics }: SolanaDeps): Dex | undefined {
  const { jupiterUrl, jupiterKey, raydiumUrl, timeoutMs } = settings;
  if (jupiterUrl === undefined) return undefined;
  const headers = jupiterKey === undefined ? {} : { 'x-api-key': jupiterKey };
  return createDex({
    jupiter: createApi({ url: jupiterUrl, timeoutMs, headers }),
    raydium: raydiumUrl === undefined ? undefined : createApi({ url: raydiumUrl, timeoutMs }),
    onFallback: () => metrics.solanaFallbacks.inc(),
  });
}

const CREATE_RELAY = { jito: createJito, bloxroute: createBloxroute, nextblock: createNextblock } as const;

function createRelays({ relays, timeoutMs }: SolanaSettings, now: () => number): readonly Relay[] {
  return RELAY_NAMES.flatMap((name) => {
    const given = relays[name];
    return given ? [CREATE_RELAY[name]({ ...given, timeoutMs, now })] : [];
  });
}

function createSubmitting(rpc: RpcClient, hand: Hand, given: SubmittingDeps): Submitting {
  const deps = { ...given, rpc, hand, denied: createPermission(given) };
  const submissions = createSubmissions({ ...deps, onSubmission: (each) => follower.wake(each) });
  const follower = createFollower(deps, submissions);
  return { follower, routes: (route) => submissionRoutes(route, submissions) };
}

export function createSolana(deps: SolanaDeps): Solana {
  const { settings, metrics, now, redisUrl, raised } = deps;
  const monotonic = () => performance.now();
  const rpc = createRpcClient({
    endpoints: settings.rpcUrls.map((url) => createEndpoint({ url, rate: settings.rpcLimit, now: monotonic })),
    timeoutMs: settings.timeoutMs,
    allowsBatches: settings.rpcBatches,
    now: monotonic,
    hooks: {
      onCall: (endpoint, result, seconds) => metrics.solanaRpcSeconds.observe({ endpoint, result }, seconds),
      onHedge: () => metrics.solanaHedges.inc(),
    },
  });
  metrics.watchSolana(rpc.endpoints);
  const dex = createDexOf(deps);
  const shared = redisUrl === undefined ? NO_SHARED_CACHE : createRedisCache(redisUrl, raised);
  const relays = createRelays(settings, monotonic);
  return {
    rpc,
    lookupTables: createLookupTables({
      accountData: async (account) => (await askOne(rpc, ask.account(account)))?.data,
      now,
    }),
    hand: relays.length > 0 ? createHand(relays, rpc, metrics, monotonic) : undefined,
    submitting: (hand, given) => createSubmitting(rpc, hand, given),
    routes(route) {
      simulateRoutes(route, rpc);
      safetyRoutes(route, { rpc, dex, probeWallet: settings.probeWallet, shared, now });
      accountRoutes(route, rpc, now);
      feeRoutes(route, rpc, now);
      if (dex) quoteRoutes(route, { dex, shared, now });
    },
    endpoints: rpc.endpoints,
    async close() {
      shared.close();
      await Promise.all([rpc.close(), dex?.close(), ...relays.map((relay) => relay.close())]);
    },
  };
}

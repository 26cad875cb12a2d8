// What mirrored writes need beside the route's own setting: a key, and a side that knows them for what they are.
import { z } from 'zod';
import type { GatewayConfig, RouteConfig } from './gateway-schema.ts';

const dryRunSettings = z.looseObject({
  shadowKeysEnv: z.unknown().optional(),
  upstreams: z.record(z.string(), z.looseObject({ verifiesShadow: z.unknown().optional() })).catch({}),
});

/**
 * Routes whose writes are to be copied, though nothing could sign the copies or no side would know them for what they are.
 * `data` is the whole configuration, right or wrong; `routes` those that are right in themselves, by their index.
 */
export function checkDryRuns(
  data: unknown,
  routes: readonly (RouteConfig | undefined)[],
): { readonly path: readonly (string | number)[]; readonly message: string }[] {
  const { shadowKeysEnv, upstreams } = dryRunSettings.safeParse(data).data ?? { upstreams: {} };
  const isVerified = Object.values(upstreams).some((upstream) => upstream.verifiesShadow === true);
  return routes.flatMap((route, index) => {
    if (route?.mirror.writes !== 'dry-run') return [];
    const path = ['routes', index, 'mirror', 'writes'];
    return [
      ...(shadowKeysEnv === undefined ? [{ path, message: 'needs a key to sign with; give shadowKeysEnv' }] : []),
      ...(isVerified
        ? []
        : [{ path, message: 'needs a side that knows a dry run; set upstreams.new.verifiesShadow once it does' }]),
    ];
  });
}

/** What is allowed, and yet may not be what was meant. */
export function warningsOf({ routes, upstreams }: GatewayConfig): string[] {
  const ids = routes.filter((route) => route.mirror.writes === 'dry-run').map(({ id }) => id);
  if (ids.length === 0) return [];
  return (['legacy', 'new'] as const)
    .filter((side) => !upstreams[side].verifiesShadow)
    .map(
      (side) =>
        `writes of ${ids.join(', ')} are not copied to ${side}, which is not declared to verify them ` +
        `(upstreams.${side}.verifiesShadow); while the other side serves they count as dropped, writes_unverified`,
    );
}

// What mirrored writes need beside the route's own setting: a key, and a side that knows them for what they are.
import { z } from 'zod';
import type { GatewayConfig } from './gateway-schema.ts';

const dryRunSettings = z.looseObject({
  shadowKeysEnv: z.unknown().optional(),
  upstreams: z.record(z.string(), z.looseObject({ verifiesShadow: z.unknown().optional() })).catch({}),
  routes: z
    .array(z.object({ mirror: z.object({ writes: z.unknown() }) }).catch({ mirror: { writes: 'off' } }))
    .catch([]),
});

/**
 * Routes whose writes are to be copied, though nothing could sign the copies or no side would know them for what they are.
 * `data` is the whole configuration, right or wrong.
 */
export function checkDryRuns(
  data: unknown,
): { readonly path: readonly (string | number)[]; readonly message: string }[] {
  const { shadowKeysEnv, upstreams, routes } = dryRunSettings.safeParse(data).data ?? { upstreams: {}, routes: [] };
  const isVerified = Object.values(upstreams).some((upstream) => upstream.verifiesShadow === true);
  return routes.flatMap(({ mirror }, index) => {
    if (mirror.writes !== 'dry-run') return [];
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

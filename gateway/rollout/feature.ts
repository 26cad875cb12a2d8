// Features as Unleash writes them, and the gradual rollouts that this gateway makes of them.
import type { FeatureInterface } from 'unleash-client/lib/feature.js';
import type { Segment } from 'unleash-client/lib/strategy/strategy.js';
import { z } from 'zod';

/** What is checked of a feature file: enough that unleash-client can evaluate it; everything else is kept as it is. */
const featureFileSchema = z.looseObject({
  version: z.number().default(2),
  features: z.array(
    z.looseObject({
      name: z.string().min(1),
      enabled: z.boolean(),
      strategies: z
        .array(z.looseObject({ name: z.string(), parameters: z.record(z.string(), z.unknown()).optional() }))
        .optional(),
    }),
  ),
  segments: z.array(z.looseObject({ id: z.number(), constraints: z.array(z.unknown()) })).optional(),
});

export interface FeatureFile {
  readonly version: number;
  readonly features: readonly FeatureInterface[];
  readonly segments?: readonly Segment[];
}

/** Checks the text of a feature file. @throws when it is not JSON, or not features. */
export function parseFeatureFile(text: string): FeatureFile {
  const parsed = featureFileSchema.safeParse(JSON.parse(text));
  // The schema checks what evaluation relies on; the rest is Unleash's own, and passed through.
  if (parsed.success) return parsed.data as unknown as FeatureFile;
  const [issue] = parsed.error.issues;
  throw new Error(`not a feature file: ${issue?.path.join('.')}: ${issue?.message}`);
}

/** A gradual rollout, sticky on the request's identity, which is handed to Unleash as the user id. */
export function gradualRollout(name: string, percent: number, groupId: string): FeatureInterface {
  return { name, type: 'release', enabled: percent > 0, strategies: [rolloutStrategy(percent, groupId)] };
}

const ROLLOUT = 'flexibleRollout';
/** Picks users one by one, such as testers: no share, and it stands beside one. */
const USER_LIST = 'userWithId';

type Strategy = NonNullable<FeatureInterface['strategies']>[number];

function rolloutStrategy(percent: number, groupId: string, before?: Strategy): Strategy {
  return {
    ...before,
    name: ROLLOUT,
    parameters: { ...before?.parameters, rollout: String(percent), stickiness: 'userId', groupId },
    constraints: before?.constraints ?? [],
  };
}

/**
 * The share of identities for which a feature is on, as far as its definition tells: the widest of its strategies;
 * users that are named one by one are none. A feature that is enabled without strategies is on for everybody, as in
 * Unleash.
 */
export function rolloutPercent(feature: FeatureInterface | undefined): number {
  if (!feature?.enabled) return 0;
  const strategies = feature.strategies ?? [];
  if (strategies.length === 0) return 100;
  return Math.max(...strategies.map(share));
}

function share({ name, parameters }: Strategy): number {
  if (name === USER_LIST) return 0;
  if (name !== ROLLOUT) return 100;
  const percent = Number(parameters?.rollout);
  return Number.isFinite(percent) ? Math.min(100, Math.max(0, percent)) : 0;
}

/**
 * `feature` rolled out to `percent`, keeping what else an operator has set on it: its description and variants, the
 * constraints of its rollout, its list of users. Strategies with a share of their own make way for the one asked for.
 */
export function withRollout(
  feature: FeatureInterface | undefined,
  name: string,
  percent: number,
  groupId: string,
): FeatureInterface {
  if (!feature) return gradualRollout(name, percent, groupId);
  const strategies = feature.strategies ?? [];
  const before = strategies.find((strategy) => strategy.name === ROLLOUT);
  const users = strategies.filter((strategy) => strategy.name === USER_LIST);
  return { ...feature, enabled: percent > 0, strategies: [rolloutStrategy(percent, groupId, before), ...users] };
}

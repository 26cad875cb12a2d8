// Features as Unleash writes them, and the gradual rollouts that this gateway makes of them.
import type { FeatureInterface } from 'unleash-client/lib/feature.js';
import type { Segment } from 'unleash-client/lib/strategy/strategy.js';
import { z } from 'zod';
import type { RouteModel } from '../routing/route.ts';
import type { Side } from '../routing/side.ts';

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

export type Strategy = NonNullable<FeatureInterface['strategies']>[number];
type Variants = NonNullable<Strategy['variants']>;

/** What the weights of a strategy's variants add up to. */
const WEIGHTS = 1_000;
/**
 * Unleash rolls out in whole per cent. Below one, a rollout is to 1 %, and two variants that are sticky on the same
 * identity part it: `new` is served by the new side, `legacy` is not. `new` is the last, as it is in the alphabet, and
 * takes its identities from the end: they stay in it as it grows, and in the 1 % and all that follows.
 */
const SPLIT: readonly [Side, Side] = ['legacy', 'new'];

export function rolloutStrategy(percent: number, groupId: string, before?: Strategy): Strategy {
  const { variants = [], ...kept } = before ?? {};
  const others = isSplit(variants) ? [] : variants;
  const own = percent > 0 && percent < 1 ? splitVariants(percent) : others;
  return {
    ...kept,
    name: ROLLOUT,
    parameters: { ...before?.parameters, rollout: String(Math.ceil(percent)), stickiness: 'userId', groupId },
    constraints: before?.constraints ?? [],
    ...(own.length > 0 ? { variants: own } : {}),
  };
}

function splitVariants(percent: number): Variants {
  const weight = Math.round(percent * WEIGHTS);
  const weights = { legacy: WEIGHTS - weight, new: weight };
  // Unleash wants one of them to take what the others leave.
  const weightTypes = { legacy: 'variable', new: 'fix' };
  return SPLIT.map((name) => ({
    ...{ name, weight: weights[name], weightType: weightTypes[name], stickiness: 'userId' },
  })) as Variants;
}

/** Whether variants part a rollout, see SPLIT. Others decide nothing here. */
export function isSplit(variants: Strategy['variants']): boolean {
  return variants?.length === SPLIT.length && variants.every(({ name }, index) => name === SPLIT[index]);
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

function share({ name, parameters, variants }: Strategy): number {
  if (name === USER_LIST) return 0;
  const percent = name === ROLLOUT ? Number(parameters?.rollout) : 100;
  if (!Number.isFinite(percent)) return 0;
  return (Math.min(100, Math.max(0, percent)) * newWeight(variants)) / WEIGHTS;
}

function newWeight(variants: Strategy['variants']): number {
  const weight = isSplit(variants) ? variants?.at(-1)?.weight : WEIGHTS;
  return Math.min(WEIGHTS, Math.max(0, Number(weight) || 0));
}

/**
 * What a person has made of a flag that no stage and share can say, as sentences about it. Empty for what this gateway
 * makes, and for what the same looks like when it is made in Unleash's own pages.
 */
export function handMade(feature: Pick<FeatureInterface, 'strategies' | 'dependencies'>, groupId: string): string[] {
  const strategies = feature.strategies ?? [];
  const of = (text: string, says: boolean | undefined) => (says ? [text] : []);
  return [
    ...of('depends on other flags', (feature.dependencies ?? []).length > 0),
    ...of(`has ${strategies.length} strategies`, strategies.length > 1),
    ...strategies.flatMap(({ name, parameters, constraints, segments, variants }) => [
      ...of(`is decided by the strategy ${name}`, name !== ROLLOUT),
      ...of('has constraints', (constraints ?? []).length > 0),
      ...of('has segments', (segments ?? []).length > 0),
      ...of('has variants, which decide nothing here', (variants ?? []).length > 0 && !isSplit(variants)),
      ...(name === ROLLOUT ? cohortOf(parameters ?? {}, groupId) : []),
    ]),
  ];
}

function cohortOf(parameters: NonNullable<Strategy['parameters']>, groupId: string): string[] {
  const { stickiness = 'default', groupId: group = groupId } = parameters;
  return [
    // Identities are handed to Unleash as user ids, which is its default stickiness too.
    ...(stickiness === 'userId' || stickiness === 'default' ? [] : [`is sticky on ${stickiness}`]),
    ...(group === groupId ? [] : [`picks users by the group ${group} instead of ${groupId}`]),
  ];
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

/** What a stage does not tell of a route's flags. */
export function flagNotesOf({ features }: FeatureFile, { flag, mirrorFlag, groupId }: RouteFlags): string[] {
  const groups = new Map([
    [flag, groupId],
    [mirrorFlag, mirrorFlag],
  ]);
  return features.flatMap((feature) => {
    const group = groups.get(feature.name);
    const shape = group === undefined ? [] : handMade(feature, group);
    if (shape.length === 0) return [];
    return [
      `the flag ${feature.name} was changed by hand: it ${shape.join(', ')}; the stage shown is what its widest share amounts to`,
    ];
  });
}

type RouteFlags = Pick<RouteModel, 'flag' | 'mirrorFlag' | 'groupId'>;

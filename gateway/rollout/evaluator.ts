// Flags in memory, evaluated by unleash-client: by the part of it that evaluates. What fetches flags, keeps them and reports
// their use is not even loaded: it takes 20 MB, and the source here is another.
import { EventEmitter } from 'node:events';
import unleashClient from 'unleash-client/lib/client.js';
import type { EnhancedFeatureInterface, FeatureInterface } from 'unleash-client/lib/feature.js';
import type { RepositoryInterface } from 'unleash-client/lib/repository/index.js';
import { defaultStrategies } from 'unleash-client/lib/strategy/index.js';
import type { Segment } from 'unleash-client/lib/strategy/strategy.js';
import type { FlagsConfig } from '../../config/flags-schema.ts';
import type { Side } from '../routing/side.ts';
import { type FeatureFile, isSplit } from './feature.ts';

/** Whether a flag is on for an identity; one that is not known, or is malformed, is off. */
export type Evaluator = (flag: string, identity: string) => boolean;

/** What constraints can ask about, beside the identity. */
export interface EvaluatorContext {
  readonly appName: string;
  readonly environment?: string;
}

/** The context in which flags from a configured provider are evaluated. */
export function contextOf(config: FlagsConfig): EvaluatorContext {
  return config.provider === 'unleash' ? config : { appName: 'banyan' };
}

/** Evaluates whatever features the source holds at the time of asking. */
export function createEvaluator(source: FeatureSource, given: EvaluatorContext): Evaluator {
  const client = new unleashClient.default(source, defaultStrategies);
  client.on('error', () => {});
  const off = () => false;
  return (flag, identity) => {
    const context = { ...given, userId: identity };
    try {
      if (!client.isEnabled(flag, context, off)) return false;
      return !source.isSplit(flag) || client.getVariant(flag, context).name !== ('legacy' satisfies Side);
    } catch {
      return false; // A constraint without its values, say: unleash-client throws at it.
    }
  };
}

export const NO_FEATURES: FeatureFile = { version: 2, features: [] };

/** The features in memory, in the shape in which unleash-client asks for them. Replaced whole on every change. */
export class FeatureSource extends EventEmitter implements RepositoryInterface {
  file: FeatureFile = NO_FEATURES;
  #content = JSON.stringify(NO_FEATURES);
  #features = new Map<string, FeatureInterface>();
  #segments = new Map<number, Segment>();
  #split = new Set<string>();

  replace(file: FeatureFile): void {
    const content = JSON.stringify(file);
    if (content === this.#content) return;
    this.#content = content;
    this.file = file;
    this.#features = new Map(file.features.map((feature) => [feature.name, feature]));
    this.#split = new Set(file.features.filter(hasSplit).map(({ name }) => name));
    this.#segments = new Map(file.segments?.map((segment) => [segment.id, segment]));
    this.emit('changed');
  }

  /** Whether the flag's variants say whom the new side serves. */
  isSplit(name: string): boolean {
    return this.#split.has(name);
  }

  getToggle(name: string): FeatureInterface | undefined {
    return this.#features.get(name);
  }

  getToggles(): FeatureInterface[] {
    return [...this.#features.values()];
  }

  /** Only asked for by a caller of unleash-client that lists definitions, which this gateway never does. */
  getTogglesWithSegmentData(): EnhancedFeatureInterface[] {
    return [];
  }

  getSegment(id: number): Segment | undefined {
    return this.#segments.get(id);
  }

  /** Nothing is to be fetched. */
  async start(): Promise<void> {}
  stop(): void {}
}

function hasSplit({ strategies = [] }: FeatureInterface): boolean {
  return strategies.some(({ variants }) => isSplit(variants));
}

// Flags in memory, evaluated by unleash-client.
import { EventEmitter } from 'node:events';
import { Unleash } from 'unleash-client';
import type { EnhancedFeatureInterface, FeatureInterface } from 'unleash-client/lib/feature.js';
import type { RepositoryInterface } from 'unleash-client/lib/repository/index.js';
import type { Segment } from 'unleash-client/lib/strategy/strategy.js';
import type { FlagsConfig } from '../../config/flags-schema.ts';
import type { Side } from '../routing/side.ts';
import { type FeatureFile, isSplit } from './feature.ts';

export interface Evaluator {
  isEnabled(flag: string, identity: string): boolean;
  close(): void;
}

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
export async function startEvaluator(
  source: FeatureSource,
  { appName, environment }: EvaluatorContext,
): Promise<Evaluator> {
  const unleash = new Unleash({
    appName,
    ...(environment === undefined ? {} : { environment }),
    url: 'http://localhost', // Never called: the source is the only repository.
    repository: source,
    disableMetrics: true,
    skipInstanceCountWarning: true,
  });
  unleash.on('error', () => {});
  await unleash.start();
  return {
    isEnabled(flag, identity) {
      const context = { userId: identity };
      if (!unleash.isEnabled(flag, context)) return false;
      return !source.isSplit(flag) || unleash.getVariant(flag, context).name !== ('legacy' satisfies Side);
    },
    close: () => unleash.destroy(),
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

  async start(): Promise<void> {
    this.emit('ready');
  }

  stop(): void {}
}

function hasSplit({ strategies = [] }: FeatureInterface): boolean {
  return strategies.some(({ variants }) => isSplit(variants));
}

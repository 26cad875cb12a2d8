// Flags in memory, evaluated by unleash-client.
import { EventEmitter } from 'node:events';
import { Unleash } from 'unleash-client';
import type { EnhancedFeatureInterface, FeatureInterface } from 'unleash-client/lib/feature.js';
import type { RepositoryInterface } from 'unleash-client/lib/repository/index.js';
import type { Segment } from 'unleash-client/lib/strategy/strategy.js';
import type { FeatureFile } from './feature.ts';

export interface Evaluator {
  isEnabled(flag: string, identity: string): boolean;
  close(): void;
}

/** Evaluates whatever features the source holds at the time of asking. */
export async function startEvaluator(source: FeatureSource): Promise<Evaluator> {
  const unleash = new Unleash({
    appName: 'banyan',
    url: 'http://localhost', // Never called: the source is the only repository.
    repository: source,
    disableMetrics: true,
    skipInstanceCountWarning: true,
  });
  unleash.on('error', () => {});
  await unleash.start();
  return {
    isEnabled: (flag, identity) => unleash.isEnabled(flag, { userId: identity }),
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

  replace(file: FeatureFile): void {
    const content = JSON.stringify(file);
    if (content === this.#content) return;
    this.#content = content;
    this.file = file;
    this.#features = new Map(file.features.map((feature) => [feature.name, feature]));
    this.#segments = new Map(file.segments?.map((segment) => [segment.id, segment]));
    this.emit('changed');
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

// The state that a worker follows, in the shape in which requests read it. They read plain memory and never wait.
import type { GatewayConfig } from '../../config/gateway-schema.ts';
import { contextOf, createEvaluator, FeatureSource } from '../rollout/evaluator.ts';
import type { FlagReader, ForcedSides } from '../routing/decide.ts';
import { type CurrentSettings, createSettings } from '../settings.ts';
import type { SharedState } from './messages.ts';

export interface FollowedState {
  readonly settings: CurrentSettings;
  readonly isEnabled: FlagReader;
  /** The object stays the same, its answers change. */
  readonly forced: ForcedSides;
  /** Puts what has changed in force for every request that is decided from now on. */
  apply(change: Partial<SharedState>): void;
  close(): Promise<void>;
}

export function createFollowedState(initial: SharedState): FollowedState {
  let { forced, health } = initial;
  const source = new FeatureSource();
  source.replace(initial.features);
  // Only the primary asks the backends how they are: N workers that do would be N times the load, and of N opinions.
  const settings = createSettings(initial.config, (side) => ({
    get healthy() {
      return health[side].healthy;
    },
    get problem() {
      return health[side].problem;
    },
    stop() {},
  }));
  settings.deploy(initial.versions ?? undefined);

  function replaceConfig(config: GatewayConfig): void {
    const fixed = settings.replace(config);
    // The primary has refused such a change before; a worker that cannot follow must not go on.
    if (fixed.length > 0) throw new Error(`a worker cannot change ${fixed.join(', ')} while running`);
  }

  return {
    settings,
    isEnabled: createEvaluator(source, contextOf(initial.config.flags)),
    forced: {
      get all() {
        return forced.all;
      },
      route: (id) => forced.routes[id],
    },
    apply(change) {
      if (change.config) replaceConfig(change.config);
      if (change.versions !== undefined) settings.deploy(change.versions ?? undefined);
      if (change.features) source.replace(change.features);
      forced = change.forced ?? forced;
      health = change.health ?? health;
    },
    close: settings.close,
  };
}

// What is in force, as the workers need it.
import type { Decisions, ServingDeps } from '../serving.ts';
import type { SharedState } from './messages.ts';
import { shareOf } from './share.ts';

/** Answers the state as it is when asked. Parts that have not changed are the same objects as before. */
export function stateOf(
  { settings, flags }: Pick<ServingDeps, 'settings' | 'flags'>,
  { forced }: Pick<Decisions, 'forced'>,
  workers: number,
): () => SharedState {
  let whole = settings.current.config;
  let config = shareOf(whole, workers);
  return () => {
    const { current } = settings;
    if (current.config !== whole) {
      whole = current.config;
      config = shareOf(whole, workers);
    }
    const sides = current.table.routes.flatMap(({ id }) => {
      const side = forced.route(id);
      return side ? [[id, side] as const] : [];
    });
    const { legacy, new: fresh } = current.upstreams.health;
    const { version: serving, other } = current;
    const version = other?.settings.version;
    return {
      config,
      versions:
        serving === undefined
          ? null
          : { serving, other: other && version !== undefined ? { version, percent: other.percent } : undefined },
      features: flags.definitions(),
      forced: { all: forced.all, routes: Object.fromEntries(sides) },
      health: {
        legacy: { healthy: legacy.healthy, problem: legacy.problem },
        new: { healthy: fresh.healthy, problem: fresh.problem },
      },
    };
  };
}

// Asks a backend how it is, from time to time. A state changes only after several answers in a row, so that one lost
// packet takes nobody out.
import { request } from 'undici';
import type { UpstreamConfig } from '../../config/gateway-schema.ts';

type HealthConfig = NonNullable<UpstreamConfig['health']>;

export interface HealthState {
  readonly healthy: boolean;
  /** Answers in a row that speak against the state. */
  readonly against: number;
}

/** The state after one more answer. Pure. */
export function nextHealth({ healthy, against }: HealthState, isGood: boolean, config: HealthConfig): HealthState {
  if (isGood === healthy) return { healthy, against: 0 };
  const needed = healthy ? config.unhealthyAfter : config.healthyAfter;
  return against + 1 >= needed ? { healthy: !healthy, against: 0 } : { healthy, against: against + 1 };
}

export interface HealthCheck {
  /** Undefined when nothing asks: then nobody knows. */
  readonly healthy: boolean | undefined;
  /** Why the last question had no good answer. */
  readonly problem: string | undefined;
  stop(): void;
}

/** Starts asking at once, and then every interval. A backend counts as healthy until it has failed often enough. */
export function startHealthCheck(config: UpstreamConfig, onChange: (healthy: boolean) => void): HealthCheck {
  const { health } = config;
  if (!health) return { healthy: undefined, problem: undefined, stop() {} };
  const url = new URL(health.path, config.url);
  let state: HealthState = { healthy: true, against: 0 };
  let problem: string | undefined;
  let asking = false;

  async function ask(): Promise<void> {
    if (asking || !health) return;
    asking = true;
    problem = await probe(url, health.timeoutMs);
    asking = false;
    const before = state.healthy;
    state = nextHealth(state, problem === undefined, health);
    if (state.healthy !== before) onChange(state.healthy);
  }

  void ask();
  const timer = setInterval(() => void ask(), health.intervalMs);
  return {
    get healthy() {
      return state.healthy;
    },
    get problem() {
      return problem;
    },
    stop: () => clearInterval(timer),
  };
}

/** Why the backend is not well, or undefined. */
async function probe(url: URL, timeoutMs: number): Promise<string | undefined> {
  try {
    const { statusCode, body } = await request(url, { signal: AbortSignal.timeout(timeoutMs) });
    await body.dump();
    return statusCode < 400 ? undefined : `${url} answered ${statusCode}`;
  } catch (error) {
    return `${url}: ${(error as Error).message}`;
  }
}

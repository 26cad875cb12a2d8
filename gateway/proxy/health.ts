// Asks a backend how it is, from time to time. A state changes only after several answers in a row, so that one lost
// packet takes nobody out.
import type { UpstreamConfig } from '../../config/gateway-schema.ts';
import type { ExchangeHandler } from '../upstream/exchange.ts';
import { createPool, type Pool } from '../upstream/pool.ts';
import type { ResponseHead } from '../upstream/response-head.ts';
import { tlsOptions } from './upstream.ts';

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
  const { url, connectTimeoutMs, tls } = config;
  const pool = createPool({ url, connections: 1, connectTimeoutMs, tls: tlsOptions(tls) });
  let state: HealthState = { healthy: true, against: 0 };
  let problem: string | undefined;
  let asking = false;

  async function ask(): Promise<void> {
    if (asking || !health) return;
    asking = true;
    problem = await probe(pool, health, url);
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
    stop() {
      clearInterval(timer);
      pool.destroy();
    },
  };
}

/** Asks a backend until it has answered well as often in a row as makes it healthy; answers why it is not, or undefined. */
export async function askHealth({ health, url, connectTimeoutMs, tls }: UpstreamConfig): Promise<string | undefined> {
  if (!health) return undefined;
  const pool = createPool({ url, connections: 1, connectTimeoutMs, tls: tlsOptions(tls) });
  try {
    for (let good = 0; good < health.healthyAfter; good++) {
      const problem = await probe(pool, health, url);
      if (problem !== undefined) return problem;
    }
    return undefined;
  } finally {
    pool.destroy();
  }
}

/** Why the backend is not well, or undefined. */
function probe(pool: Pool, { path, timeoutMs }: HealthConfig, url: string): Promise<string | undefined> {
  return new Promise((resolve) => {
    let timer: NodeJS.Timeout | undefined;
    let problem: string | undefined;
    const settle = (found: string | undefined) => {
      clearTimeout(timer);
      resolve(found && `${url}${path} ${found}`);
    };
    const handler: ExchangeHandler = {
      onSent() {},
      onInterim() {},
      onHead({ status }: ResponseHead) {
        if (status >= 400) problem = `answered ${status}`;
      },
      onData() {},
      onEnd: () => settle(problem),
      onFailure: (failure, error) => settle(`cannot be asked: ${error.message} (${failure})`),
    };
    const headers = ['Accept', '*/*', 'User-Agent', 'banyan-health'];
    const exchange = pool.send({ method: 'GET', path, headers, body: null }, handler);
    timer = setTimeout(() => {
      exchange.abort();
      settle(`did not answer within ${timeoutMs} ms`);
    }, timeoutMs);
  });
}

// The shapes of load, and what each must not miss: pure, so that Node can list them and test them.
import type { Options, Scenario, Threshold } from 'k6/options';
import type { Profile, Settings } from './settings.ts';

/** What a profile is for, and its size unless told otherwise. */
export const PROFILES = {
  smoke: { summary: 'a few requests of every kind: does it work at all?', rate: 5, seconds: 10 },
  steady: { summary: 'an even load', rate: 20, seconds: 60 },
  spike: { summary: 'an even load that is eight times as much for a fifth of the time', rate: 10, seconds: 60 },
  soak: { summary: 'an even load for an hour', rate: 20, seconds: 3600 },
  stress: {
    summary: 'ten times as much at the end as at the beginning; ends when too many fail',
    rate: 20,
    seconds: 120,
  },
  flip: {
    summary: 'an even load while routes are moved to and fro; nothing may fail or be lost',
    rate: 20,
    seconds: 40,
  },
  streams: { summary: 'WebSockets and event streams held open beside some requests', rate: 5, seconds: 30 },
  compare: { summary: 'one round of a comparison: a second to warm up, then an even load', rate: 20, seconds: 10 },
} as const satisfies Record<Profile, { summary: string; rate: number; seconds: number }>;

/** Routes that the journeys ask, by the ids of the gateway's configuration. */
export const READ_ROUTES = ['market.ticker', 'trade.order.get', 'trade.orders.list', 'positions.list'] as const;
export const WRITE_ROUTES = ['trade.order.create', 'trade.order.cancel'] as const;
export type RouteId = (typeof READ_ROUTES)[number] | (typeof WRITE_ROUTES)[number];

export const WARM_UP_SECONDS = 1;
const SPIKE = 8;
const STRESS = 10;
/** Clients that are there from the start, for so many seconds' arrivals: where one has to be made first its arrival is lost. */
const READY_MIN = 20;
const READY_SECONDS = 2;
/** How long what is under way at the end may take. */
const GRACE = '15s';

export function scenariosOf(settings: Settings): Record<string, Scenario> {
  const { profile, rate, seconds, clientsMax, streams } = settings;
  const clients = {
    preAllocatedVUs: Math.min(clientsMax, Math.max(READY_MIN, READY_SECONDS * rate)),
    maxVUs: clientsMax,
    gracefulStop: GRACE,
  };
  const even: Scenario = {
    ...{ executor: 'constant-arrival-rate', exec: 'journey', rate, timeUnit: '1s', duration: `${seconds}s` },
    ...clients,
  };
  const ramped = (stages: readonly (readonly [share: number, times: number])[]): Scenario => ({
    ...{ executor: 'ramping-arrival-rate', exec: 'journey', startRate: rate, timeUnit: '1s', ...clients },
    stages: stages.map(([share, times]) => ({
      duration: `${Math.ceil(seconds * share * 1000)}ms`,
      target: rate * times,
    })),
  });
  const held = (exec: string, vus: number): Scenario => ({
    ...{ executor: 'per-vu-iterations', exec, vus, iterations: 1 },
    ...{ maxDuration: `${seconds}s`, gracefulStop: GRACE },
  });
  switch (profile) {
    case 'spike':
      return {
        journeys: ramped([
          ...([
            [0.38, 1],
            [0.02, SPIKE],
            [0.2, SPIKE],
            [0.02, 1],
            [0.38, 1],
          ] as const),
        ]),
      };
    case 'stress':
      return { journeys: ramped([[1, STRESS]]) };
    case 'flip':
      return { journeys: even, flips: held('flips', 1) };
    case 'streams':
      return { journeys: even, sockets: held('sockets', streams), events: held('events', streams) };
    case 'compare': {
      const warmUp: Scenario = { ...even, exec: 'warmUp', duration: `${WARM_UP_SECONDS}s` };
      return { warmUp, journeys: { ...even, startTime: `${WARM_UP_SECONDS}s` } };
    }
    default:
      return { journeys: even };
  }
}

/** What must hold at the end: k6 exits with 99 when something does not. */
export function thresholdsOf(settings: Settings): NonNullable<Options['thresholds']> {
  const { profile, target, p95MaxMs, writes } = settings;
  const sides = target === 'gateway' ? ['legacy', 'new'] : [target];
  const routes: readonly RouteId[] = writes ? [...READ_ROUTES, ...WRITE_ROUTES] : READ_ROUTES;
  const fast = Object.fromEntries(
    routes.flatMap((route) => sides.map((side) => [`answer_ms{route:${route},side:${side}}`, [`p(95)<=${p95MaxMs}`]])),
  );
  const failed = (...thresholds: Threshold[]) => ({ answer_failed: thresholds });
  const noneLost = { dropped_iterations: ['count==0'] };
  switch (profile) {
    case 'stress': // Slow answers are what it looks for; it ends where they fail.
      return failed({ threshold: 'rate<0.05', abortOnFail: true, delayAbortEval: '5s' });
    case 'spike':
      return failed('rate<0.001');
    case 'compare': // Judged over all rounds, by loadtest/verdicts.ts.
      return {};
    case 'flip':
      return { ...failed('rate==0'), ...noneLost, flip_failed: ['rate==0'], flips: ['count>0'] };
    case 'streams':
      return {
        ...failed('rate<0.001'),
        ...noneLost,
        ...fast,
        stream_failed: ['rate==0'],
        stream_messages: ['count>0'],
      };
    default:
      return { ...failed('rate<0.001'), ...noneLost, ...fast };
  }
}

// What k6 runs: `k6 run main.ts` with BANYAN_LOAD, as loadtest/run-k6.ts starts it.
import type { Options } from 'k6/options';
import { type Found, findRoutes, flipAll, putBack } from './flips.ts';
import type { World } from './journeys.ts';
import { scenariosOf, thresholdsOf } from './profiles.ts';
import { findWorld, nextJourney } from './requests.ts';
import type { Settings } from './settings.ts';
import { holdEvents, holdSocket } from './streams.ts';

const settings: Settings = JSON.parse(__ENV.BANYAN_LOAD ?? '{}');

export const options: Options = {
  scenarios: scenariosOf(settings),
  thresholds: thresholdsOf(settings),
  ...{ userAgent: 'banyan-loadtest', systemTags: ['scenario', 'error_code'], setupTimeout: '60s' },
  summaryTrendStats: ['count', 'med', 'p(95)', 'p(99)', 'max'],
};

interface Data {
  readonly world: World;
  readonly routes: readonly Found[];
}

export function setup(): Data {
  return { world: findWorld(settings), routes: settings.profile === 'flip' ? findRoutes(settings) : [] };
}
export const journey = ({ world }: Data): void => nextJourney(settings, world);
export const warmUp = ({ world }: Data): void => nextJourney(settings, world, true);
export const flips = ({ routes }: Data): void => flipAll(settings, routes);
export const sockets = (): void => holdSocket(settings);
export const events = (): void => holdEvents(settings);
export function teardown({ routes }: Data): void {
  putBack(settings, routes);
}

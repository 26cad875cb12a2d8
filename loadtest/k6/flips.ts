// Moves routes to and fro by the operator's API while the load goes on, and puts them back as they were.
import { sleep } from 'k6';
import http from 'k6/http';
import { Counter, Rate } from 'k6/metrics';
import { READ_ROUTES, type RouteId } from './profiles.ts';
import type { Settings } from './settings.ts';

const flips = new Counter('flips');
const flipFailed = new Rate('flip_failed');

const REASON = 'load test: flips under load';
const TIMEOUT = '10s';

/** Where a route is. */
interface Place {
  readonly stage: string;
  readonly percent: number;
  readonly mirrorPercent: number;
}
export interface Found {
  readonly id: RouteId;
  readonly place: Place;
}
type Step = { readonly stage: string; readonly percent?: number } | 'rollback' | 'lift';

/** Every kind of move there is, forwards, backwards and at once. */
const STEPS: readonly Step[] = [
  ...[{ stage: 'shadow' }, { stage: 'canary', percent: 20 }, { stage: 'canary', percent: 60 }, { stage: 'live' }],
  ...(['rollback', 'lift'] as const),
  ...[{ stage: 'complete' }, { stage: 'canary', percent: 50 }, { stage: 'legacy' }],
];

type Target = `${'GET' | 'PUT' | 'POST' | 'DELETE'} /${string}`;

function call({ operatorUrl }: Settings, target: Target, body?: object, etag?: string) {
  const [method = '', path = ''] = target.split(' ', 2);
  const headers = {
    authorization: `Bearer ${__ENV.BANYAN_OPERATOR_TOKEN ?? ''}`,
    ...{ 'content-type': 'application/json', ...(etag === undefined ? {} : { 'if-match': etag }) },
  };
  return http.request(method, `${operatorUrl}${path}`, body === undefined ? null : JSON.stringify(body), {
    ...{ headers, timeout: TIMEOUT, responseType: 'text', tags: { target: 'operator' } },
  });
}

function read(settings: Settings, id: RouteId) {
  const response = call(settings, `GET /api/routes/${id}`);
  if (response.status !== 200)
    throw new Error(`the operator's API answers ${response.status} ${response.error} for ${id}`);
  const route = JSON.parse(String(response.body)) as Place & { readonly override: object | null };
  return { route, etag: String(response.headers.Etag) };
}

/** Where the routes are. Throws when one has an override: somebody wants it where it is. */
export function findRoutes(settings: Settings): readonly Found[] {
  const ids: readonly RouteId[] = settings.writes ? [...READ_ROUTES, 'trade.order.create'] : READ_ROUTES;
  return ids.map((id) => {
    const { stage, percent, mirrorPercent, override } = read(settings, id).route;
    if (override !== null) throw new Error(`${id} is rolled back: lift that first, flips would end it`);
    return { id, place: { stage, percent, mirrorPercent } };
  });
}

function move(settings: Settings, id: RouteId, step: Step): void {
  const route = `/api/routes/${id}` as const;
  const { etag } = read(settings, id);
  const { status, body } =
    step === 'rollback'
      ? call(settings, `POST ${route}/rollback`, { reason: REASON })
      : step === 'lift'
        ? call(settings, `DELETE ${route}/rollback`, { reason: REASON }, etag)
        : call(settings, `PUT ${route}/stage`, { ...step, reason: REASON }, etag);
  flips.add(1);
  flipFailed.add(status !== 200);
  if (status !== 200) console.error(`flip of ${id} to ${JSON.stringify(step)}: ${status} ${body}`);
}

/** All steps with all routes, spread evenly over the time. */
export function flipAll(settings: Settings, found: readonly Found[]): void {
  const pauseSeconds = settings.seconds / (STEPS.length * found.length + 1);
  for (const step of STEPS) {
    for (const { id } of found) {
      sleep(pauseSeconds);
      move(settings, id, step);
    }
  }
}

/** Puts every route back where it was found, also when the run was interrupted. */
export function putBack(settings: Settings, found: readonly Found[]): void {
  for (const { id, place } of found) {
    const { route } = read(settings, id);
    if (route.override !== null) move(settings, id, 'lift');
    const { stage, percent } = place;
    if (route.stage !== stage || route.percent !== percent)
      move(settings, id, stage === 'canary' ? { stage, percent } : { stage });
  }
}

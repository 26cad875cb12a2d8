// One request and what is counted of it. The metrics are tagged with route, target, and the side that answered.
import exec from 'k6/execution';
import http, { type Params } from 'k6/http';
import { Rate, Trend } from 'k6/metrics';
import { cancelOf, journeyOf, type LoadRequest, reader, SYMBOLS, type World } from './journeys.ts';
import type { Settings } from './settings.ts';

/** From the first byte sent until the last was received; connecting is not in it. */
const answerMs = new Trend('answer_ms', true);
/** Of all requests: those without an answer, or with one that should not be. */
const answerFailed = new Rate('answer_failed');

const TIMEOUT = '15s';
/** Failures that each client tells of; all are counted. */
const TOLD_MAX = 3;
const ORDERS_OF = 10;
let told = 0;

/** Finds what the journeys ask about. Throws, which ends the run, when the target does not answer as it should. */
export function findWorld({ url }: Settings): World {
  const read = (path: string): Record<string, unknown> => {
    const response = http.get(`${url}${path}`, { timeout: TIMEOUT });
    if (response.status !== 200) throw new Error(`${url}${path}: ${response.status} ${response.error}; is it running?`);
    return JSON.parse(String(response.body));
  };
  const users = Array.from({ length: ORDERS_OF }, (_, n) => reader(n));
  const orders = users.flatMap((user) => {
    const { orders: page } = read(`/api/trade/orders/${user}?limit=20`) as { orders: { order_id: string }[] };
    return page.map(({ order_id: id }) => ({ user, id }));
  });
  if (orders.length === 0)
    throw new Error(`${url} has no orders of ${users.join(', ')}: are these the sandbox's users?`);
  const market = SYMBOLS.map((symbol) => ({ symbol, price: Number(read(`/api/market/ticker/${symbol}`).price) }));
  return { orders, market };
}

/** The journey whose turn it is, counted unless `silent`. */
export function nextJourney(settings: Settings, world: World, silent = false): void {
  const request = journeyOf(exec.scenario.iterationInTest, world, settings.writes);
  const answer = send(settings, request, silent);
  if (request.route !== 'trade.order.create' || answer.status !== 201 || !settings.cancels) return;
  const { order_id: orderId }: { order_id?: unknown } = JSON.parse(String(answer.body));
  send(settings, cancelOf(request.user, String(orderId)), silent);
}

function send({ url, target }: Settings, request: LoadRequest, silent: boolean) {
  const { route, method, path, user, body, expects } = request;
  const params: Params = {
    headers: { 'x-user-id': user, ...(body === undefined ? {} : { 'content-type': 'application/json' }) },
    ...{ timeout: TIMEOUT, redirects: 0, responseType: 'text', tags: { route, target } },
  };
  const response = http.request(method, url + path, body ?? null, params);
  if (silent) return response;
  const side = target === 'gateway' ? (response.headers['X-Banyan-Side'] ?? 'none') : target;
  const tags = { route, target, side };
  const ok = expects.includes(response.status);
  answerFailed.add(!ok, tags);
  if (ok) answerMs.add(response.timings.duration, tags);
  else if (told++ < TOLD_MAX) console.error(`${method} ${path}: ${response.status || response.error}`);
  return response;
}

// The sniper's part of the API.
import type { Context } from 'hono';
import type { Newsroom } from '../bus/bus.ts';
import type { Clock, OrderId } from '../domain/ids.ts';
import { isoTime } from '../domain/time.ts';
import { allowed, fail, json, parse, type Route, readJson, userId } from '../http.ts';
import { listQuery } from '../orders/schemas.ts';
import type { TargetRecord } from '../store/sniper-items.ts';
import { type Store, StoreUnavailable } from '../store/store.ts';
import { listingView } from './board.ts';
import type { Calendar } from './calendar.ts';
import { patternsOf } from './detect.ts';
import {
  announce,
  calendarQuery,
  executionView,
  type NewTarget,
  statisticsOf,
  targetBody,
  targetView,
} from './schemas.ts';
import { armed, disarmed } from './state.ts';

/** As many as the system before gave. */
const LISTINGS_MAX = 500;
/** Targets that statistics are made of: the latest. */
const STATISTICS_MAX = 1000;
const CONFLICTS_MAX = 8;

export type SniperRoutesDeps = {
  readonly store: Store;
  readonly bus: Newsroom;
  readonly now: Clock;
  readonly nextOrderId: () => OrderId;
  readonly calendar: Pick<Calendar, 'pending'>;
  /** Hears of a target that is to be worked at. */
  readonly onTarget: (target: TargetRecord) => void;
};

function newTarget(id: OrderId, wanted: NewTarget, nowMs: number): TargetRecord {
  const at = isoTime(nowMs);
  return {
    ...wanted,
    ...{ take_profit: wanted.take_profit ?? null, stop_loss: wanted.stop_loss ?? null },
    reference_price: wanted.reference_price ?? null,
    target_id: id,
    ...{ status: 'pending', reason: null, opens_at: null },
    ...{ lease: null, entry: null, holding: null, exit: null, events: [] },
    ...{ created_at: at, updated_at: at, version: 1 },
  };
}

/** What anybody may see. */
function publicRoutes(route: Route, { store, now, calendar }: SniperRoutesDeps): void {
  route(
    'GET',
    '/api/sniper/calendar',
    async function list(context) {
      const { status } = parse(calendarQuery, { status: context.req.query('status') });
      const all = (await store.listings()).filter((each) => status === undefined || each.status === status);
      const events = all.slice(0, LISTINGS_MAX).map(listingView);
      return json({ count: events.length, events, server_time: isoTime(now()) });
    },
    { summary: 'Listings, those first that open first: ?status=' },
  );
  route(
    'GET',
    '/api/sniper/patterns',
    () => {
      const listings = calendar.pending().map((listing) => ({ listing, patterns: patternsOf(listing, now()) }));
      const patterns = listings.flatMap(({ listing: { vcoinId, symbol, opensAtMs }, patterns: each }) =>
        each.map((pattern) => ({ vcoin_id: vcoinId, symbol, first_open_time: isoTime(opensAtMs), ...pattern })),
      );
      return json({ patterns, server_time: isoTime(now()) });
    },
    { summary: 'What pending listings show, scored, with the parts of each score' },
  );
}

export function sniperRoutes(route: Route, deps: SniperRoutesDeps): void {
  const { store, bus, now, nextOrderId, onTarget } = deps;
  publicRoutes(route, deps);

  async function found(context: Context): Promise<TargetRecord> {
    const { user_id: user, target_id: id = '' } = context.req.param();
    return (await store.getTarget(parse(userId, user), id)) ?? fail('target_not_found', `no target ${id} of this user`);
  }

  /** Stores what `change` makes of the target; undefined: it cannot be done, or has been. */
  async function change(context: Context, wanted: string, next: typeof armed): Promise<Response> {
    for (let conflict = 0; conflict < CONFLICTS_MAX; conflict++) {
      const target = await found(context);
      const after = next(target, now());
      if (!after) fail('target_not_changeable', `a target that is ${target.status} cannot be ${wanted}`);
      else if ((await store.putTarget(after)) === 'stored') {
        announce(bus, after);
        onTarget(after);
        return json(targetView(after));
      }
    }
    throw new StoreUnavailable(`the target changed ${CONFLICTS_MAX} times while it was being ${wanted}`);
  }

  async function listed(context: Context, limit?: number): Promise<readonly TargetRecord[]> {
    const user = parse(userId, context.req.param('user_id'));
    const page = limit === undefined ? parse(listQuery, { limit: context.req.query('limit') }) : { limit };
    const after = context.req.query('after');
    return store.listTargets(user, { ...page, ...(after ? { after } : {}) });
  }

  route(
    'POST',
    '/api/sniper/targets',
    async function create(context, caller) {
      const wanted = parse(targetBody, await readJson(context));
      allowed(caller.mayActFor(wanted.user_id));
      const target = newTarget(nextOrderId(), wanted, now());
      await store.putTarget(target);
      announce(bus, target);
      return json(targetView(target), 201);
    },
    { summary: 'A target: a symbol to buy at its opening. It does nothing until it is armed', body: targetBody },
  );
  route(
    'GET',
    '/api/sniper/targets/:user_id',
    async (context) => json({ targets: (await listed(context)).map(targetView) }),
    { summary: 'Targets, newest first: ?limit= and ?after=' },
  );
  route(
    'GET',
    '/api/sniper/targets/:user_id/:target_id',
    async (context) => json(executionView(await found(context))),
    { summary: 'A target, with all that has happened to it' },
  );
  route('POST', '/api/sniper/targets/:user_id/:target_id/arm', (context) => change(context, 'armed', armed), {
    summary: 'From now on it is bought when it opens',
  });
  route('POST', '/api/sniper/targets/:user_id/:target_id/disarm', (context) => change(context, 'disarmed', disarmed), {
    summary: 'No longer; half a second before the opening it is too late',
  });
  route(
    'GET',
    '/api/sniper/executions/:user_id',
    async (context) =>
      json({ executions: (await listed(context)).filter(({ entry }) => entry !== null).map(executionView) }),
    { summary: 'Of the targets listed those that were executed, with all that has happened to them' },
  );
  route(
    'GET',
    '/api/sniper/statistics/:user_id',
    async (context) => json(statisticsOf(await listed(context, STATISTICS_MAX))),
    { summary: `What came of the latest ${STATISTICS_MAX} targets` },
  );
}

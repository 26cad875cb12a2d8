// A mirror with a clock that is moved by hand, sides that answer as they are asked to, and what it has told of.
import assert from 'node:assert/strict';
import type { GatewayConfig } from '../../config/gateway-schema.ts';
import { createCompareBudget } from '../../gateway/mirror/budget.ts';
import { createComparer } from '../../gateway/mirror/comparer.ts';
import { createDryRuns } from '../../gateway/mirror/dry-run.ts';
import { createEvidence } from '../../gateway/mirror/evidence.ts';
import { createIdMap } from '../../gateway/mirror/id-map.ts';
import { createMirror, type Mirror } from '../../gateway/mirror/mirror.ts';
import { OUTCOMES } from '../../gateway/mirror/observation.ts';
import { createUpstream } from '../../gateway/proxy/upstream.ts';
import type { RouteModel } from '../../gateway/routing/route.ts';
import { otherSide, type Side } from '../../gateway/routing/side.ts';
import { within } from './deadline.ts';
import { aGatewayConfig } from './gateway-config.ts';
import { aFailure, anObservation } from './observations.ts';
import { startRawServer, type TestServer } from './upstream.ts';

const ANSWERS: Readonly<Record<string, string | undefined>> = {
  '/same': 'HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 7\r\n\r\n{"a":1}',
  '/other': 'HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 7\r\n\r\n{"a":2}',
  '/error': 'HTTP/1.1 500 Oh\r\nContent-Length: 0\r\n\r\n',
  '/large': `HTTP/1.1 200 OK\r\nContent-Length: 5000\r\n\r\n${'x'.repeat(5_000)}`,
  '/garbage': '\0\0\0\0',
};

/** Another place and another id every time, on the new side as it is asked by copies. */
function aThing(n: string): string {
  const body = JSON.stringify({ id: `n${n}`, [`field${n}`]: true });
  return `HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n${body}`;
}
/** What can be asked of a fickle side. */
export const PATHS = [...Object.keys(ANSWERS), '/reset', '/hang'];

/** A side that answers as the path says: well, badly, or not at all. */
export function startFickle(): Promise<TestServer> {
  return startRawServer((socket) =>
    socket.on('data', (head: Buffer) => {
      const path = /^GET (\S+)/.exec(head.toString('latin1'))?.[1] ?? '';
      if (path === '/reset') socket.resetAndDestroy();
      else if (path.startsWith('/things/')) socket.write(aThing(path.slice('/things/'.length)));
      else if (path !== '/hang') socket.write(ANSWERS[path] ?? '');
    }),
  );
}

export type MirrorWorld = ReturnType<typeof createMirrorWorld>;

/** A mirror, both of whose sides are at `url`, that remembers so many pairs of ids. */
export function createMirrorWorld(
  url: string,
  routes: readonly RouteModel[],
  { pairsMax, limits = {} }: { readonly pairsMax: number; readonly limits?: Partial<GatewayConfig['mirror']> },
) {
  let now = Date.parse('2026-01-05T10:00:00.000Z');
  const evidence = createEvidence(() => new Date(now));
  const { upstreams, mirror: defaults } = aGatewayConfig({
    upstreams: { legacy: { url }, new: { url } },
  });
  const config = { ...defaults, compareCpuPercent: 100, ...limits };
  const copying = {
    legacy: createUpstream('legacy', upstreams.legacy, config.concurrency),
    new: createUpstream('new', upstreams.new, config.concurrency),
  };
  const told: string[] = [];
  let inForce = routes;
  const ids = createIdMap({ pairsMax, onChange: () => {} });
  const raised = (operation: string, error: unknown) => assert.fail(`${operation}: ${error}`);
  const budget = createCompareBudget(config.compareCpuPercent, () => now);
  const mirror: Mirror = createMirror({
    ...{ limits: config, budget, raised },
    routeOf: (id) => inForce.find((route) => route.id === id),
    comparer: createComparer({ now: () => new Date(now), raised, spend: budget.spend }),
    upstreams: () => copying,
    ids,
    dryRuns: createDryRuns({ keys: undefined, upstreams: () => upstreams, nowMs: () => now }),
    evidence,
    onOutcome: (route, outcome, reason) => told.push(`${route} ${outcome}${reason ? ` ${reason}` : ''}`),
    now: () => new Date(now),
  });
  return {
    ...{ mirror, evidence, ids, told },
    now: () => new Date(now),
    /** Puts others in the place of the routes; what has begun goes on with those from before. */
    configure(others: readonly RouteModel[]) {
      inForce = others;
    },
    pass(ms: number) {
      now += ms;
    },
    /** Each route's requests are accounted for: one outcome each, told of as often as counted. */
    check() {
      for (const { id } of routes) {
        const { eligible, pending, outcomes, dropped } = evidence.of(id);
        assert.equal(pending, 0, `${id} has ${pending} pending`);
        assert.equal(
          OUTCOMES.reduce((sum, outcome) => sum + outcomes[outcome], 0),
          eligible,
        );
        assert.equal(
          Object.values(dropped).reduce((sum, count) => sum + count, 0),
          outcomes.dropped,
        );
        const mine = told.filter((text) => text.startsWith(`${id} `));
        assert.equal(mine.length, eligible);
        for (const [reason, count] of Object.entries(dropped))
          assert.equal(mine.filter((text) => text === `${id} dropped ${reason}`).length, count, reason);
      }
    },
    async close() {
      await within(mirror.close(), 'the mirror to close');
      await Promise.all([copying.legacy.close(), copying.new.close()]);
    },
  };
}

export interface Asked {
  readonly path: string;
  readonly served?: Side;
  readonly identity?: string;
  readonly status?: number;
  readonly body?: string;
  readonly ends?: 'well' | 'client_left' | 'event_stream' | 'upstream_reset' | 'left_alone' | InsteadOf;
}
/** The other side answered: after that failure of the decided one, or without that one having been asked (left_alone). */
type InsteadOf = 'instead_of connect_failed' | 'instead_of overloaded';

/** One request: chosen or not, answered, and offered. */
export function request(mirror: Mirror, route: RouteModel, asked: Asked): void {
  const { path, served = 'legacy', identity = 'u', status = 200, body = '{"a":1}', ends = 'well' } = asked;
  const ticket = mirror.begin(route, { shadow: otherSide(served), method: 'GET', identity });
  if (!ticket) return;
  ticket.captures.response.push(Buffer.from(body));
  if (ends === 'event_stream') mirror.forgo(ticket);
  const failed = ends === 'client_left' || ends === 'upstream_reset';
  const insteadOf =
    ends === 'instead_of overloaded' ? 'overloaded' : ends === 'instead_of connect_failed' && 'connect_failed';
  const by = insteadOf || ends === 'left_alone' ? otherSide(served) : served;
  if (!mirror.wants(ticket, failed ? undefined : status)) return;
  mirror.offer(ticket, {
    ...{ requestId: 'r-1', method: 'GET', path, headersFor: () => ['Host', 'x'], observed: undefined },
    failed: insteadOf ? aFailure(served, insteadOf) : undefined,
    served: failed
      ? aFailure(served, ends)
      : anObservation(by, { status, body: ticket.captures.response.body() ?? null }),
    isEventStream: ends === 'event_stream',
  });
}

// The mirror: copies of requests to the side that does not serve them, compared off the client's path.
//
//   begin (eligible?) → the client is served → offer (room?) → sendCopy → judge → evidence
//
// Whatever happens here is counted and reported, and reaches no client.
import { setTimeout as delay } from 'node:timers/promises';
import type { GatewayConfig } from '../../config/gateway-schema.ts';
import { type Capture, createCapture } from '../proxy/capture.ts';
import { FAILURES } from '../proxy/failure.ts';
import type { Upstream } from '../proxy/upstream.ts';
import { isSafe } from '../routing/method.ts';
import type { RouteModel } from '../routing/route.ts';
import type { Side } from '../routing/side.ts';
import type { CompareBudget } from './budget.ts';
import type { Comparer } from './comparer.ts';
import type { DryRuns } from './dry-run.ts';
import type { EvidenceSink } from './evidence.ts';
import type { Observation, Outcome } from './observation.ts';
import { createOutage, type Outage } from './outage.ts';
import { createQueue } from './queue.ts';
import { sendCopy } from './send-copy.ts';

/** What a waiting copy costs beside its bodies. */
const COPY_OVERHEAD_BYTES = 4_096;
const CLOSE_TIMEOUT_MS = 2_000;

/** A request that is to be copied: its bodies are kept as they pass. */
export interface CopyTicket {
  readonly route: RouteModel;
  readonly shadow: Side;
  readonly captures: { readonly request: Capture; readonly response: Capture };
}

/** What the client asked for and what it was answered. */
export interface ServedRequest {
  readonly requestId: string;
  readonly method: string;
  readonly path: string;
  /** Fields as they go to the side that gets the copy. */
  readonly headers: readonly string[];
  /** Hears what came of the copy, if it is sent at all. */
  readonly observed: ((copy: Observation) => void) | undefined;
  readonly served: Observation;
  /** Whether the answer was an event stream, which has no end to be compared at. */
  readonly isEventStream: boolean;
  /** What the other side did, where it has been asked already: it was to serve, and could not. */
  readonly failed: Observation | undefined;
}

export interface Mirror {
  /** A ticket when the request is to be copied, which then ends in exactly one outcome, by `offer` or `abandon`. */
  begin(route: RouteModel, shadow: Side, method: string): CopyTicket | undefined;
  /** Takes the copy, or counts why not. Never throws, never waits. */
  offer(ticket: CopyTicket, request: ServedRequest): void;
  /** Takes a ticket back for which there is no request to be copied, in the stead of `offer`. */
  abandon(ticket: CopyTicket): void;
  readonly waiting: number;
  readonly waitingBytes: number;
  /** Resolves when no copy is waiting or under way. */
  idle(): Promise<void>;
  close(): Promise<void>;
}

export interface MirrorDeps {
  readonly limits: GatewayConfig['mirror'];
  /** The connections in force for copies, which clients' requests never share. */
  readonly upstreams: () => Readonly<Record<Side, Upstream>>;
  readonly dryRuns: DryRuns;
  /** Shared by all that compare. */
  readonly budget: CompareBudget;
  /** The same; closed with the mirror. */
  readonly comparer: Comparer;
  readonly evidence: EvidenceSink;
  readonly onOutcome: (route: string, outcome: Outcome, dropReason?: string) => void;
  /** Something in comparing itself failed. */
  readonly raised: (operation: string, error: unknown) => void;
  readonly now: () => Date;
}

export function createMirror(deps: MirrorDeps): Mirror {
  const { limits, dryRuns, budget, comparer, evidence, onOutcome, raised } = deps;
  const nowMs = () => deps.now().getTime();
  const outages = { legacy: createOutage(nowMs), new: createOutage(nowMs) };
  const run = createRun(deps, { outages, drop });
  const queue = createQueue({
    concurrency: limits.concurrency,
    concurrencyPerKey: Math.max(1, Math.ceil(limits.concurrency / 2)),
    countMax: limits.queueMax,
    bytesMax: limits.queueBytesMax,
  });

  const mayCopy = (method: string, side: Side) => isSafe(method) || dryRuns.allows(side);

  function drop(route: string, reason: string): void {
    evidence.drop(route, reason);
    onOutcome(route, 'dropped', reason);
  }

  return {
    begin(route, shadow, method) {
      if (!isSafe(method) && route.config.mirror.writes === 'off') return undefined;
      evidence.begin(route.id);
      const refusal = !mayCopy(method, shadow)
        ? 'writes_unverified'
        : !outages[shadow].allows()
          ? 'shadow_down'
          : !budget.allows(route.id)
            ? 'compare_budget'
            : undefined;
      if (refusal) {
        drop(route.id, refusal);
        return undefined;
      }
      const { bodyBytesMax } = route.config.mirror;
      const captures = { request: createCapture(bodyBytesMax), response: createCapture(bodyBytesMax) };
      return { route, shadow, captures };
    },
    offer(ticket, request) {
      const { route, captures } = ticket;
      if (request.isEventStream) return drop(route.id, 'event_stream');
      const { failure } = request.served;
      if (failure && FAILURES[failure].blame !== 'upstream') return drop(route.id, failure); // It says nothing of a side.
      if (captures.request.overflow) return drop(route.id, 'request_body');
      if (captures.response.overflow) return drop(route.id, 'response_body');
      const bytes = captures.request.bytes + captures.response.bytes + COPY_OVERHEAD_BYTES;
      const work = async () => {
        // Asked again: while the copy waited, the side may have become another, or have lost its trust.
        if (!mayCopy(request.method, ticket.shadow)) return drop(route.id, 'writes_unverified');
        return run(ticket, request).catch((error: unknown) => {
          raised('mirror', error);
          drop(route.id, 'internal'); // An outcome all the same: what was eligible must not vanish.
        });
      };
      const refusal = queue.offer({ key: route.id, bytes, run: work });
      return refusal ? drop(route.id, refusal) : undefined;
    },
    abandon: ({ route }) => drop(route.id, 'internal'),
    get waiting() {
      return queue.waiting + comparer.waiting;
    },
    get waitingBytes() {
      return queue.waitingBytes + comparer.waitingBytes;
    },
    idle: () => queue.idle(),
    async close() {
      queue.clear();
      await Promise.race([queue.idle(), delay(CLOSE_TIMEOUT_MS, undefined, { ref: false })]);
      await comparer.close();
    },
  };
}

interface Restraints {
  readonly drop: (route: string, reason: string) => void;
  readonly outages: Readonly<Record<Side, Outage>>;
}

/** Sends one copy and compares: from here on nothing is refused, and every end is an outcome. */
function createRun(deps: MirrorDeps, { outages, drop }: Restraints) {
  const { upstreams, dryRuns, budget, comparer, evidence, onOutcome, raised } = deps;

  async function copy({ route, shadow, captures }: CopyTicket, request: ServedRequest): Promise<Observation> {
    const { timeoutMs, bodyBytesMax } = route.config.mirror;
    const { method, path } = request;
    const upstream = upstreams()[shadow];
    const body = captures.request.body();
    const isWrite = !isSafe(method);
    // Signed when it is sent, not when it began to wait: a signature is good for seconds.
    const headers = isWrite
      ? [...request.headers, ...dryRuns.fieldsFor(shadow, { routeId: route.id, method, target: path, body })]
      : request.headers;
    const observed = await sendCopy({ upstream, method, path, headers, body, timeoutMs, bodyBytesMax });
    request.observed?.(observed);
    if (isWrite) dryRuns.answered(observed);
    outages[shadow].report(observed.failure === 'connect_failed' || observed.failure === 'connect_timeout');
    return observed;
  }

  return async function run(ticket: CopyTicket, request: ServedRequest): Promise<void> {
    const { route, shadow, captures } = ticket;
    const { served, failed, requestId, method, path, headers } = request;
    const copied = failed ?? (await copy(ticket, request));
    const sides = served.side === 'legacy' ? { legacy: served, new: copied } : { legacy: copied, new: served };
    const pair = { ...sides, copied: failed ? undefined : shadow };
    const verdict = await comparer.judge(pair, route.config.compare).catch((error: unknown) => {
      raised('compare', error);
      return { outcome: 'incomparable', differences: [], detail: 'comparing failed' } as const;
    });
    if (verdict.outcome === 'dropped') return drop(route.id, verdict.detail ?? 'compare_queue');
    const startedAt = performance.now();
    const compared = { requestId, method, target: path, headers, body: captures.request.body() };
    evidence.record(route.id, compared, pair, verdict);
    budget.spend(performance.now() - startedAt);
    onOutcome(route.id, verdict.outcome);
  };
}

// The mirror: copies of requests to the side that does not serve them, compared off the client's path.
//
//   begin (eligible?) → the client is served → offer (room?) → run (ask, judge, record)
//
// Whatever happens here is counted and reported, and reaches no client.
import { setTimeout as delay } from 'node:timers/promises';
import type { GatewayConfig } from '../../config/gateway-schema.ts';
import { createCapture } from '../proxy/capture.ts';
import { isSafe } from '../routing/method.ts';
import type { RouteModel } from '../routing/route.ts';
import type { Side } from '../routing/side.ts';
import { createCompareBudget } from './budget.ts';
import { type Chooser, createChooser } from './chooser.ts';
import { createOutage } from './outage.ts';
import { createQueue } from './queue.ts';
import { createRun, type RunDeps } from './run.ts';
import type { CopyTicket, ServedRequest } from './ticket.ts';

/** What a waiting copy costs beside its bodies. */
const COPY_OVERHEAD_BYTES = 4_096;
const CLOSE_TIMEOUT_MS = 2_000;

export interface Mirror {
  /** A ticket when the request is to be copied, which then ends in exactly one outcome, by `offer`. */
  begin(route: RouteModel, shadow: Side, method: string): CopyTicket | undefined;
  /** Takes the copy of a request that has just been answered, or counts why not. Never throws, never waits. */
  offer(ticket: CopyTicket, request: Omit<ServedRequest, 'servedAtMs'>): void;
  readonly waiting: number;
  readonly waitingBytes: number;
  /** Resolves when no copy is waiting or under way. */
  idle(): Promise<void>;
  close(): Promise<void>;
}

export interface MirrorDeps extends RunDeps {
  readonly limits: GatewayConfig['mirror'];
}

export function createMirror(deps: MirrorDeps): Mirror {
  const { limits, evidence, onOutcome, raised } = deps;
  const nowMs = () => deps.now().getTime();
  const budget = createCompareBudget(limits.compareCpuPercent, nowMs);
  const outages = { legacy: createOutage(nowMs), new: createOutage(nowMs) };
  const run = createRun(deps, { budget, outages });
  const queue = createQueue({
    concurrency: limits.concurrency,
    concurrencyPerKey: Math.max(1, Math.ceil(limits.concurrency / 2)),
    countMax: limits.queueMax,
    bytesMax: limits.queueBytesMax,
  });

  const choosers = new Map<string, Chooser>(); // One per configured route.

  function isBracketed({ id, config }: RouteModel): boolean {
    const chooser = choosers.get(id) ?? createChooser();
    choosers.set(id, chooser);
    return chooser(config.mirror.bracketPercent / 100);
  }

  function drop(route: string, reason: string): void {
    evidence.drop(route, reason);
    onOutcome(route, 'dropped', reason);
  }

  return {
    begin(route, shadow, method) {
      if (!isSafe(method)) return undefined; // `writes: off`
      evidence.begin(route.id);
      const refusal = !outages[shadow].allows()
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
      return { route, shadow, captures, bracketed: isBracketed(route) };
    },
    offer(ticket, request) {
      const { route, captures } = ticket;
      if (request.isEventStream) return drop(route.id, 'event_stream');
      if (request.served.failure === 'client_left') return drop(route.id, 'client_left');
      if (captures.request.overflow) return drop(route.id, 'request_body');
      if (captures.response.overflow) return drop(route.id, 'response_body');
      const bytes = captures.request.bytes + captures.response.bytes + COPY_OVERHEAD_BYTES;
      const servedAtMs = nowMs() - request.served.durationMs;
      const work = () =>
        run(ticket, { ...request, servedAtMs }).catch((error: unknown) => {
          raised('mirror', error);
          drop(route.id, 'internal'); // An outcome all the same: what was eligible must not vanish.
        });
      const refusal = queue.offer({ key: route.id, bytes, run: work });
      return refusal ? drop(route.id, refusal) : undefined;
    },
    get waiting() {
      return queue.waiting;
    },
    get waitingBytes() {
      return queue.waitingBytes;
    },
    idle: () => queue.idle(),
    async close() {
      queue.clear();
      await Promise.race([queue.idle(), delay(CLOSE_TIMEOUT_MS, undefined, { ref: false })]);
    },
  };
}

// The mirror: copies of requests to the side that does not serve them, compared off the client's path.
//
//   begin (eligible?) → the client is served → offer (room?) → sendCopy → judge → evidence
//
// Whatever happens here is counted and reported, and reaches no client.
import type { GatewayConfig } from '../../config/gateway-schema.ts';
import { type Capture, createCapture } from '../proxy/capture.ts';
import type { Upstream } from '../proxy/upstream.ts';
import { isSafe } from '../routing/method.ts';
import type { RouteModel } from '../routing/route.ts';
import type { Side } from '../routing/side.ts';
import { judge } from './compare.ts';
import type { Evidence } from './evidence.ts';
import type { Observation, Outcome } from './observation.ts';
import { createQueue } from './queue.ts';
import { createRuleBook } from './rules.ts';
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
  readonly served: Observation;
  /** What the other side did, where it has been asked already: it was to serve, and could not. */
  readonly failed: Observation | undefined;
}

export interface Mirror {
  /** A ticket when the request may be copied; it then ends in exactly one outcome, by `offer`. */
  begin(route: RouteModel, shadow: Side, method: string): CopyTicket | undefined;
  /** Takes the copy, or counts why not. Never throws, never waits. */
  offer(ticket: CopyTicket, request: ServedRequest): void;
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
  readonly evidence: Evidence;
  readonly onOutcome: (route: string, outcome: Outcome, dropReason?: string) => void;
  /** Something in comparing itself failed. */
  readonly raised: (operation: string, error: unknown) => void;
  readonly now: () => Date;
}

export function createMirror(deps: MirrorDeps): Mirror {
  const { limits, evidence, upstreams, onOutcome, raised } = deps;
  const rulesOf = createRuleBook(deps.now);
  const queue = createQueue({
    concurrency: limits.concurrency,
    concurrencyPerKey: Math.max(1, Math.ceil(limits.concurrency / 2)),
    countMax: limits.queueMax,
    bytesMax: limits.queueBytesMax,
  });

  function drop(route: string, reason: string): void {
    evidence.drop(route, reason);
    onOutcome(route, 'dropped', reason);
  }

  async function run({ route, shadow, captures }: CopyTicket, request: ServedRequest): Promise<void> {
    const { mirror } = route.config;
    const { served, failed, ...compared } = request;
    const copied =
      failed ??
      (await sendCopy({
        upstream: upstreams()[shadow],
        method: request.method,
        path: request.path,
        headers: request.headers,
        body: captures.request.body(),
        timeoutMs: mirror.timeoutMs,
        bodyBytesMax: mirror.bodyBytesMax,
      }));
    const sides = served.side === 'legacy' ? { legacy: served, new: copied } : { legacy: copied, new: served };
    const pair = { ...sides, copied: failed ? undefined : shadow };
    const verdict = await judge(pair, rulesOf(route)).catch((error: unknown) => {
      raised('compare', error);
      return { outcome: 'incomparable', differences: [], detail: 'comparing failed' } as const;
    });
    evidence.record(route.id, { ...compared, target: request.path }, pair, verdict);
    onOutcome(route.id, verdict.outcome);
  }

  return {
    begin(route, shadow, method) {
      if (!isSafe(method)) return undefined; // `writes: off`
      const { bodyBytesMax } = route.config.mirror;
      evidence.begin(route.id);
      return {
        route,
        shadow,
        captures: { request: createCapture(bodyBytesMax), response: createCapture(bodyBytesMax) },
      };
    },
    offer(ticket, request) {
      const { route, captures } = ticket;
      if (request.served.failure === 'client_left') return drop(route.id, 'client_left');
      if (captures.request.overflow) return drop(route.id, 'request_body');
      if (captures.response.overflow) return drop(route.id, 'response_body');
      const bytes = captures.request.bytes + captures.response.bytes + COPY_OVERHEAD_BYTES;
      const work = () =>
        run(ticket, request).catch((error: unknown) => {
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
      let timer: NodeJS.Timeout | undefined;
      const deadline = new Promise<void>((resolve) => {
        timer = setTimeout(resolve, CLOSE_TIMEOUT_MS);
      });
      await Promise.race([queue.idle(), deadline]);
      clearTimeout(timer);
    },
  };
}

// The mirror: copies of requests to the side that does not serve them, compared off the client's path.
//
//   begin (eligible?) → the client is served → offer (room?) → run (ask, judge, record)
//
// Whatever happens here is counted and reported, and reaches no client.
import { setTimeout as delay } from 'node:timers/promises';
import type { GatewayConfig } from '../../config/gateway-schema.ts';
import { createCapture } from '../proxy/capture.ts';
import { FAILURES } from '../proxy/failure.ts';
import { isSafe } from '../routing/method.ts';
import type { RouteModel } from '../routing/route.ts';
import { SIDES, type Side } from '../routing/side.ts';
import { mayCopy } from './ask.ts';
import { createBracketing } from './bracketing.ts';
import type { CompareBudget } from './budget.ts';
import type { Comparer } from './comparer.ts';
import type { Outcome } from './observation.ts';
import { createQueue } from './queue.ts';
import { createRestraints } from './restraints.ts';
import { createRun, type RunDeps } from './run.ts';
import { createSampler } from './sampler.ts';
import type { CopyTicket, ServedRequest } from './ticket.ts';

/** What a waiting copy costs beside its bodies. */
const COPY_OVERHEAD_BYTES = 4_096;
/** Requests that are copied only if their status is rare are many, and answers of rare statuses are small. */
const RARE_BODY_BYTES_MAX = 16_384;
const CLOSE_TIMEOUT_MS = 2_000;

/** A request that has been decided and not yet been answered. */
export interface CopyableRequest {
  readonly shadow: Side;
  readonly method: string;
  readonly identity: string;
}

export interface Mirror {
  /** A ticket when the request may be copied; one that was chosen then ends in exactly one outcome, by `offer` or `abandon`. */
  begin(route: RouteModel, request: CopyableRequest): CopyTicket | undefined;
  /**
   * The answer has turned out to be an event stream, which has no end to be compared at: the request was none to be copied.
   * Streams are compared message by message (compare-streams.ts).
   */
  forgo(ticket: CopyTicket): void;
  /**
   * Whether a request that was answered with this status is still to be offered. Most of those that were only kept in case
   * their status is rare are not, and need not be described.
   */
  wants(ticket: CopyTicket, status: number | undefined): boolean;
  /** Takes the copy of a request that has just been answered, or counts why not. Never throws, never waits. */
  offer(ticket: CopyTicket, request: Omit<ServedRequest, 'servedAtMs'>): void;
  /** Takes a ticket back for which there is no request to be copied, in the stead of `offer`. */
  abandon(ticket: CopyTicket): void;
  readonly waiting: number;
  readonly waitingBytes: number;
  /** The share of the copies to each side that may be sent now; less than 1 while the side suffers. */
  readonly allowedShare: Readonly<Record<Side, number>>;
  /** Resolves when no copy is waiting or under way. */
  idle(): Promise<void>;
  close(): Promise<void>;
}

export interface MirrorDeps extends Omit<RunDeps, 'restraints' | 'bracketing' | 'comparer'> {
  readonly limits: GatewayConfig['mirror'];
  /** Shared by all that compare. */
  readonly budget: CompareBudget;
  /** The same; closed with the mirror. */
  readonly comparer: Comparer;
  readonly onOutcome: (route: string, outcome: Outcome, dropReason?: string) => void;
}

export function createMirror(deps: MirrorDeps): Mirror {
  const { limits, dryRuns, budget, comparer, evidence, onOutcome, raised, now } = deps;
  const nowMs = () => now().getTime();
  const sampler = createSampler(nowMs);
  const restraints = createRestraints(limits, budget, nowMs);
  const bracketing = createBracketing(nowMs, () => SIDES.every((side) => restraints.allowedShare[side] === 1));
  const run = createRun({ ...deps, restraints, bracketing });
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

  /** From here on the request is eligible: it ends in an outcome. Answers whether it goes on. */
  function admit(ticket: CopyTicket, method: string): boolean {
    evidence.begin(ticket.route.id);
    const refusal = mayCopy(dryRuns, method, ticket.shadow) ? restraints.refuse(ticket) : 'writes_unverified';
    if (refusal) drop(ticket.route.id, refusal);
    return refusal === undefined;
  }

  return {
    begin(route, { shadow, method, identity }) {
      if (!isSafe(method) && route.config.mirror.writes === 'off') return undefined;
      const chosenBy = sampler.choose(route, identity);
      if (!chosenBy) return undefined;
      const captures = capturesOf(route, chosenBy);
      const ticket = { route, shadow, captures, chosenBy, bracketed: isSafe(method) && bracketing.choose(route) };
      return chosenBy === 'status' || admit(ticket, method) ? ticket : undefined;
    },
    forgo: ({ route, chosenBy }) => {
      if (chosenBy !== 'status') evidence.withdraw(route.id); // Those become eligible at their end only.
    },
    wants: ({ route, chosenBy }, status) =>
      chosenBy !== 'status' || (status !== undefined && sampler.isRare(route, status)),
    offer(ticket, request) {
      const { route, captures, chosenBy } = ticket;
      const { served, method } = request;
      if (request.isEventStream) return;
      if (chosenBy === 'status') {
        if (whyUnfit(ticket, request) || !served.status || !sampler.isRare(route, served.status)) return;
        if (!admit(ticket, method)) return;
      }
      const unfit = whyUnfit(ticket, request);
      if (unfit) return drop(route.id, unfit);
      sampler.count(route, served.status);
      const bytes = captures.request.bytes + captures.response.bytes + COPY_OVERHEAD_BYTES;
      const servedAtMs = nowMs() - served.durationMs;
      const work = async () => {
        const result = await run(ticket, { ...request, servedAtMs }).catch((error: unknown) => {
          raised('mirror', error);
          return { dropped: 'internal' }; // An outcome all the same: what was eligible must not vanish.
        });
        if ('dropped' in result) drop(route.id, result.dropped);
        else onOutcome(route.id, result.outcome);
      };
      const { concurrencyMax } = route.config.mirror;
      const refusal = queue.offer({ key: route.id, concurrencyMax, bytes, run: work });
      return refusal ? drop(route.id, refusal) : undefined;
    },
    abandon({ route, chosenBy }) {
      if (chosenBy !== 'status') drop(route.id, 'internal'); // Else it was not eligible yet.
    },
    get waiting() {
      return queue.waiting + comparer.waiting;
    },
    get waitingBytes() {
      return queue.waitingBytes + comparer.waitingBytes;
    },
    get allowedShare() {
      return restraints.allowedShare;
    },
    idle: () => queue.idle(),
    async close() {
      for (const { key } of queue.clear()) drop(key, 'closing');
      await Promise.race([queue.idle(), delay(CLOSE_TIMEOUT_MS, undefined, { ref: false })]);
      await comparer.close();
    },
  };
}

/** Of a request that is kept only in case its status is rare, less is kept. */
function capturesOf({ config }: RouteModel, chosenBy: CopyTicket['chosenBy']): CopyTicket['captures'] {
  const { bodyBytesMax } = config.mirror;
  const keepMax = chosenBy === 'status' ? Math.min(RARE_BODY_BYTES_MAX, bodyBytesMax) : bodyBytesMax;
  return { request: createCapture(keepMax), response: createCapture(keepMax) };
}

/** Why a request that was chosen cannot be copied after all. */
function whyUnfit({ captures, shadow }: CopyTicket, { served, failed }: Pick<ServedRequest, 'served' | 'failed'>) {
  for (const failure of [served.failure, failed?.failure])
    if (failure && FAILURES[failure].blame !== 'upstream') return failure; // It says nothing of a side.
  // The side that was to serve is known to be down: a copy would go to the very side that answered.
  if (!failed && served.side === shadow) return 'decided_down';
  if (captures.request.overflow) return 'request_body';
  return captures.response.overflow ? 'response_body' : undefined;
}

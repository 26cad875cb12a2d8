// How long flips take until every gateway follows, and who does not yet. Pure.
import type { Flip, FlipAcknowledged, FlipsKnown, GatewayInstance } from '../ledger/flip-store.ts';

/** A gateway says every second that it is there; one that has not for so long is gone. */
const LEASE_MS = 5_000;

export interface GatewayView extends Omit<GatewayInstance, 'acknowledged' | 'from'> {
  readonly state: 'there' | 'gone';
  /** The last flip that it follows. */
  readonly version: number;
}

export interface FlipView extends Omit<Flip, 'atMs' | 'oldSide'> {
  /** ISO 8601, UTC. */
  readonly at: string;
  /** From the operator's call until all gateways that are there followed; null while one does not. */
  readonly acknowledgedMs: number | null;
  /** From the operator's call to the last request that ended on the side which serves nobody any more; null: both serve. */
  readonly oldSideMs: number | null;
  /** Gateways that do not follow yet; those that are gone follow nothing, and are not waited for. */
  readonly waitingFor: readonly string[];
  readonly gone: readonly string[];
}

export interface FlipsView {
  readonly version: number;
  /** Of the flips that are remembered and were acknowledged by all; null before the first. */
  readonly p50Ms: number | null;
  readonly p99Ms: number | null;
  readonly last: FlipView | null;
}

export function gatewaysOf({ nowMs, gateways }: FlipsKnown): GatewayView[] {
  return gateways.map(({ acknowledged, from, seenMs, id, host, pid, startedAt, workers }) => ({
    ...{ id, host, pid, startedAt, workers },
    state: nowMs - seenMs > LEASE_MS ? 'gone' : 'there',
    version: Math.max(from, ...acknowledged.map(({ version }) => version)),
  }));
}

export function flipsOf(known: FlipsKnown): FlipsView {
  const views = known.flips.map((flip) => viewOf(flip, known));
  const times = views.flatMap(({ acknowledgedMs }) => acknowledgedMs ?? []).sort((a, b) => a - b);
  const at = (share: number) => times[Math.ceil(share * times.length) - 1] ?? null;
  return { version: known.flips[0]?.version ?? 0, p50Ms: at(0.5), p99Ms: at(0.99), last: views[0] ?? null };
}

function viewOf({ atMs, oldSide, ...flip }: Flip, { nowMs, gateways }: FlipsKnown): FlipView {
  const concerned = gateways.filter(({ from }) => from < flip.version);
  const answerOf = ({ acknowledged }: GatewayInstance): FlipAcknowledged | undefined =>
    acknowledged.find(({ version }) => version === flip.version);
  const missing = concerned.filter((gateway) => !answerOf(gateway));
  const isGone = ({ seenMs }: { seenMs: number }) => nowMs - seenMs > LEASE_MS;
  const waitingFor = missing.filter((gateway) => !isGone(gateway)).map(nameOf);
  const answers = concerned.flatMap((gateway) => answerOf(gateway) ?? []);
  const isDone = waitingFor.length === 0 && answers.length > 0;
  const oldSideMs = Math.max(0, ...answers.map((answer) => answer.oldSideMs ?? 0));
  return {
    ...flip,
    at: new Date(atMs).toISOString(),
    acknowledgedMs: isDone ? Math.max(...answers.map(({ afterMs }) => afterMs)) : null,
    oldSideMs: oldSide === undefined ? null : oldSideMs,
    waitingFor,
    gone: missing.filter(isGone).map(nameOf),
  };
}

function nameOf({ host, pid }: Pick<GatewayInstance, 'host' | 'pid'>): string {
  return `${host}:${pid}`;
}

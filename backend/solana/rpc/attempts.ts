// The endpoints with what is known of each: one attempt at a time, and its part in their health.
import type { Endpoint, EndpointResult, RpcCall } from './endpoint.ts';
import {
  afterAnswer,
  afterFailure,
  afterRound,
  afterSlow,
  type Health,
  NEW_HEALTH,
  orderOf,
  scoreOf,
} from './health.ts';

/** The node is at fault, not the request (agave's codes): another one may know. */
const NODE_AT_FAULT: ReadonlySet<number> = new Set([-32603, -32001, -32004, -32005, -32008, -32014, -32016, -32019]);
/** This node does not offer it; others may, and it is none the worse. */
const NOT_OFFERED: ReadonlySet<number> = new Set([-32601, -32010, -32011]);

export type EndpointView = {
  readonly endpoint: string;
  readonly score: number;
  readonly latency_ms: number;
  readonly failure_rate: number;
  readonly slot: number | null;
  readonly lag_slots: number;
  readonly resting: boolean;
};

/** Whether another endpoint should be asked, and whether this one did badly. */
export function judge(result: EndpointResult): 'good' | 'bad' | 'elsewhere' {
  if (result.kind === 'failed') return result.isOurs ? 'elsewhere' : 'bad';
  const codes = result.answers.flatMap((answer) => (answer.kind === 'error' ? [answer.code] : []));
  if (codes.some((code) => NODE_AT_FAULT.has(code))) return 'bad';
  return codes.some((code) => NOT_OFFERED.has(code)) ? 'elsewhere' : 'good';
}

export type Attempts = {
  /** Asks the endpoint at `place`, and notes how it did. */
  readonly at: (place: number, calls: readonly RpcCall[], signal: AbortSignal) => Promise<EndpointResult>;
  /** The places, in the order in which they should be asked now. */
  readonly order: () => readonly number[];
  readonly latencyMs: (place: number) => number;
  readonly name: (place: number) => string;
  /** Asks all of them for their slot, to see who is behind. */
  readonly compareSlots: (timeoutMs: number) => Promise<void>;
  readonly view: () => readonly EndpointView[];
};

export type OnCall = (endpoint: string, result: 'ok' | 'failed' | 'ours', seconds: number) => void;

/** `now` must be monotonic, ms. */
export function createAttempts(endpoints: readonly Endpoint[], now: () => number, onCall: OnCall): Attempts {
  let healths: Health[] = endpoints.map(() => NEW_HEALTH);
  const setHealth = (index: number, change: (health: Health) => Health) => {
    healths = healths.map((health, place) => (place === index ? change(health) : health));
  };

  async function attempt(index: number, calls: readonly RpcCall[], signal: AbortSignal): Promise<EndpointResult> {
    const endpoint = endpoints[index];
    if (!endpoint) return { kind: 'failed', detail: 'no such endpoint', isOurs: true, retryAfterMs: undefined };
    const startedAtMs = now();
    const result = await endpoint.send(calls, signal);
    const tookMs = now() - startedAtMs;
    const verdict = judge(result);
    if (verdict === 'good') setHealth(index, (health) => afterAnswer(health, tookMs));
    const waitMs = result.kind === 'failed' ? result.retryAfterMs : undefined;
    if (verdict === 'elsewhere' && signal.aborted) setHealth(index, (health) => afterSlow(health, tookMs));
    if (verdict === 'bad') setHealth(index, (health) => afterFailure(health, now(), waitMs));
    onCall(endpoint.name, verdict === 'good' ? 'ok' : verdict === 'bad' ? 'failed' : 'ours', tookMs / 1000);
    return result;
  }

  async function compareSlots(timeoutMs: number): Promise<void> {
    const call = [{ method: 'getSlot', params: [{ commitment: 'confirmed' }] }];
    const results = await Promise.all(
      endpoints.map((_, index) => attempt(index, call, AbortSignal.timeout(timeoutMs))),
    );
    const slots = results.map((result) => {
      const [first] = result.kind === 'answers' ? result.answers : [];
      return first?.kind === 'result' && typeof first.result === 'number' ? first.result : undefined;
    });
    healths = afterRound(healths, slots);
  }
  return {
    at: attempt,
    order: () => orderOf(healths, now()),
    latencyMs: (place) => healths[place]?.latencyMs ?? 0,
    name: (place) => endpoints[place]?.name ?? '',
    compareSlots,
    view: () =>
      endpoints.map(({ name }, index) => {
        const health = healths[index] ?? NEW_HEALTH;
        return {
          endpoint: name,
          score: Number(scoreOf(health).toFixed(3)),
          latency_ms: Number(health.latencyMs.toFixed(1)),
          failure_rate: Number(health.failureRate.toFixed(3)),
          slot: health.slot ?? null,
          lag_slots: health.lagSlots,
          resting: health.restsUntilMs > now(),
        };
      }),
  };
}

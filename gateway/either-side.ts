// Where a route may fall back: the decided side is asked, and the other one when that is down. One rule for requests and
// for WebSockets' handshakes, which count for the same breakers. Routes that may not fall back do not pay for it.
import type { Breakers, Ending } from './breakers.ts';
import type { Decision } from './routing/decide.ts';
import { otherSide, type Side } from './routing/side.ts';
import type { Upstreams } from './upstreams.ts';

export interface EitherSide<E extends Ending> {
  readonly routeId: string;
  readonly decision: Decision;
  readonly health: Upstreams['health'];
  /** Asks the side of a decision; `failed` is how the other one ended, if that was asked before. */
  attempt(by: Decision, failed: E | undefined): Promise<E>;
  /** Whether the other side may be asked after this: then the client has seen nothing of it. */
  mayFallBack(ending: E): boolean;
}

export interface Delivered<E extends Ending> {
  readonly result: E;
  /** The decision that the client was answered by: not the first one when its side was down. */
  readonly decision: Decision;
  /** What the first side did, when another had to answer in its stead. */
  readonly failed: E | undefined;
}

export async function askEitherSide<E extends Ending>(breakers: Breakers, asked: EitherSide<E>): Promise<Delivered<E>> {
  const { routeId, decision, health, attempt, mayFallBack } = asked;
  const guarded = (by: Decision, failed: E | undefined) => breakers.run(routeId, by.side, () => attempt(by, failed));
  const other: Decision = { side: otherSide(decision.side), shadow: undefined, reason: 'breaker' };

  const isDown = (side: Side) => health[side].healthy === false;
  const first = isDown(decision.side) ? undefined : await guarded(decision, undefined);
  if (first && !mayFallBack(first)) return { result: first, decision, failed: undefined };
  const instead: Decision = first ? { ...other, reason: 'fallback' } : other;
  const second = isDown(other.side) ? undefined : await guarded(instead, first);
  if (second) return { result: second, decision: instead, failed: first };
  // Both are down as far as anybody knows: the decided side has the better claim to fail it.
  return { result: first ?? (await attempt(decision, undefined)), decision, failed: undefined };
}

// What becomes of an open stream when its side no longer serves it, or when the gateway stops. Pure.
import type { StreamsConfig } from '../../config/gateway-schema.ts';
import { type CloseCode, GOING_AWAY, SERVICE_RESTART } from './close-frame.ts';

/** How a stream is to be closed. */
export interface ClosePlan {
  /** What a WebSocket's peers are told. */
  readonly code: CloseCode;
  /** How long to wait before it begins, so that clients do not all come back at once. */
  readonly delayMs: number;
  /** How long the close itself may take; then the stream is cut. */
  readonly deadlineMs: number;
}

/** A close that should be immediate still leaves the client this long to answer it. */
const CLOSE_DEADLINE_MS = 2_000;

/** The plan for a stream whose side has changed, or undefined when it stays. `random` is in [0, 1). */
export function flipPlan({ onFlip, drainMs, jitterMs }: StreamsConfig, random: number): ClosePlan | undefined {
  if (onFlip === 'pin') return undefined;
  if (onFlip === 'close') return { code: SERVICE_RESTART, delayMs: 0, deadlineMs: CLOSE_DEADLINE_MS };
  const delayMs = Math.round(random * Math.min(jitterMs, drainMs / 2));
  return { code: SERVICE_RESTART, delayMs, deadlineMs: drainMs - delayMs };
}

/** The plan for a stream of a gateway that stops within `withinMs`. Nothing can be pinned then. */
export function shutdownPlan({ onFlip, jitterMs }: StreamsConfig, random: number, withinMs: number): ClosePlan {
  const delayMs = onFlip === 'close' ? 0 : Math.round(random * Math.min(jitterMs, withinMs / 2));
  return { code: GOING_AWAY, delayMs, deadlineMs: withinMs - delayMs };
}

/** The plan for a stream on which nothing has moved for its idle time-out. */
export const IDLE_CLOSE = { code: GOING_AWAY, deadlineMs: CLOSE_DEADLINE_MS } as const;

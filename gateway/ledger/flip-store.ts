// The port to what gateways that share a ledger know of each other: which flips were made, who is there, and who follows.
import type { Side } from '../routing/side.ts';

/** A change by an operator that may move requests from one side to the other. */
export interface Flip {
  /** Grows with each flip, of whatever route. */
  readonly version: number;
  /** A route's id, ALL_ROUTES, or DEPLOYMENT. */
  readonly scope: string;
  readonly action: 'stage' | 'rollback' | 'lift' | 'deploy';
  /** The side that is to serve nobody any more. */
  readonly oldSide: Side | undefined;
  /** When the operator called, by the store's clock. */
  readonly atMs: number;
}

/** What a gateway knows of a flip that it follows, with all processes that serve there. */
export interface FlipAcknowledged {
  readonly version: number;
  /** From the operator's call until all of them followed. */
  readonly afterMs: number;
  /** From the operator's call until the end of the last request that the old side answered; 0 when none ended later. */
  readonly oldSideMs: number | undefined;
}

/** A gateway, as it says of itself. */
export interface GatewayInstance {
  /** Unlike that of any other process. */
  readonly id: string;
  readonly host: string;
  readonly pid: number;
  /** ISO 8601, UTC. */
  readonly startedAt: string;
  /** Processes that serve there. */
  readonly workers: number;
  /** Flips up to this one were made before it began. */
  readonly from: number;
  /** Of the latest flips. */
  readonly acknowledged: readonly FlipAcknowledged[];
}

export interface FlipsKnown {
  /** The store's clock. */
  readonly nowMs: number;
  /** The latest, the last one first. */
  readonly flips: readonly Flip[];
  /** With when each said so. One that has not for long is gone, and forgotten some time later. */
  readonly gateways: readonly (GatewayInstance & { readonly seenMs: number })[];
}

/** Flips that are remembered. */
export const FLIPS_MAX = 50;
/** A gateway that is gone is shown for so long. */
export const FORGOTTEN_MS = 3_600_000;

export interface FlipStore {
  /** Makes a flip known that was called for so many milliseconds ago; answers its version. */
  begin(flip: Omit<Flip, 'version' | 'atMs'>, agoMs: number): Promise<number>;
  /** Says that this gateway is there and what it follows, and answers what all have said. */
  beat(instance: GatewayInstance): Promise<FlipsKnown>;
  /** This gateway ends. */
  leave(id: string): Promise<void>;
}

// The circuits around the exchange: one for all when it fails, one for each user whose orders it keeps refusing.
import type { Clock } from '../domain/ids.ts';
import type { SubmitResult } from '../exchange/exchange.ts';
import { type Circuit, type CircuitSettings, createCircuit } from './circuit.ts';

/** Users remembered; the one that was refused or served longest ago is forgotten. */
const USERS_MAX = 10_000;

export type CircuitsSettings = { readonly errors: CircuitSettings; readonly rejects: CircuitSettings };

export const DEFAULT_CIRCUITS: CircuitsSettings = {
  errors: { windowMs: 30_000, triesMin: 20, failureShare: 0.5, pauseMs: 10_000 },
  rejects: { windowMs: 60_000, triesMin: 50, failureShare: 0.9, pauseMs: 30_000 },
};

export type Circuits = {
  readonly record: (userId: string, result: SubmitResult) => void;
  /** Why nothing of the user is to be sent now, or undefined. */
  readonly open: (userId: string) => string | undefined;
};

/** No fault of the order's: the exchange is away, or did not say. */
const isError = (result: SubmitResult) =>
  result.kind === 'unknown' || (result.kind === 'rejected' && result.reason === 'unreachable');

export function createCircuits(settings: CircuitsSettings, now: Clock): Circuits {
  const errors = createCircuit(settings.errors, now);
  const rejects = new Map<string, Circuit>();

  function rejectsOf(userId: string): Circuit {
    const circuit = rejects.get(userId) ?? createCircuit(settings.rejects, now);
    rejects.delete(userId); // Re-inserting makes the map's order the order of use.
    const oldest = rejects.keys().next().value;
    if (rejects.size >= USERS_MAX && oldest !== undefined) rejects.delete(oldest);
    rejects.set(userId, circuit);
    return circuit;
  }

  return {
    record(userId, result) {
      errors.record(isError(result));
      if (!isError(result)) rejectsOf(userId).record(result.kind === 'rejected');
    },
    open(userId) {
      if (errors.isOpen()) return 'the exchange fails too often';
      return rejects.get(userId)?.isOpen() ? 'the exchange refuses too many of this user’s orders' : undefined;
    },
  };
}

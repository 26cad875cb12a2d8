// Why a subscription ended, and what that means for the next attempt.
import { type ServiceError, status } from '@grpc/grpc-js';

export type Failure =
  /** The slot asked for is not kept any more; `availableSlot` is the oldest that is, when the server says so. */
  | { readonly kind: 'too_old'; readonly availableSlot: bigint | undefined; readonly detail: string }
  /** The server keeps nothing: only what happens from now on can be had of it. */
  | { readonly kind: 'no_replay'; readonly detail: string }
  /** It will not do what it is asked, and waiting does not help: a token or a filter that it does not take. */
  | { readonly kind: 'refused'; readonly detail: string }
  /** Anything else: the network, a restart, a server that says that this client lags behind. */
  | { readonly kind: 'lost'; readonly detail: string };

const REFUSED: readonly number[] = [status.UNAUTHENTICATED, status.PERMISSION_DENIED, status.INVALID_ARGUMENT];
/** In the words of yellowstone-grpc-geyser; there is no field for it. */
const AVAILABLE = /last available: (\d{1,20})\b/;
const NO_REPLAY = 'from_slot is not supported';

export const lost = (detail: string): Failure => ({ kind: 'lost', detail });

/** What a status that ended a call says. Details are the server's text; requests and tokens are not in them. */
export function failureOf({ code, details }: Pick<ServiceError, 'code' | 'details'>): Failure {
  const detail = `${status[code] ?? code}: ${details}`;
  if (code === status.OUT_OF_RANGE) {
    const slot = AVAILABLE.exec(details)?.[1];
    return { kind: 'too_old', availableSlot: slot === undefined ? undefined : BigInt(slot), detail };
  }
  if (code === status.INTERNAL && details.includes(NO_REPLAY)) return { kind: 'no_replay', detail };
  return REFUSED.includes(code) ? { kind: 'refused', detail } : lost(detail);
}

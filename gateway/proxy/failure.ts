// Everything that can go wrong with a forwarded request: a closed list, phase x side, and one table of what it means.
import type { ExchangeFailure } from '../upstream/exchange.ts';

export type ForwardFailure =
  | ExchangeFailure
  /** The body is larger than its route allows. */
  | 'request_too_large'
  /** The body comes more slowly than the limits allow. */
  | 'request_too_slow'
  /** More requests wait for this upstream than it may have. */
  | 'overloaded'
  /** The client went away, while it sent or while it was answered. */
  | 'client_left'
  /** The upstream did not begin its answer in time. */
  | 'upstream_timeout'
  /** The answer stalled after it had begun. */
  | 'response_stalled'
  /** The gateway's own code threw: a bug, of which neither side knows anything. */
  | 'internal_error';

export interface FailureMeaning {
  /** The status that the client gets, or that the log shows when it can get none. */
  readonly status: number;
  readonly blame: 'client' | 'upstream' | 'gateway';
  /** Whether the request provably never reached the upstream, so that sending it again is safe. */
  readonly unsent: boolean;
  readonly title: string;
}

export const FAILURES = {
  request_invalid: { status: 400, blame: 'client', unsent: true, title: 'The request cannot be forwarded' },
  request_too_large: {
    status: 413,
    blame: 'client',
    unsent: false,
    title: "The request's body is larger than this route allows",
  },
  request_too_slow: { status: 408, blame: 'client', unsent: false, title: "The request's body comes too slowly" },
  overloaded: { status: 503, blame: 'gateway', unsent: true, title: 'Too many requests wait for the backend' },
  connect_failed: { status: 502, blame: 'upstream', unsent: true, title: 'The backend cannot be reached' },
  connect_timeout: {
    status: 504,
    blame: 'upstream',
    unsent: true,
    title: 'The backend did not accept a connection in time',
  },
  // 499 is nginx's code for it: the client gets nothing, and the log does not show a misleading success.
  client_left: { status: 499, blame: 'client', unsent: false, title: 'The client closed the connection' },
  upstream_reset: {
    status: 502,
    blame: 'upstream',
    unsent: false,
    title: 'The backend closed the connection before it answered',
  },
  upstream_timeout: { status: 504, blame: 'upstream', unsent: false, title: 'The backend did not answer in time' },
  response_invalid: {
    status: 502,
    blame: 'upstream',
    unsent: false,
    title: 'The backend answered something that is not HTTP',
  },
  response_cut: { status: 502, blame: 'upstream', unsent: false, title: "The backend's answer broke off" },
  response_stalled: { status: 504, blame: 'upstream', unsent: false, title: "The backend's answer stalled" },
  internal_error: { status: 500, blame: 'gateway', unsent: false, title: 'The gateway failed to handle the request' },
} as const satisfies Record<ForwardFailure, FailureMeaning>;

/** How far an exchange with the upstream had come. */
export type Phase = 'connecting' | 'awaiting_response' | 'receiving_body';

/** Names what went wrong with a WebSocket's handshake, which Node's own client makes. */
export function classifyDialError(error: unknown, connected: boolean): ForwardFailure {
  const code = (error as { code?: unknown } | null)?.code;
  if (!connected) return code === 'ECONNECT_TIMEOUT' ? 'connect_timeout' : 'connect_failed';
  return typeof code === 'string' && code.startsWith('HPE_') ? 'response_invalid' : 'upstream_reset';
}

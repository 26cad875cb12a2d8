// Every error the API can answer: its code, its status and its title, in one table.

/** `detail` says what happened to this request; this says what kind of thing it is. */
const ERRORS = {
  invalid_request: { status: 400, title: 'The request is not valid' },
  unknown_symbol: { status: 400, title: 'The symbol is not known' },
  order_rejected: { status: 400, title: 'The exchange does not take such an order' },
  invalid_cursor: { status: 400, title: 'The cursor is not one of this list' },
  unauthenticated: { status: 401, title: 'Nobody knows who is calling' },
  forbidden: { status: 403, title: 'The caller may not do this' },
  shadow_refused: { status: 403, title: 'The dry run is not genuine' },
  order_not_found: { status: 404, title: 'There is no such order' },
  execution_not_found: { status: 404, title: 'There is no such execution' },
  position_not_found: { status: 404, title: 'There is no such position' },
  submission_not_found: { status: 404, title: 'There is no such submission' },
  target_not_found: { status: 404, title: 'There is no such target' },
  keys_not_found: { status: 404, title: 'There are no such keys' },
  not_found: { status: 404, title: 'There is nothing here' },
  order_not_cancellable: { status: 409, title: 'The order can no longer be cancelled' },
  order_not_amendable: { status: 409, title: 'The order cannot be changed' },
  order_in_flight: { status: 409, title: 'The order is still being decided' },
  target_not_changeable: { status: 409, title: 'The target is past that' },
  keys_in_use: { status: 409, title: 'The keys are in use' },
  body_too_large: { status: 413, title: 'The body is too large' },
  idempotency_conflict: { status: 422, title: 'The Idempotency-Key was used for another request' },
  log_too_long: { status: 422, title: 'The log is longer than one answer may read' },
  risk_denied: { status: 422, title: 'Risk does not allow it' },
  transaction_refused: { status: 422, title: 'The chain would not take the transaction' },
  no_route: { status: 422, title: 'Nobody trades this' },
  internal: { status: 500, title: 'Something went wrong here' },
  storage: { status: 500, title: 'The store failed' },
  auth_unavailable: { status: 503, title: 'Nobody can say now who is calling' },
  shadow_unverifiable: { status: 503, title: 'The dry run cannot be verified now' },
  streams_full: { status: 503, title: 'No more streams can be opened here' },
  solana_unavailable: { status: 503, title: 'The chain could not be asked' },
  exchange_refused: { status: 502, title: 'The exchange refused' },
  exchange_unclear: { status: 502, title: 'The exchange did not confirm' },
} as const satisfies Record<string, { status: number; title: string }>;

export type ErrorCode = keyof typeof ERRORS;
/** `members` are what this kind of problem says besides (RFC 9457 section 3.2). */
export type Problem = {
  readonly code: ErrorCode;
  readonly detail: string;
  readonly members?: Readonly<Record<string, unknown>>;
};

export const isErrorCode = (text: string): text is ErrorCode => Object.hasOwn(ERRORS, text);

export function problem(code: ErrorCode, detail: string, members?: Problem['members']): Problem {
  return { code, detail, ...(members && { members }) };
}

export const statusOf = (code: ErrorCode): number => ERRORS[code].status;

/** RFC 9457. The answer to a server's fault carries the request's id, under which the log has the cause. */
export function problemResponse({ code, detail, members }: Problem, requestId?: string): Response {
  const { status, title } = ERRORS[code];
  const body = JSON.stringify({ type: `urn:banyan:error:${code}`, title, status, detail, code, ...members });
  const headers: Record<string, string> = { 'content-type': 'application/problem+json' };
  if (status === 401) headers['www-authenticate'] = 'Bearer'; // RFC 9110 section 15.5.2.
  if (requestId !== undefined) headers['x-request-id'] = requestId;
  return new Response(body, { status, headers });
}

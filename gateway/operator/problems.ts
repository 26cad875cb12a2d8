// How the operator's API refuses: every error as problem details (RFC 9457).
import { HTTPException } from 'hono/http-exception';
import { PROBLEM_TYPE, problemBody } from '../problem.ts';
import { ControlError, StaleError } from '../rollout/changes.ts';
import { LoginError } from './access/oidc.ts';
import { type OperatorContext, type OperatorDeps, Refusal } from './context.ts';
import { staleRefusal } from './stale.ts';

const CONTROL_STATUS = {
  unknown_route: 404,
  unknown_rule: 404,
  invalid: 400,
  stale: 412,
  nothing_to_lift: 409,
  conflict: 409,
  gate_not_met: 422,
  not_stored: 500,
  fenced: 409,
  flag_source: 502,
} as const satisfies Record<ControlError['kind'], number>;

const LOGIN_STATUS = { unreachable: 502, refused: 403 } as const satisfies Record<LoginError['kind'], number>;

const TITLES: Readonly<Record<number, string>> = {
  400: 'Bad Request',
  401: 'Unauthorized',
  403: 'Forbidden',
  404: 'Not Found',
  409: 'Conflict',
  412: 'Precondition Failed',
  413: 'Content Too Large',
  415: 'Unsupported Media Type',
  421: 'Misdirected Request',
  422: 'Unprocessable Content',
  428: 'Precondition Required',
  429: 'Too Many Requests',
  500: 'Internal Server Error',
  502: 'Bad Gateway',
  503: 'Service Unavailable',
};

interface Refused {
  readonly status: number;
  readonly detail: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly extra?: Readonly<Record<string, unknown>>;
}

export function problem(c: OperatorContext, { status, detail, headers = {}, extra = {} }: Refused): Response {
  const requestId = c.get('requestId');
  const body = problemBody({ status, title: TITLES[status] ?? 'Error', detail, requestId, ...extra });
  return new Response(body, { status, headers: { 'content-type': PROBLEM_TYPE, ...headers } });
}

/** Answers an error. What nobody has foreseen is logged, and says nothing of itself. */
export async function refuse(
  deps: Pick<OperatorDeps, 'raised' | 'ledger'>,
  thrown: unknown,
  c: OperatorContext,
): Promise<Response> {
  const error = thrown instanceof StaleError ? await staleRefusal(deps, thrown) : thrown;
  if (error instanceof Refusal) {
    const { status, message: detail, headers, extra } = error;
    return problem(c, { status, detail, headers, extra });
  }
  if (error instanceof HTTPException) return problem(c, { status: error.status, detail: error.message });
  if (error instanceof ControlError) return problem(c, { status: CONTROL_STATUS[error.kind], detail: error.message });
  if (error instanceof LoginError) return problem(c, { status: LOGIN_STATUS[error.kind], detail: error.message });
  deps.raised('operator', error);
  return problem(c, { status: 500, detail: "something failed; the gateway's log has it under this request id" });
}

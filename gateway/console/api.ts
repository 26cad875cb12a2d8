// Calls of the operator's API. The session is a cookie that no script can read; a write says what it was based on.

/** How long an answer is waited for. A gateway that hangs must not look like one that is fine. */
const TIMEOUT_MS = 10_000;

/** What the API says when it refuses (RFC 9457), or what happened instead of an answer. */
export class ApiError extends Error {
  readonly status: number;
  readonly problem: Readonly<Record<string, unknown>>;

  constructor(status: number, message: string, problem: Readonly<Record<string, unknown>> = {}) {
    super(message);
    this.status = status;
    this.problem = problem;
  }
}

export interface Answer<Body> {
  readonly body: Body;
  readonly etag: string | undefined;
}

export interface Write {
  readonly method: 'POST' | 'PUT' | 'DELETE';
  readonly body?: object;
  /** The entity tag of what the operator has seen; without one the write is made whatever has changed since. */
  readonly ifMatch?: string;
}

export async function read<Body>(path: string): Promise<Answer<Body>> {
  return call(path, { method: 'GET' });
}

export async function write<Body>(path: string, { method, body = {}, ifMatch }: Write): Promise<Answer<Body>> {
  return call(path, {
    method,
    body: JSON.stringify(body),
    headers: {
      'content-type': 'application/json',
      // A call that is sent twice, because its answer was lost, is carried out once.
      'idempotency-key': crypto.randomUUID(),
      ...(ifMatch === undefined ? {} : { 'if-match': ifMatch }),
    },
  });
}

async function call<Body>(path: string, init: RequestInit): Promise<Answer<Body>> {
  const headers = new Headers(init.headers);
  headers.set('x-banyan-client', 'console');
  let response: Response;
  try {
    response = await fetch(path, { ...init, headers, signal: AbortSignal.timeout(TIMEOUT_MS) });
  } catch (error) {
    const timedOut = error instanceof DOMException && error.name === 'TimeoutError';
    throw new ApiError(0, timedOut ? `no answer within ${TIMEOUT_MS / 1_000} s` : 'the gateway cannot be reached');
  }
  const body: unknown = await response.json().catch(() => undefined);
  if (!response.ok) throw refused(response.status, body);
  return { body: body as Body, etag: response.headers.get('etag') ?? undefined };
}

function refused(status: number, body: unknown): ApiError {
  const problem = typeof body === 'object' && body !== null ? (body as Record<string, unknown>) : {};
  const { detail, title } = problem;
  const message = typeof detail === 'string' ? detail : typeof title === 'string' ? title : `status ${status}`;
  return new ApiError(status, message, problem);
}

// Answers that go straight to a connection because no request, or none that may be answered by the ordinary way, is
// there to be answered.
import { randomUUID } from 'node:crypto';
import { STATUS_CODES } from 'node:http';
import type { Duplex } from 'node:stream';
import { PROBLEM_TYPE, problemBody } from '../problem.ts';
import { endAndLinger } from '../proxy/linger.ts';
import { REFUSALS, type RefusalReason } from './refusal.ts';

export interface Refused {
  readonly reason: RefusalReason;
  /** What the client was told; undefined when it was told nothing. */
  readonly status: number | undefined;
  readonly requestId: string | undefined;
}

/** Answers with problem details and closes once the client can have read them. To HEAD there is no content (RFC 9110 section 9.3.2). */
export function refuse(socket: Duplex, reason: RefusalReason, method?: string): Refused {
  const { refused, head, body } = refusal(reason);
  socket.write(method === 'HEAD' ? head : head + body);
  endAndLinger(socket);
  return refused;
}

/** Answers a request that is under way, and closes at once, so that its upstream is left at once too. */
export function cutWith(socket: Duplex, reason: RefusalReason): Refused {
  const { refused, head, body } = refusal(reason);
  socket.end(head + body, () => socket.destroy());
  return refused;
}

/** Closes without an answer, because one has begun or would be taken for another request's. */
export function cut(socket: Duplex, reason: RefusalReason): Refused {
  socket.destroy();
  return { reason, status: undefined, requestId: undefined };
}

function refusal(reason: RefusalReason): { refused: Refused; head: string; body: string } {
  const { status, title } = REFUSALS[reason];
  const requestId = randomUUID();
  const detail = `${title} (${reason}). The connection is closed; the gateway's log has this under the request id.`;
  const body = problemBody({ status, title, detail, requestId, code: reason });
  const lines = [
    `HTTP/1.1 ${status} ${STATUS_CODES[status]}`,
    `date: ${new Date().toUTCString()}`,
    `content-type: ${PROBLEM_TYPE}`,
    `content-length: ${Buffer.byteLength(body)}`,
    `x-request-id: ${requestId}`,
    'connection: close',
  ];
  return { refused: { reason, requestId, status }, head: `${lines.join('\r\n')}\r\n\r\n`, body };
}

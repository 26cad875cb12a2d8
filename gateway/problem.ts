// Errors of the gateway's own, as RFC 9457 problem details. An upstream's error answers pass through untouched.
import type { ServerResponse } from 'node:http';

export interface Problem {
  readonly status: number;
  readonly title: string;
  readonly detail: string;
  readonly requestId: string;
  readonly [extension: string]: unknown;
}

export const PROBLEM_TYPE = 'application/problem+json';

export function problemBody(problem: Problem): string {
  return JSON.stringify({ type: 'about:blank', ...problem });
}

/** Answers a request of the traffic listener with a problem. */
export function sendProblem(outgoing: ServerResponse, problem: Problem, added: readonly string[]): void {
  const body = problemBody(problem);
  const length = String(Buffer.byteLength(body));
  const headers = ['content-type', PROBLEM_TYPE, 'content-length', length, 'x-request-id', problem.requestId];
  outgoing.writeHead(problem.status, [...headers, ...added]);
  outgoing.end(body);
}

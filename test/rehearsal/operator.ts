// The operator's hands and eyes: the gateway's API, as a script of an operator's would use it.
import { z } from 'zod';
import { type RouteDetail, routeDetail } from '../../gateway/operator/contract/routes.ts';

export interface Operator {
  /** The route as the API tells of it. */
  route(id: string): Promise<RouteDetail>;
  move(id: string, place: { readonly stage: string; readonly percent?: number }, reason: string): Promise<void>;
  plan(id: string, action: 'start' | 'promote', reason: string): Promise<void>;
  rollBack(id: string, reason: string): Promise<void>;
  lift(id: string, reason: string): Promise<void>;
  /** How many entries the audit log has. */
  auditEntries(): Promise<number>;
}

const TIMEOUT_MS = 10_000;

/** `address` is host:port. What the API refuses is an error with what it said. */
export function createOperator(address: string, token: string): Operator {
  async function call(method: string, path: string, body?: object): Promise<unknown> {
    const response = await fetch(`http://${address}/api${path}`, {
      ...{ method, signal: AbortSignal.timeout(TIMEOUT_MS), body: body === undefined ? null : JSON.stringify(body) },
      headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json', 'if-match': '*' },
    });
    const text = await response.text();
    if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${text}`);
    return JSON.parse(text);
  }
  return {
    route: async (id) => routeDetail.parse(await call('GET', `/routes/${id}`)),
    move: async (id, place, reason) => void (await call('PUT', `/routes/${id}/stage`, { ...place, reason })),
    plan: async (id, action, reason) => void (await call('POST', `/routes/${id}/plan`, { action, reason })),
    rollBack: async (id, reason) => void (await call('POST', `/routes/${id}/rollback`, { reason })),
    lift: async (id, reason) => void (await call('DELETE', `/routes/${id}/rollback`, { reason })),
    async auditEntries() {
      const { head } = z
        .object({ head: z.object({ id: z.number() }).nullable() })
        .parse(await call('GET', '/audit?limit=1'));
      return head?.id ?? 0;
    },
  };
}

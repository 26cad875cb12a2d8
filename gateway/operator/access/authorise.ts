// Whether a caller may: the table of operations says which role each needs, and what is not in it nobody may.
import type { Hono, MiddlewareHandler } from 'hono';
import { matchedRoutes } from 'hono/route';
import { type OperatorContext, type OperatorEnv, Refusal } from '../context.ts';
import { OPERATIONS, type Operation, operationAt } from '../contract/operations.ts';
import { unauthorised } from './access.ts';
import { mayAct } from './caller.ts';

export const authorise: MiddlewareHandler<OperatorEnv> = async function authorise(c, next) {
  const target = targetOf(c);
  const operation = target && operationAt(target.method, target.path);
  if (operation?.access !== 'anyone') refuseUnlessAllowed(c, operation, target !== undefined);
  if (operation) c.set('operation', operation);
  await next();
};

function refuseUnlessAllowed(c: OperatorContext, operation: Operation | undefined, exists: boolean): void {
  const caller = c.get('caller');
  if (!caller) {
    throw unauthorised('send Authorization: Bearer TOKEN with one of the configured tokens, or sign in');
  }
  if (!exists) return; // There is no such thing; which a caller whom we know may be told.
  if (!operation || operation.access === 'anyone') {
    throw new Refusal(403, 'no role is said to be enough for this; that is a fault of the gateway');
  }
  if (mayAct(caller, operation.access)) return;
  throw new Refusal(403, `${caller.name} is ${caller.role}; this needs the role ${operation.access}`);
}

/** The handler that the request will come to, as its method and path. Middleware counts for every method. */
function targetOf(c: OperatorContext): { readonly method: string; readonly path: string } | undefined {
  return matchedRoutes(c).find(({ method }) => method !== 'ALL');
}

/** Has a route that the table lacks, and an operation without a route, found out when the gateway starts. @throws */
export function checkOperations({ routes }: Pick<Hono<OperatorEnv>, 'routes'>): void {
  const there = new Set(routes.filter(({ method }) => method !== 'ALL').map(({ method, path }) => `${method} ${path}`));
  const described = new Set(OPERATIONS.map(({ method, path }) => `${method} ${path}`));
  const missing = [...there].filter((target) => !described.has(target));
  if (missing.length > 0) throw new Error(`OPERATIONS of operator/contract/operations.ts lacks ${missing.join(', ')}`);
  const gone = [...described].filter((target) => !there.has(target));
  if (gone.length > 0) throw new Error(`no route of the operator's API is ${gone.join(', ')}`);
}

// What `banyan plan` and `banyan promote` do.
import { z } from 'zod';
import type { Result } from './answer.ts';
import type { ApiClient } from './client.ts';
import { routePath } from './commands.ts';
import { CommandError, EXIT } from './exit.ts';
import { planLines, planSchema, routeSchema } from './render.ts';

export interface PlanOptions {
  readonly reason: string;
  /** Of promote: pass over gates that are not met. */
  readonly force?: boolean;
}

const answerSchema = z.looseObject({ plan: planSchema });

/** Shows a route's plan. */
export async function showPlan(api: ApiClient, id: string): Promise<Result> {
  const { body } = await api.get(routePath(id));
  const { plan } = routeSchema.parse(body);
  if (!plan)
    throw new CommandError(EXIT.usage, `${id} names no plan; give the route "plan: NAME" in the configuration`);
  return { json: plan, text: [id, ...planLines(plan)].join('\n') };
}

export async function actOnPlan(api: ApiClient, id: string, action: string, options: PlanOptions): Promise<Result> {
  const { etag } = await api.get(routePath(id));
  const { reason, force } = options;
  const request = { action, reason, ...(force ? { force } : {}) };
  const { body } = await api.send('POST', routePath(id, '/plan'), request, etag);
  const { plan } = answerSchema.parse(body);
  return { json: body, text: [id, ...planLines(plan)].join('\n') };
}

// A deployment: how another version of the new backend takes over, as a state machine. Pure; deployments.ts lives it.
//
//   canary ──▶ watching ──▶ done
//      └──────────┴───────────┴──▶ returned
import { z } from 'zod';
import type { DeployConfig } from '../../config/deploy-schema.ts';
import type { BothServed } from './facts.ts';
import { count } from './gates/verdict.ts';
import { servedBadness } from './guard.ts';

/** `watching`: the incoming version serves, and the outgoing one is kept ready. */
export const DEPLOYMENT_STATUSES = ['canary', 'watching', 'done', 'returned'] as const;

/** What documents look like; those of another layout are not read. */
const DEPLOYMENT_LAYOUT = 1;

const deployment = z.object({
  from: z.string(),
  to: z.string(),
  status: z.enum(DEPLOYMENT_STATUSES),
  /** Of the new side's users whom the incoming version serves during the canary. */
  percent: z.number(),
  /** When it came to its status, ISO 8601 in UTC. */
  enteredAt: z.string(),
  /** Who asked for what is in force, and why. */
  actor: z.string(),
  reason: z.string(),
});
export type Deployment = Readonly<z.output<typeof deployment>>;

const document = z.object({ layout: z.literal(DEPLOYMENT_LAYOUT), deployment });

export function documentOf(state: Deployment): string {
  return JSON.stringify({ layout: DEPLOYMENT_LAYOUT, deployment: state });
}

/** @throws when another release has written it in a way that this one does not know. */
export function deploymentIn(text: string): Deployment {
  const parsed = document.safeParse(JSON.parse(text));
  if (!parsed.success) throw new Error('the deployment was stored by another release; use that, or a later one');
  return parsed.data.deployment;
}

/** What is known of both versions while both are there. */
export interface DeploymentFacts {
  /** What the outgoing version (as `legacy`) and the incoming one (as `new`) served, over one window each. */
  readonly windows: readonly BothServed[];
  /** Requests that the incoming version has served since the deployment came to its status, or this process began. */
  readonly requests: number;
  /** What the health checks say; undefined where nobody knows yet. */
  readonly healthy: { readonly from: boolean | undefined; readonly to: boolean | undefined };
  /** Since it came to its status. */
  readonly ageMs: number;
}

export type DeploymentMove =
  | { readonly kind: 'hold'; readonly sentence: string }
  /** `basis` is what the audit log keeps of the numbers. */
  | { readonly kind: 'move'; readonly status: Deployment['status']; readonly sentence: string };

/** Whether both versions are there, one of them on trial. */
export function isUnderWay({ status }: Pick<Deployment, 'status'>): boolean {
  return status === 'canary' || status === 'watching';
}

/** What to do with a deployment that is under way. A version that is bad goes back, unless the one before is down too. */
export function nextMove(
  { from, to, status, percent }: Deployment,
  facts: DeploymentFacts,
  limits: DeployConfig,
): DeploymentMove {
  const bad = problemOf(to, from, facts, limits);
  if (bad !== undefined) {
    if (facts.healthy.from !== false) return { kind: 'move', status: 'returned', sentence: bad };
    return { kind: 'hold', sentence: `${bad}; it stays, since ${from} does not answer its health check either` };
  }
  const leastMs = status === 'canary' ? limits.canaryMs : limits.watchMs;
  if (facts.ageMs < leastMs) return { kind: 'hold', sentence: `for ${leastMs} ms at least` };
  if (status === 'watching') {
    return { kind: 'move', status: 'done', sentence: `${to} has served well for ${leastMs} ms` };
  }
  if (facts.requests < limits.samplesMin) {
    const seen = `${to} has served ${count(facts.requests)} requests, ${count(limits.samplesMin)} are needed`;
    return { kind: 'hold', sentence: `inconclusive: ${seen}` };
  }
  const served = `${to} has served ${count(facts.requests)} requests of ${percent} % of the users as well as ${from}`;
  return { kind: 'move', status: 'watching', sentence: served };
}

function problemOf(
  to: string,
  from: string,
  { windows, healthy }: DeploymentFacts,
  limits: DeployConfig,
): string | undefined {
  if (healthy.to === false) return `${to} does not answer its health check`;
  for (const served of windows) {
    const found = servedBadness(served, limits, { legacy: from, new: to });
    if (found) return found.sentence;
  }
  return undefined;
}

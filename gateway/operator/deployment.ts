// The API of deployments: which version of the new side's backend serves; have another take over; take it back.
import { Hono } from 'hono';
import { DEPLOYMENT } from '../ledger/plan-store.ts';
import { acknowledge } from './acknowledge.ts';
import {
  actorOf,
  entityTag,
  expectedRevision,
  type OperatorContext,
  type OperatorDeps,
  type OperatorEnv,
  readBody,
  readReason,
} from './context.ts';
import { deployBody } from './contract/deployment.ts';

export function deploymentApi(deps: OperatorDeps): Hono<OperatorEnv> {
  const { deployments } = deps;
  const answer = (c: OperatorContext, extra: object = {}) => {
    const view = deployments.view();
    c.header('etag', entityTag(view.revision));
    return c.json({ ...view, ...extra });
  };
  const flip = (c: OperatorContext) => ({ action: 'deploy', oldSide: undefined, calledAt: c.get('calledAt') }) as const;
  return new Hono<OperatorEnv>()
    .get('/', (c) => answer(c))
    .post('/', async (c) => {
      const { version, percent, reason } = await readBody(c, deployBody);
      const actor = actorOf(c, reason);
      await deployments.begin({ version, percent, actor, expected: expectedRevision(c) });
      return answer(c, await acknowledge(deps, DEPLOYMENT, actor, flip(c)));
    })
    .delete('/', async (c) => {
      const actor = actorOf(c, await readReason(c));
      const { durable } = await deployments.takeBack(actor);
      return answer(c, { durable, ...(await acknowledge(deps, DEPLOYMENT, actor, flip(c))) });
    });
}

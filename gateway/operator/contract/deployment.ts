// Deployments, as the API says them: the versions of the new side's backend, and how one takes over from another.
import { z } from 'zod';
import { DEPLOYMENT_STATUSES } from '../../rollout/deployment.ts';
import { count, instant, list, named, revision } from './named.ts';
import { reason } from './reason.ts';

const version = z.strictObject({
  version: z.string(),
  url: z.string(),
  percent: z.number().describe("Of the new side's users whom it serves."),
});

const shape = {
  versions: list(named('Version', version)).describe('As configured; none where upstreams.new.deploy is not.'),
  deployment: named(
    'Deployment',
    z.strictObject({
      from: z.string(),
      to: z.string(),
      status: z
        .enum(DEPLOYMENT_STATUSES)
        .describe('watching: the incoming version serves, and the outgoing one is kept ready for a return.'),
      percent: z.number().describe('Share of the users whom the incoming version serves during the canary.'),
      enteredAt: instant,
      actor: z.string(),
      reason: z.string(),
      holds: z.string().nullable().describe('Why it does not go on now.'),
    }),
  )
    .nullable()
    .describe('The last one that was begun.'),
  revision,
};
const acknowledged = {
  flip: count.optional().describe('Its version, for /api/status.'),
  acknowledged: z.strictObject({ workers: count, of: count }).optional(),
};

export const deployment = named('DeploymentState', z.strictObject(shape));
export const changedDeployment = named('ChangedDeployment', z.strictObject({ ...shape, ...acknowledged }));
export const returnedDeployment = named(
  'ReturnedDeployment',
  z.strictObject({
    ...{ ...shape, ...acknowledged },
    durable: z.boolean().describe('Whether it would survive a restart by now.'),
  }),
);
export const deployBody = named(
  'Deploy',
  z.strictObject({
    version: z.string().describe('The one that is to take over.'),
    percent: z
      .number()
      .min(0.01)
      .max(100)
      .optional()
      .describe(
        'Of the users whom it serves first; 100 leaves the canary out. Default: upstreams.new.deploy.canaryPercent.',
      ),
    reason,
  }),
);

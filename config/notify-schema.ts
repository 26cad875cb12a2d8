// Who is told of what happens to routes, and by what way.
import { z } from 'zod';
import { variableName } from './secret.ts';

/** From the least on. */
export const SEVERITIES = ['info', 'warning', 'critical'] as const;
export type Severity = (typeof SEVERITIES)[number];

/** What can be told, as the type of a CloudEvent without its `dev.banyan.`. Names are for good: receivers rely on them. */
export const NOTICE_TYPES = [
  'route.promoted',
  'route.moved_back',
  'route.held',
  'route.rolled_back',
  'deployment.moved',
  'deployment.returned',
  'override.lifted',
  'plan.completed',
  'plan.aborted',
  'plan.paused',
  'upstream.down',
  'upstream.up',
  'flags.lost',
  'flags.back',
  'ledger.lost',
  'ledger.back',
  'config.refused',
  'rule.expires_soon',
  'rule.expired',
] as const;
export type NoticeType = (typeof NOTICE_TYPES)[number];

const TARGETS_MAX = 20;

export const targetUrl = z
  .url({ protocol: /^https?$/, message: 'expected a URL such as https://hooks.example/banyan' })
  .refine((text) => !URL.canParse(text) || !(new URL(text).username || new URL(text).password), {
    message: 'expected a URL without credentials',
  });

const common = {
  name: z
    .string()
    .regex(/^[a-z0-9][a-z0-9._-]{0,49}$/, 'expected a name such as on-call')
    .describe("The target's name in the API, the log and metrics."),
  url: targetUrl.optional().describe('Where it is sent to; better urlEnv where who knows it may write there.'),
  urlEnv: variableName
    .optional()
    .describe('Instead: environment variable with the URL; NAME_FILE may name a file instead.'),
  severity: z.enum(SEVERITIES).default('warning').describe('Events of this severity and above are sent.'),
  events: z.array(z.enum(NOTICE_TYPES)).min(1).optional().describe('Only these; without it all.'),
  routes: z
    .array(z.string().min(1))
    .min(1)
    .optional()
    .describe('Only events of these routes, and those that are about no single one.'),
};

const webhook = z.strictObject({
  kind: z.literal('webhook').describe('A CloudEvent in JSON, signed as Standard Webhooks says.'),
  ...common,
  secretEnv: variableName.describe(
    'Environment variable with the secret that signs, as whsec_BASE64; two while they are changed. NAME_FILE may name a file instead.',
  ),
});

const slack = z.strictObject({
  kind: z.literal('slack').describe('An incoming webhook of Slack, or of what takes the same.'),
  ...common,
});

const target = z
  .discriminatedUnion('kind', [webhook, slack], { error: 'expected kind: webhook, or kind: slack' })
  .refine(({ url, urlEnv }) => (url === undefined) !== (urlEnv === undefined), {
    message: 'give url, or urlEnv, and not both',
    path: ['url'],
  });

export const notifications = z
  .array(target)
  .max(TARGETS_MAX)
  .superRefine((targets, context) => {
    targets.forEach(({ name }, index) => {
      if (targets.findIndex((each) => each.name === name) === index) return;
      context.addIssue({ code: 'custom', path: [index, 'name'], message: `two targets are called ${name}` });
    });
  })
  .default([]);

export type NotifyConfig = z.output<typeof notifications>[number];

// Rules for comparing, as the API says them.
import { z } from 'zod';
import { RULE_STATES } from '../../rollout/rule-state.ts';
import { instant, list, named, revision } from './named.ts';
import { reason } from './reason.ts';
import { acknowledged } from './rollout.ts';

const rule = {
  id: z.string(),
  route: z.string(),
  kind: z.string().describe("The list of the route's compare block that it belongs to."),
  source: z.enum(['config', 'operator']),
  rule: z.record(z.string(), z.unknown()).describe('What the rule itself says: its path, and the fields of its kind.'),
  reason: z.string(),
  owner: z.string(),
  expires: z.string().nullable(),
  permanent: z.string().nullable().describe('Why it has no last day.'),
  createdBy: z.string().nullable(),
  createdAt: instant.nullable(),
  state: z.enum(RULE_STATES),
  daysLeft: z.number().int().nullable(),
};
const covers = z
  .number()
  .int()
  .nullable()
  .describe('Requests in which a difference was found that it covers; null where that is not counted.');

/** What every rule has; the other fields are those of its kind, and are checked as the configuration's are. */
export const ruleBody = named(
  'RuleRequest',
  z.looseObject({ route: z.string(), kind: z.string(), reason, permanent: reason.optional() }),
);
export const rulesQuery = z.strictObject({ route: z.string().optional() });
export const ruleList = named(
  'RuleList',
  z.strictObject({ revision, rules: list(z.strictObject({ ...rule, covers })) }),
);
export const madeRule = named('MadeRule', z.strictObject({ ...rule, revision, acknowledged }));
export const removedRule = named(
  'RemovedRule',
  z.strictObject({ id: z.string(), route: z.string(), revision, acknowledged }),
);

const count = z.number().int();
const hidden = z.strictObject({
  path: z.string(),
  kind: z.enum(['changed', 'type', 'missing', 'extra', 'order', 'length']),
  count,
  critical: z.boolean(),
});
export const rulePreview = named(
  'RulePreview',
  z.strictObject({
    basis: z.enum(['counted', 'samples']),
    hidden: count,
    of: count,
    differences: list(hidden),
    samples: z.strictObject({ of: count, judged: count, wouldMatch: count }),
    warnings: list(z.string()),
  }),
);

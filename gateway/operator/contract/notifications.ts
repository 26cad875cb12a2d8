// Who is told of what happens, and whether that arrives.
import { z } from 'zod';
import { SEVERITIES } from '../../../config/notify-schema.ts';
import { count, list, named } from './named.ts';

export const notificationTargets = named(
  'NotificationTargets',
  z.strictObject({
    targets: list(
      z.strictObject({
        name: z.string(),
        kind: z.enum(['webhook', 'slack']),
        severity: z.enum(SEVERITIES),
        waiting: count,
        sent: count,
        failed: count,
        dropped: count,
        problem: z.string().optional().describe('Why messages do not arrive.'),
      }),
    ),
  }),
);
export const testBody = named(
  'NotificationTest',
  z.strictObject({ target: z.string().optional().describe('One of the targets; without it all.') }),
);
export const testResults = named(
  'NotificationTestResults',
  z.strictObject({
    results: list(
      z.strictObject({
        target: z.string(),
        ok: z.boolean(),
        status: z.number().int().nullable(),
        problem: z.string().nullable(),
      }),
    ),
  }),
);

// The API of notifications: who is told, how that goes, and whether it arrives.
import { Hono } from 'hono';
import { z } from 'zod';
import { type OperatorDeps, type OperatorEnv, Refusal, readBody, requireRole } from './context.ts';

const testBody = z.strictObject({ target: z.string().optional() });

export function notificationsApi({ notifier, settings }: OperatorDeps): Hono<OperatorEnv> {
  return new Hono<OperatorEnv>()
    .get('/', (c) => c.json({ targets: notifier.targets() }))
    .post('/test', requireRole('operator'), async (c) => {
      const { target } = await readBody(c, testBody);
      const { environment } = settings.current.config;
      const sentence = `${c.get('caller').name} asked for this test; nothing has happened in ${environment}`;
      const results = await notifier.test(target, sentence);
      if (!results) throw new Refusal(404, `no target is called ${target}; GET /api/notifications lists them`);
      return c.json({ results });
    });
}

// The API of notifications: who is told, how that goes, and whether it arrives.
import { Hono } from 'hono';
import { callerOf, type OperatorDeps, type OperatorEnv, Refusal, readBody } from './context.ts';
import { testBody } from './contract/notifications.ts';

export function notificationsApi({ notifier, settings }: OperatorDeps): Hono<OperatorEnv> {
  return new Hono<OperatorEnv>()
    .get('/', (c) => c.json({ targets: notifier.targets() }))
    .post('/test', async (c) => {
      const { target } = await readBody(c, testBody);
      const { environment } = settings.current.config;
      const sentence = `${callerOf(c).name} asked for this test; nothing has happened in ${environment}`;
      const results = await notifier.test(target, sentence);
      if (!results) throw new Refusal(404, `no target is called ${target}; GET /api/notifications lists them`);
      return c.json({ results });
    });
}

// What `banyan notify` does: list who is told, and try whether it arrives.
import type { Command } from 'commander';
import { z } from 'zod';
import type { Answer, Result } from './answer.ts';
import type { ApiClient } from './client.ts';
import { EXIT } from './exit.ts';
import { table } from './table.ts';

const targetsSchema = z.looseObject({
  targets: z.array(
    z.looseObject({
      ...{ name: z.string(), kind: z.string(), severity: z.string() },
      ...{ waiting: z.number(), sent: z.number(), failed: z.number(), dropped: z.number() },
      problem: z.string().optional(),
    }),
  ),
});
const resultsSchema = z.looseObject({
  results: z.array(z.looseObject({ target: z.string(), ok: z.boolean(), problem: z.string().nullable() })),
});

const NOBODY = 'nobody is told: the configuration has no notifications';

async function listTargets(api: ApiClient): Promise<Result> {
  const { body } = await api.get('/api/notifications');
  const { targets } = targetsSchema.parse(body);
  const rows = targets.map(({ name, kind, severity, waiting, sent, failed, dropped, problem = '' }) => [
    ...[name, kind, severity, String(waiting), String(sent), String(failed), String(dropped), problem],
  ]);
  const heads = ['TARGET', 'KIND', 'FROM', 'WAITING', 'SENT', 'FAILED', 'DROPPED', 'PROBLEM'];
  return { json: body, text: table(heads, rows, NOBODY) };
}

async function testTargets(api: ApiClient, target: string | undefined): Promise<Result> {
  const { body } = await api.send('POST', '/api/notifications/test', target === undefined ? {} : { target });
  const { results } = resultsSchema.parse(body);
  const lines = results.map(({ target: name, ok, problem }) => `${name}: ${ok ? 'taken' : `not taken: ${problem}`}`);
  const text = lines.length > 0 ? lines.join('\n') : NOBODY;
  return { json: body, text, ...(results.every(({ ok }) => ok) ? {} : { code: EXIT.error }) };
}

export function addNotifyCommands(program: Command, answer: Answer): void {
  const notify = program
    .command('notify')
    .description('list who is told of what happens, and how that goes')
    .action(() => answer(listTargets)());
  notify
    .command('test [target]')
    .description('send a test to one target, or to all, and say what came of it; exit code 1 when one does not take it')
    .action((target: string | undefined) => answer((api) => testTargets(api, target))());
}

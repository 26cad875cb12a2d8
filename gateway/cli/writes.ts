// What `banyan writes` does, and what a rollback shows first: the writes that the new side has accepted and legacy lacks.
import type { Command } from 'commander';
import { z } from 'zod';
import type { Answer, Output, Result } from './answer.ts';
import type { ApiClient } from './client.ts';
import { routePath } from './commands.ts';
import { CommandError, EXIT } from './exit.ts';
import { lackedText } from './render.ts';
import { type Text, table } from './table.ts';

/** Of the keys that a rollback shows. */
const SHOWN_MAX = 10;

const writesSchema = z.looseObject({
  count: z.number(),
  since: z.string().nullable(),
  upTo: z.number(),
  keys: z.array(z.looseObject({ n: z.number(), at: z.string(), key: z.string() })),
});
type Writes = z.output<typeof writesSchema>;
const listSchema = z.looseObject({
  routes: z.array(
    z.looseObject({
      id: z.string(),
      writesLegacyLacks: z.looseObject({ count: z.number(), since: z.string().nullable() }),
    }),
  ),
});

async function showWrites(api: ApiClient, id: string): Promise<Result> {
  const { body } = await api.get(routePath(id, '/writes'));
  const writes = writesSchema.parse(body);
  return { json: body, text: writesText(id, writes) };
}

function writesText(id: string, writes: Writes): Text {
  if (writes.count === 0) return `${id}: legacy lacks no write`;
  const rows = writes.keys.map(({ n, at, key }) => [String(n), at, key]);
  const others = writes.count - rows.length;
  const lines = [`${id}: legacy lacks ${lackedText(writes)}`, table(['N', 'AT', 'KEY'], rows)];
  return [...lines, ...(others > 0 ? [`and ${others} others, between the first and the latest`] : [])];
}

/** Says that legacy has got all that it lacked when this was asked; what comes meanwhile stays. */
async function acknowledgeWrites(api: ApiClient, id: string, reason: string): Promise<Result> {
  const { upTo, count } = writesSchema.parse((await api.get(routePath(id, '/writes'))).body);
  const { body } = await api.send('POST', routePath(id, '/writes/acknowledge'), { upTo, reason });
  const left = writesSchema.parse(body);
  return { json: body, text: `${id}: ${count} writes are on legacy too; it lacks ${left.count}` };
}

/**
 * Shows a person at a terminal what a rollback would leave on the new side only, and waits for one key. Nobody is asked where
 * there is nothing to lose, or it cannot be found out: a rollback does not wait for that.
 * @throws {CommandError} when the person says no
 */
export async function showLackedWrites(api: ApiClient, id: string | undefined, { confirm }: Output): Promise<void> {
  if (!confirm) return;
  const text = await lackedWrites(api, id).catch(() => undefined);
  if (text === undefined) return;
  if (await confirm(`${text}\nRoll back?`)) return;
  throw new CommandError(EXIT.error, 'nothing was rolled back');
}

async function lackedWrites(api: ApiClient, id: string | undefined): Promise<string | undefined> {
  if (id !== undefined) {
    const writes = writesSchema.parse((await api.get(routePath(id, '/writes'))).body);
    const keys = writes.keys.slice(-SHOWN_MAX).map(({ at, key }) => `  ${at}  ${key}`);
    const lines = [`legacy lacks ${lackedText(writes)}; the latest:`, ...keys];
    return writes.count === 0 ? undefined : lines.join('\n');
  }
  const { routes } = listSchema.parse((await api.get('/api/routes')).body);
  const lacking = routes.filter(({ writesLegacyLacks }) => writesLegacyLacks.count > 0);
  const lines = lacking.map((route) => `  ${route.id}: legacy lacks ${lackedText(route.writesLegacyLacks)}`);
  return lacking.length === 0 ? undefined : lines.join('\n');
}

export function addWriteCommands(program: Command, answer: Answer): void {
  program
    .command('writes <id>')
    .description('list the writes that the new side has accepted and legacy lacks')
    .option('--acknowledge', 'say that legacy has got all of them by now')
    .option('--reason <text>', 'how; the audit log keeps it')
    .action((id: string, { acknowledge, reason }: { acknowledge?: boolean; reason?: string }) => {
      if (!acknowledge) return answer((api) => showWrites(api, id))();
      if (reason === undefined) throw new CommandError(EXIT.usage, 'say with --reason how legacy has got them');
      return answer((api) => acknowledgeWrites(api, id, reason))();
    });
}

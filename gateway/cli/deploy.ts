// `banyan deploy`: which version of the new side's backend serves, have another take over, wait for it, take it back.
import { setTimeout as delay } from 'node:timers/promises';
import type { Command } from 'commander';
import { z } from 'zod';
import type { Answer, Result } from './answer.ts';
import type { ApiClient } from './client.ts';
import { CommandError, EXIT } from './exit.ts';
import { percentOf, wholeNumber } from './numbers.ts';
import { rehearse } from './rehearsal.ts';
import { table } from './table.ts';

const PATH = '/api/deployment';
const POLL_MS = 500;

const stateSchema = z.looseObject({
  versions: z.array(z.looseObject({ version: z.string(), url: z.string(), percent: z.number() })),
  deployment: z
    .looseObject({
      ...{ from: z.string(), to: z.string(), status: z.string(), percent: z.number(), enteredAt: z.string() },
      ...{ actor: z.string(), reason: z.string(), holds: z.string().nullable() },
    })
    .nullable(),
  durable: z.boolean().optional(),
});

interface DeployArguments {
  readonly reason?: string;
  readonly percent?: number;
  readonly back?: boolean;
  readonly wait?: number;
  readonly dryRun?: boolean;
}

const NOT_DURABLE = 'it is in force, but could not be stored: it would not survive a restart of the gateway';

function resultOf(body: unknown): Result {
  const { versions, deployment, durable } = stateSchema.parse(body);
  const rows = versions.map(({ version, url, percent }) => [version, url, `${percent} %`]);
  const lines = deployment
    ? [
        `${deployment.from} -> ${deployment.to}: ${deployment.status} since ${deployment.enteredAt}, by ${deployment.actor}: ${deployment.reason}`,
        ...(deployment.holds === null ? [] : [`holds: ${deployment.holds}`]),
      ]
    : [];
  const text =
    rows.length === 0
      ? 'no versions are configured; see upstreams.new.deploy'
      : [table(['VERSION', 'URL', 'SERVES'], rows), ...lines];
  return { json: body, text, ...(durable === false ? { notes: [NOT_DURABLE] } : {}) };
}

async function deploy(api: ApiClient, version: string, { reason, percent, wait }: DeployArguments): Promise<Result> {
  const { etag } = await api.get(PATH);
  const { body } = await api.send('POST', PATH, { version, percent, reason }, etag);
  return wait === undefined ? resultOf(body) : waitFor(api, version, wait);
}

/** @throws {CommandError} 7 when it is not done in time, 8 when another version serves again */
async function waitFor(api: ApiClient, version: string, seconds: number): Promise<Result> {
  const endsAt = performance.now() + seconds * 1_000;
  for (;;) {
    const { body } = await api.get(PATH);
    const { deployment } = stateSchema.parse(body);
    if (deployment?.to !== version || deployment.status === 'returned') {
      const why = deployment ? `, by ${deployment.actor}: ${deployment.reason}` : '';
      throw new CommandError(EXIT.rolledBack, `${version} was taken back${why}`);
    }
    if (deployment.status === 'done') return resultOf(body);
    if (performance.now() >= endsAt) {
      const { status, holds } = deployment;
      const where = holds === null ? status : `${status}: ${holds}`;
      throw new CommandError(EXIT.timedOut, `${version} is not done after ${seconds} s, but goes on (${where})`);
    }
    await delay(POLL_MS);
  }
}

async function takeBack(api: ApiClient, reason: string): Promise<Result> {
  const { body } = await api.send('DELETE', PATH, { reason });
  return resultOf(body);
}

export function addDeployCommand(program: Command, answer: Answer): void {
  program
    .command('deploy [version]')
    .description(
      "show the versions of the new side's backend, or have one take over by a canary; exit code 6 when it is not well, 8 when it went back",
    )
    .option('--reason <text>', 'why; the audit log keeps it')
    .option('--percent <n>', 'share of the users whom it serves first; 100 leaves the canary out', percentOf)
    .option('--back', 'have the version before serve again, at once')
    .option('--wait <seconds>', 'wait until it is done; exit code 7 when it is not by then', wholeNumber)
    .option('--dry-run', 'say what would be changed, and change nothing')
    .action((version: string | undefined, options: DeployArguments) => {
      const { reason, back, dryRun } = options;
      if (version === undefined && !back) return answer(async (api) => resultOf((await api.get(PATH)).body))();
      if (version !== undefined && back) throw new CommandError(EXIT.usage, '--back names no version');
      if (reason === undefined) throw new CommandError(EXIT.usage, 'say why with --reason');
      const work = (api: ApiClient) => (version === undefined ? takeBack(api, reason) : deploy(api, version, options));
      return answer(dryRun ? (api) => rehearse(api, work) : work)();
    });
}

// The command line's grammar: commands, options, help.
import { Command, InvalidArgumentError } from 'commander';
import { type Environment, renderEnvProblems } from '../../config/env.ts';
import { type MigrationConfig, readMigrationConfig } from '../../config/migration.ts';
import { JOBS } from '../jobs/jobs.ts';
import { CommandError, EXIT, type Output, type Result } from './answer.ts';
import { allJobs, explain, listDeadLetters, plan, replay, reset, setUp, status } from './commands.ts';
import { type Context, jobNamed, withContext } from './context.ts';
import { setPaused } from './pausing.ts';
import {
  type Commands,
  cutover,
  type Ends,
  finish,
  listRefusals,
  rehearseBack,
  rollback,
  wayBack,
} from './switching.ts';
import { run, verify, worker } from './work.ts';

const CHUNK_ROWS = 5_000;
const CHUNK_ROWS_MAX = 50_000;
const VALID_HOURS = 24;
const VALID_HOURS_MAX = 24 * 30;

/** Codes of connections that did not come about. */
const UNREACHABLE = new Set(['ECONNREFUSED', 'ENOTFOUND', 'EHOSTUNREACH', 'ETIMEDOUT', 'EAI_AGAIN', 'ECONNRESET']);

function numberUpTo(max: number): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (!/^\d+$/.test(text) || value < 1 || value > max)
      throw new InvalidArgumentError(`is not a number from 1 to ${max}`);
    return value;
  };
}

/** `signal` ends a run. */
export type CliOptions = { readonly output: Output; readonly signal: AbortSignal; readonly env?: Environment };

/** Runs one command; answers its exit code. */
export async function runCli(args: readonly string[], { output, signal, env }: CliOptions): Promise<number> {
  const { out, err } = output;
  let code: number = EXIT.ok;
  const program = new Command('banyan-migrate')
    .description(
      `Moves data from the legacy database to the new table, and proves it. Jobs: ${[...JOBS.keys()].join(', ')}.`,
    )
    .option('--json', 'print one JSON document instead of text')
    .showSuggestionAfterError()
    .configureOutput({ writeOut: (text) => out(text.trimEnd()), writeErr: (text) => err(text.trimEnd()) })
    .exitOverride();
  const answer = async (work: (context: Context) => Promise<Result>) => {
    const result = await withContext(configuration(env), work);
    out(program.opts<{ json?: boolean }>().json ? JSON.stringify(result.json) : result.text);
    code = result.code ?? EXIT.ok;
  };
  addCommands(program, answer, { output, signal });
  addSwitching(program, answer, { output, signal });
  try {
    await program.parseAsync(args, { from: 'user' });
    return code;
  } catch (error) {
    return failed(error, err);
  }
}

function configuration(env: Environment | undefined): MigrationConfig {
  const config = readMigrationConfig(env);
  if (!config.ok) throw new CommandError(EXIT.usage, renderEnvProblems('banyan-migrate', config.problems).trimEnd());
  return config.value;
}

type Answer = (work: (context: Context) => Promise<Result>) => Promise<void>;

function addCommands(program: Command, answer: Answer, ends: { output: Output; signal: AbortSignal }): void {
  program
    .command('setup <job>')
    .description('make the table and what the source needs, where missing, and say what was changed')
    .option('--way-back', "also the table's stream, and what a cutover keeps in the source's database", false)
    .action((name: string, { wayBack }: { wayBack: boolean }) =>
      answer((context) => setUp(context, jobNamed(name), wayBack)),
    );
  program
    .command('plan <job>')
    .description('a dry run: read every row, write nothing but the plan file')
    .option('--chunk-rows <n>', 'rows of a chunk', numberUpTo(CHUNK_ROWS_MAX), CHUNK_ROWS)
    .action((name: string, { chunkRows }: { chunkRows: number }) =>
      answer((context) => plan(context, jobNamed(name), chunkRows)),
    );
  program
    .command('run <job>')
    .description('copy all rows and follow all changes, until it is told to end; goes on where it was')
    .option('--until-caught-up', 'end when all is copied and all changes until then are applied', false)
    .action((name: string, { untilCaughtUp }: { untilCaughtUp: boolean }) =>
      answer((context) => run(context, jobNamed(name), { untilCaughtUp, ...ends })),
    );
  program
    .command('worker <job>')
    .description('one of several processes that run the job together, on any machines; all need the same plan file')
    .option('--until-caught-up', 'end when all is copied and all changes until then are applied', false)
    .action((name: string, { untilCaughtUp }: { untilCaughtUp: boolean }) =>
      answer((context) => worker(context, jobNamed(name), { untilCaughtUp, ...ends })),
    );
  program
    .command('status [job]')
    .description('how far the jobs are')
    .action((name?: string) => answer((context) => status(context, name === undefined ? allJobs() : [jobNamed(name)])));
  for (const [name, paused, description] of [
    ['pause', true, 'hold the copying and applying; changes are still received'],
    ['resume', false, 'go on after a pause, or after what blocked the job was put right'],
  ] as const) {
    program
      .command(`${name} <job>`)
      .description(description)
      .action((job: string) => answer((context) => setPaused(context, jobNamed(job), paused)));
  }
  program
    .command('reset <job>')
    .description('give the job up: drop its slot and forget how far it was, so that it can be planned anew')
    .action((name: string) => answer((context) => reset(context, jobNamed(name))));
  program
    .command('verify <job>')
    .description('compare both sides, row by row, and write the signed certificate')
    .option('--valid-hours <n>', 'how long the certificate counts', numberUpTo(VALID_HOURS_MAX), VALID_HOURS)
    .option('--waive-dead-letters <reason>', 'dead letters do not matter, and why')
    .action((name: string, options: { validHours: number; waiveDeadLetters?: string }) =>
      answer((context) =>
        verify(context, jobNamed(name), {
          validHours: options.validHours,
          deadLettersWaived: options.waiveDeadLetters,
        }),
      ),
    );
  program
    .command('explain <job> <key...>')
    .description('all that is known of one row: on both sides, its chunk, what waits, who wrote its item')
    .action((name: string, key: string[]) => answer((context) => explain(context, jobNamed(name), key)));
  const letters = program.command('dead-letter').description('rows that could not be mapped');
  letters
    .command('list <job>')
    .description('which, and why')
    .action((name: string) => answer((context) => listDeadLetters(context, jobNamed(name))));
  letters
    .command('replay <job>')
    .description('map them again, as they are now')
    .action((name: string) => answer((context) => replay(context, jobNamed(name))));
}

function addSwitching(program: Command, answer: Answer, ends: Ends): void {
  program
    .command('way-back <job>')
    .description("write the new side's changes back to the source, until it is told to end; goes on where it was")
    .action((name: string) => answer((context) => wayBack(context, jobNamed(name), ends)));
  program
    .command('refused <job>')
    .description('changes that could not be written back, and why')
    .action((name: string) => answer((context) => listRefusals(context, jobNamed(name), ends)));
  program
    .command('rehearse <job>')
    .description('prove the way back: a canary row goes to the table, is changed there, comes back and is deleted')
    .action((name: string) => answer((context) => rehearseBack(context, jobNamed(name), ends)));
  program
    .command('cutover <job>')
    .description('legacy stops writing, all of it arrives, the new side writes; within 30 s, or all is as it was')
    .option('--dry-run', 'look at what stands in the way, and change nothing', false)
    .option('--flip <command>', 'moves the traffic to the new side; safe to repeat')
    .option('--unflip <command>', 'moves it back, when the flip failed; safe to repeat')
    .action((name: string, options: Commands & { dryRun: boolean }) =>
      answer((context) => cutover(context, jobNamed(name), { ...options, ...ends })),
    );
  program
    .command('rollback <job>')
    .description('what the new side wrote comes back, and legacy writes again')
    .option('--unflip <command>', 'moves the traffic to legacy first; safe to repeat')
    .option('--accept-refused', 'changes that could not be written back are lost to legacy', false)
    .action((name: string, { acceptRefused, ...commands }: Commands & { acceptRefused: boolean }) =>
      answer((context) => rollback(context, jobNamed(name), { ...commands, ...ends, acceptRefusals: acceptRefused })),
    );
  program
    .command('finalize <job>')
    .description('the new side is there to stay: drop the slot, the fence, the marks; there is no way back then')
    .option('--dry-run', 'tell the steps, and take none', false)
    .action((name: string, { dryRun }: { dryRun: boolean }) =>
      answer((context) => finish(context, jobNamed(name), { ...ends, dryRun })),
    );
}

function failed(error: unknown, err: Output['err']): number {
  if (error instanceof CommandError) {
    err(error.message);
    return error.code;
  }
  const code = error instanceof Error && 'code' in error ? String(error.code) : '';
  if (code.startsWith('commander.')) return code === 'commander.helpDisplayed' ? EXIT.ok : EXIT.usage;
  err(`banyan-migrate: ${error instanceof Error ? error.message || error.name : String(error)}`);
  return UNREACHABLE.has(code) ? EXIT.unreachable : EXIT.error;
}

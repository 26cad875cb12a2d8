// The command line's grammar: commands, options, help.
import { type Command, Option } from 'commander';
import { warningsOf } from '../../config/check-dry-runs.ts';
import { ContextsError } from '../../config/cli-contexts.ts';
import { operatorTarget } from '../../config/cli-environment.ts';
import { ConfigError, loadGatewayConfig } from '../../config/load-gateway.ts';
import { OPERATOR_ROLES } from '../../config/operator-schema.ts';
import { WINDOWS } from '../mirror/windows.ts';
import { PIN_HEADER } from '../routing/pin.ts';
import { SIDES } from '../routing/side.ts';
import { serve } from '../serve.ts';
import type { Answer, Output, Print, Result, Watching } from './answer.ts';
import { addAuditCommands } from './audit-grammar.ts';
import { addChangingCommands, addPlanCommands } from './changing-grammar.ts';
import { type ChecklistOptions, checklist } from './checklist.ts';
import { createClient } from './client.ts';
import { listRoutes, showDiffs, showRoute, showStatus } from './commands.ts';
import { addContextCommands } from './context-grammar.ts';
import { addDeployCommand } from './deploy.ts';
import { CommandError, EXIT } from './exit.ts';
import { createProgram, type GlobalOptions } from './global-options.ts';
import { addJobCommands } from './jobs.ts';
import { addLoadCommands } from './load-runs.ts';
import { addNotifyCommands } from './notify.ts';
import { shareOf, wholeNumber } from './numbers.ts';
import { makePin, type PinOptions } from './pin.ts';
import { repeat, watchable } from './repeat.ts';
import { addReplayCommand } from './replay-grammar.ts';
import { addRuleCommands } from './rules-grammar.ts';
import { forPeople, plain, printable } from './table.ts';
import { makeToken } from './token.ts';
import { addUpkeepCommands } from './upkeep-grammar.ts';
import { addWriteCommands } from './writes.ts';

/** Runs one command; answers its exit code. Data goes to `out`, everything said to people to `err`. */
export async function runCli(args: readonly string[], given: Output): Promise<number> {
  const { out, err } = given;
  let code: number = EXIT.ok;
  const program = createProgram({ out, err });
  const output: { -readonly [Name in keyof Output]: Output[Name] } = { ...given };
  program.hook('preAction', (_, command) => {
    const { quiet, input } = program.opts<GlobalOptions>();
    if (quiet) output.err = () => {};
    if (!input) for (const question of ['ask', 'confirm'] as const) delete output[question];
    if (command.name() !== 'serve') given.endOnInterrupt?.();
  });

  const answer: Answer =
    (work, { watch } = {}) =>
    async () => {
      const options = program.opts<GlobalOptions>();
      const { url, token } = operatorTarget(options);
      if (!token.ok) throw new CommandError(EXIT.notPermitted, token.message);
      const api = createClient({ url, token: token.value, timeoutMs: options.timeout });
      if (watch) return repeat(() => work(api), { textOf: (result) => textOf(result, 0), output });
      const result = await work(api);
      if (result) print(result);
    };
  const textOf = ({ json, text }: Result, indent: number) => {
    const { json: asJson, plain: asPlain } = program.opts<GlobalOptions>();
    return asJson ? JSON.stringify(json, null, indent) : asPlain ? plain(text) : forPeople(text);
  };
  const print: Print = (result) => {
    out(textOf(result, 2));
    for (const note of result.notes ?? []) output.err(`note: ${printable(note)}`);
    code = result.code ?? EXIT.ok;
  };

  const exit = (result: number) => {
    code = result;
  };
  addLocalCommands(program, { output, err }, exit);
  addPinCommand(program, print);
  addTokenCommand(program, print);
  addReadingCommands(program, answer, print);
  addChangingCommands(program, answer, output);
  addWriteCommands(program, answer);
  addAuditCommands(program, answer, print, output);
  addPlanCommands(program, answer);
  addDeployCommand(program, answer);
  addJobCommands(program, answer);
  addLoadCommands(program, answer);
  addNotifyCommands(program, answer);
  addRuleCommands(program, answer, output);
  addContextCommands(program, print);
  const target = () => {
    const options = program.opts<GlobalOptions>();
    return { ...operatorTarget(options), timeoutMs: options.timeout, json: options.json === true };
  };
  addUpkeepCommands(program, { target, output, print, exit });

  try {
    await program.parseAsync([...args], { from: 'user' });
    return code;
  } catch (error) {
    return explain(error, err);
  }
}

interface LocalOutput {
  readonly output: Output;
  /** For errors, which are said though nothing else is. */
  readonly err: Output['err'];
}

function addLocalCommands(program: Command, { output, err }: LocalOutput, exit: (code: number) => void): void {
  program
    .command('serve')
    .description('run a gateway until it is told to stop')
    .requiredOption('--config <file>', 'its configuration')
    .action(async ({ config }: { config: string }) => exit(await serve(config)));
  program
    .command('check')
    .description('check a configuration; every error with its place and what to do')
    .requiredOption('--config <file>', 'the configuration')
    .action(({ config }: { config: string }) => {
      const { json } = program.opts<GlobalOptions>();
      try {
        const checked = loadGatewayConfig(config);
        const warnings = warningsOf(checked);
        output.out(
          json
            ? JSON.stringify({ ok: true, problems: [], warnings })
            : `${config}: ok, ${checked.routes.length} routes`,
        );
        for (const warning of json ? [] : warnings) output.err(`warning: ${warning}`);
      } catch (error) {
        if (!(error instanceof ConfigError)) throw error;
        if (json) output.out(JSON.stringify({ ok: false, problems: error.problems }, null, 2));
        else err(error.message);
        exit(EXIT.usage);
      }
    });
}

function addPinCommand(program: Command, print: Print): void {
  program
    .command('pin')
    .description('make a pin: whoever sends it gets that side, whatever the flags say')
    .requiredOption('--config <file>', "the gateway's configuration, which names the key (pins.keyEnv)")
    .addOption(new Option('--side <side>', 'the side that is to serve').choices(SIDES).makeOptionMandatory())
    .option('--route <id>', 'on this route only')
    .option('--hours <n>', 'how long it holds', wholeNumber, 8)
    .action((options: PinOptions) => {
      const made = makePin(options, Date.now());
      const note = `send it as ${PIN_HEADER}, or as the cookie ${made.cookie}; it holds until ${made.expiresAt}`;
      print({ json: made, text: made.pin, notes: [note] });
    });
}

function addTokenCommand(program: Command, print: Print): void {
  program
    .command('token')
    .description('make a token for the operator API; the configuration needs only its SHA-256')
    .addOption(new Option('--name <name>', 'who will use it: the actor in the audit log').default('NAME'))
    .addOption(new Option('--role <role>', 'what it is good for').choices(OPERATOR_ROLES).default('viewer'))
    .action(({ name, role }: { name: string; role: string }) => {
      const made = makeToken();
      const entry = `{ name: ${name}, role: ${role}, tokenSha256: ${made.tokenSha256} }`;
      print({ json: { ...made, name, role }, text: made.token, notes: [`add to operator.tokens: ${entry}`] });
    });
}

function addReadingCommands(program: Command, answer: Answer, print: Print): void {
  watchable(program.command('routes'))
    .description('list the routes: stage, share, rates, latency, parity, coverage')
    .action((watching: Watching) => answer(listRoutes, watching)());
  watchable(program.command('route <id>'))
    .description('show one route')
    .addOption(windowOption())
    .action((id: string, { window, ...watching }: InWindow) => answer((api) => showRoute(api, id, window), watching)());
  const diffs = watchable(program.command('diffs [id]'))
    .description('list the differences found, by path and kind, of one route or of all')
    .option('--all', 'also those that a rule covers')
    .addOption(windowOption())
    .action((id: string | undefined, { all, window, ...watching }: InWindow & { all?: boolean }) =>
      answer((api) => showDiffs(api, id, { showRuled: all === true, window }), watching)(),
    );
  addReplayCommand(diffs, answer, print);
  program
    .command('checklist')
    .description(
      'what is still to be done before legacy can be switched off, as Markdown; exit code 6 while anything is',
    )
    .option('--parity <share>', 'the least lower bound of parity', shareOf, 0.999)
    .option('--coverage <share>', 'the least coverage', shareOf, 0.9)
    .action((options: ChecklistOptions) => answer((api) => checklist(api, options))());
  watchable(program.command('status'))
    .description("the gateway's own state, and what needs attention")
    .action((watching: Watching) => answer(showStatus, watching)());
}

interface InWindow extends Watching {
  readonly window: string;
}

function windowOption(): Option {
  return new Option('--window <window>', 'what was found in the last minute, ten minutes, or since the stage began')
    .choices(WINDOWS)
    .default('stage');
}

/** Says what went wrong and answers the exit code. commander has printed its own errors already. */
function explain(error: unknown, err: (text: string) => void): number {
  if (error instanceof CommandError) {
    err(`error: ${error.message}`);
    return error.code;
  }
  if (error instanceof ContextsError) {
    err(`error: ${error.message}`);
    return EXIT.usage;
  }
  const exitCode = (error as { exitCode?: unknown }).exitCode;
  if ((error as Error).name === 'CommanderError') return exitCode === 0 ? EXIT.ok : EXIT.usage;
  err(`error: ${(error as Error).message}`);
  return EXIT.error;
}

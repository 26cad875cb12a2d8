// The grammar of the commands that look after things: watch, doctor, completion.
import { type Command, InvalidArgumentError, Option } from 'commander';
import type { Target } from '../../config/cli-environment.ts';
import { STAGES } from '../rollout/stage.ts';
import type { Output, Print } from './answer.ts';
import { createClient } from './client.ts';
import { completionFor, SHELLS, type Shell } from './completion.ts';
import { examine } from './doctor.ts';
import { CommandError, EXIT } from './exit.ts';
import { watch } from './watch.ts';

/** What the options of the program say. */
export interface Upkeep {
  readonly target: () => Target & { readonly timeoutMs: number; readonly json: boolean };
  readonly output: Output;
  readonly print: Print;
  readonly exit: (code: number) => void;
}

interface WatchArguments {
  readonly until?: string;
  readonly for?: number;
}

export function addUpkeepCommands(program: Command, { target, output, print, exit }: Upkeep): void {
  program
    .command('watch [id]')
    .description('follow what changes, of one route or of all, until Ctrl-C; with --json one document a line')
    .addOption(new Option('--until <stage>', 'end when the route comes to this stage').choices(STAGES))
    .option('--for <seconds>', 'end after so long; exit code 7 when --until did not come about', seconds)
    .action(async (id: string | undefined, options: WatchArguments) => {
      if (options.until !== undefined && id === undefined) throw new CommandError(EXIT.usage, '--until needs a route');
      const { url, token, json } = target();
      if (!token.ok) throw new CommandError(EXIT.notPermitted, token.message);
      const { until, for: limit } = options;
      const asked = {
        ...(id === undefined ? {} : { id }),
        ...(until === undefined ? {} : { until }),
        ...(limit === undefined ? {} : { seconds: limit }),
      };
      exit(await watch({ url, token: token.value, ...asked, json, out: output.out, err: output.err }));
    });
  program
    .command('doctor')
    .description('look whether everything is as it should be, and what to do where it is not; changes nothing')
    .option('--config <file>', 'a configuration to look at too')
    .action(async ({ config }: { config?: string }) => {
      const { url, token, timeoutMs } = target();
      const api = token.ok ? createClient({ url, token: token.value, timeoutMs }) : token.message;
      print(await examine(api, { url, ...(config === undefined ? {} : { config }) }));
    });
  program
    .command('completion <shell>')
    .description(`print what a shell needs to complete commands: ${SHELLS.join(', ')}`)
    .addHelpText('after', '\nExample: banyan completion bash > ~/.local/share/bash-completion/completions/banyan')
    .action((shell: string) => {
      if (!isShell(shell))
        throw new CommandError(EXIT.usage, `there is no completion for ${shell}, but for ${SHELLS.join(', ')}`);
      const script = completionFor(shell, program);
      print({ json: { shell, script }, text: script.trimEnd() });
    });
}

function isShell(text: string): text is Shell {
  return SHELLS.some((shell) => shell === text);
}

function seconds(text: string): number {
  const value = Number(text);
  if (!Number.isFinite(value) || value <= 0 || value > 86_400)
    throw new InvalidArgumentError('expected seconds, a day at most');
  return value;
}

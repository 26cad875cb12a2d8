// `banyan completion`: what a shell needs to complete commands and options, made from the grammar itself.
import type { Command } from 'commander';

export const SHELLS = ['bash', 'zsh', 'fish'] as const;
export type Shell = (typeof SHELLS)[number];

/** What can follow the words of a command: `banyan diffs` -> replay, --all, ... */
interface Words {
  readonly path: string;
  readonly words: readonly { readonly word: string; readonly about: string }[];
}

export function completionFor(shell: Shell, program: Command): string {
  const all = wordsOf(program, program.name());
  return shell === 'fish'
    ? fish(all)
    : shell === 'zsh'
      ? `autoload -U +X bashcompinit && bashcompinit\n${bash(all)}`
      : bash(all);
}

function wordsOf(command: Command, path: string): Words[] {
  const commands = command.commands.map((each) => ({ word: each.name(), about: each.description() }));
  const options = command.options.flatMap(({ long, description }) =>
    long ? [{ word: long, about: description }] : [],
  );
  const below = command.commands.flatMap((each) => wordsOf(each, `${path} ${each.name()}`));
  return [{ path, words: [...commands, ...options, { word: '--help', about: 'say more' }] }, ...below];
}

/** The longest command that the words so far name decides. */
function bash(all: readonly Words[]): string {
  const cases = all.map(({ path, words }) => `    '${path}') words='${words.map(({ word }) => word).join(' ')}' ;;`);
  return `_banyan() {
  local current="\${COMP_WORDS[COMP_CWORD]}" path=banyan words='' word
  for word in "\${COMP_WORDS[@]:1:COMP_CWORD-1}"; do
    case " ${all.map(({ path }) => path.replaceAll(' ', '/')).join(' ')} " in
      *" \${path// //}/$word "*) path="$path $word" ;;
    esac
  done
  case "$path" in
${cases.join('\n')}
  esac
  COMPREPLY=($(compgen -W "$words" -- "$current"))
}
complete -o default -F _banyan banyan
`;
}

function fish(all: readonly Words[]): string {
  const lines = all.flatMap(({ path, words }) => {
    const [, ...names] = path.split(' ');
    const when =
      names.length === 0
        ? '__fish_use_subcommand'
        : names.map((name) => `__fish_seen_subcommand_from ${name}`).join('; and ');
    return words.map(({ word, about }) => {
      const what = word.startsWith('--') ? `-l ${word.slice(2)}` : `-a ${word}`;
      return `complete -c banyan -n '${when}' ${what} -d '${about.replaceAll("'", "\\'")}'`;
    });
  });
  return `${lines.join('\n')}\n`;
}

// The help of a command and of all commands below it.

/** Runs a command line; what it says goes to `out`. */
export type Cli = (args: readonly string[], out: (text: string) => void) => Promise<number>;

export async function cliSection(program: string, run: Cli): Promise<string> {
  process.stdout.isTTY = false; // Help as wide as for a pipe, whatever the terminal is.
  const parts: string[] = [];
  async function add(path: readonly string[]): Promise<void> {
    let help = '';
    await run([...path, '--help'], (text) => {
      help += `${text}\n`;
    });
    const level = path.length === 0 ? '##' : '###';
    parts.push(`${level} ${[program, ...path].join(' ')}\n\n\`\`\`text\n${help.trim()}\n\`\`\``);
    for (const name of commandsIn(help)) await add([...path, name]);
  }
  await add([]);
  return parts.join('\n\n');
}

/** The names below "Commands:"; commander has a `help` of its own among them. */
function commandsIn(help: string): string[] {
  const [, list = ''] = help.split(/^Commands:\n/m);
  return [...list.matchAll(/^ {2}([a-z][a-z-]*)/gm)].map(([, name = '']) => name).filter((name) => name !== 'help');
}

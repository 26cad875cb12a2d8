// The grammar of `banyan context`.
import { text as readStream } from 'node:stream/consumers';
import type { Command } from 'commander';
import type { Print } from './answer.ts';
import { addContext, listContexts, removeContext, useContext } from './context.ts';
import { CommandError, EXIT } from './exit.ts';

const NAME = /^[A-Za-z0-9][A-Za-z0-9._-]{0,49}$/;

export function addContextCommands(program: Command, print: Print): void {
  const context = program.command('context').description('the gateways that this command line knows by name');
  context
    .command('add <name> <address>')
    .description("remember a gateway's operator address, and how its token is found")
    .option('--token-from <file>', 'the file with its token, read each time; - takes the token itself from stdin')
    .action(async (name: string, address: string, { tokenFrom }: { tokenFrom?: string }) => {
      if (!NAME.test(name)) throw new CommandError(EXIT.usage, 'a name is letters, digits, dots and dashes');
      if (!URL.canParse(address))
        throw new CommandError(EXIT.usage, `${address} is not a URL such as https://banyan.example`);
      print(addContext(name, { url: address, ...(await tokenOf(tokenFrom)) }));
    });
  context
    .command('use <name>')
    .description('call that gateway, where nothing else is named')
    .action((name: string) => print(useContext(name)));
  context
    .command('list')
    .description('list them')
    .action(() => print(listContexts()));
  context
    .command('remove <name>')
    .description('forget one, and its token')
    .action((name: string) => print(removeContext(name)));
}

async function tokenOf(from: string | undefined): Promise<{ token?: string; tokenFile?: string }> {
  if (from === undefined) return {};
  if (from !== '-') return { tokenFile: from };
  const token = (await readStream(process.stdin)).trim();
  if (token === '') throw new CommandError(EXIT.usage, 'no token came on stdin');
  return { token };
}

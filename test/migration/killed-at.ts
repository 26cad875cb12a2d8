// banyan-migrate that kills itself outright as soon as it has said something: node killed-at.ts WORDS ARGUMENT...
import process from 'node:process';
import { runCli } from '../../migration/cli/program.ts';

const [words = '', ...args] = process.argv.slice(2);
const output = {
  out: (text: string) => console.log(text),
  err(text: string) {
    console.error(text);
    if (text.includes(words)) process.kill(process.pid, 'SIGKILL');
  },
};
process.exitCode = await runCli(args, { output, signal: new AbortController().signal });

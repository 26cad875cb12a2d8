// The `banyan` command; see program.ts.
import { createInterface } from 'node:readline/promises';
import { runCli } from './program.ts';

/** Asks on stderr, since stdout is for data. Anything but yes is no. */
async function ask(question: string): Promise<boolean> {
  const terminal = createInterface({ input: process.stdin, output: process.stderr });
  try {
    return /^y(?:es)?$/i.test((await terminal.question(`${question} [y/N] `)).trim());
  } finally {
    terminal.close();
  }
}

process.exitCode = await runCli(process.argv.slice(2), {
  out: (text) => console.log(text),
  err: (text) => console.error(text),
  ...(process.stdin.isTTY ? { ask } : {}),
});

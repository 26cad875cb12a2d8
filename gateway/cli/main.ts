// The `banyan` command; see program.ts.
import { once } from 'node:events';
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

/** One key: Enter and y are yes, everything else is no. */
async function confirm(question: string): Promise<boolean> {
  const { stdin, stderr } = process;
  stderr.write(`${question} [Y/n] `);
  stdin.setRawMode(true);
  try {
    const [key] = await once(stdin.resume(), 'data');
    return /^[\r\nyY]/.test(String(key));
  } finally {
    stdin.setRawMode(false);
    stdin.pause();
    stderr.write('\n');
  }
}

process.exitCode = await runCli(process.argv.slice(2), {
  out: (text) => console.log(text),
  err: (text) => console.error(text),
  ...(process.stdin.isTTY ? { ask, confirm } : {}),
});

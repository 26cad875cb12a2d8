// The `banyan` command; see program.ts.
import { once } from 'node:events';
import { createInterface } from 'node:readline/promises';
import { isDumbTerminal } from '../../config/cli-environment.ts';
import { EXIT } from './exit.ts';
import { runCli } from './program.ts';

/** Nothing has to be put in order: a change that was sent is done or not done whole, on the gateway. */
const interrupted = () => process.exit(EXIT.interrupted);

/** Asks on stderr, since stdout is for data. Anything but yes is no. */
async function ask(question: string): Promise<boolean> {
  const terminal = createInterface({ input: process.stdin, output: process.stderr }).on('SIGINT', interrupted);
  try {
    return /^y(?:es)?$/i.test((await terminal.question(`${question} [y/N] `)).trim());
  } finally {
    terminal.close();
  }
}

/** What a terminal in raw mode sends for Ctrl-C. */
const CTRL_C = '\u0003';

/** One key: Enter and y are yes, everything else is no. */
async function confirm(question: string): Promise<boolean> {
  const { stdin, stderr } = process;
  stderr.write(`${question} [Y/n] `);
  stdin.setRawMode(true);
  try {
    const [key] = await once(stdin.resume(), 'data');
    if (String(key) === CTRL_C) interrupted();
    return /^[\r\nyY]/.test(String(key));
  } finally {
    stdin.setRawMode(false);
    stdin.pause();
    stderr.write('\n');
  }
}

/** ECMA-48: to the first place, and erase the display. */
const CLEAR = '\u001b[H\u001b[2J';
const isScreen = process.stdout.isTTY && !isDumbTerminal();

process.exitCode = await runCli(process.argv.slice(2), {
  out: (text) => console.log(text),
  err: (text) => console.error(text),
  endOnInterrupt: () => void process.once('SIGINT', interrupted),
  ...(process.stdin.isTTY ? { ask, confirm } : {}),
  ...(isScreen ? { clear: () => void process.stdout.write(CLEAR) } : {}),
});

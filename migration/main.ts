// The `banyan-migrate` command; see cli/program.ts.
import { runCli } from './cli/program.ts';

const ending = new AbortController();
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => ending.abort());

const terminal = process.stderr.isTTY === true;
const output = {
  out: (text: string) => console.log(text),
  err: (text: string) => console.error(text),
  ...(terminal ? { over: (line: string) => process.stderr.write(`\r\u001b[K${line}`) } : {}),
};
process.exitCode = await runCli(process.argv.slice(2), { output, signal: ending.signal });

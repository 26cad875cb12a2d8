// The `banyan-migrate` command; see cli/program.ts.
import { runCli } from './cli/program.ts';

const ending = new AbortController();
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => ending.abort());

const terminal = process.stderr.isTTY === true;
process.exitCode = await runCli(
  process.argv.slice(2),
  {
    out: (text) => console.log(text),
    err: (text) => console.error(text),
    ...(terminal ? { over: (line: string) => process.stderr.write(`\r\u001b[K${line}`) } : {}),
  },
  ending.signal,
);

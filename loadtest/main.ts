// `npm run loadtest -- COMMAND`; see cli.ts.
import { runCli } from './cli.ts';

const ending = new AbortController();
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => ending.abort());
const output = { out: (text: string) => console.log(text), err: (text: string) => console.error(text) };
process.exitCode = await runCli(process.argv.slice(2), output, ending.signal);

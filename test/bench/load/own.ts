// Our own generator, in a process of its own (see main.ts): slower than wrk, but it can keep a fixed rate and checks
// every byte it is answered.
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { LoadGenerator, LoadResult, LoadSpec } from './load.ts';

const run = promisify(execFile);
const MAIN = join(import.meta.dirname, 'main.ts');
/** How long the process may take to start and stop beyond the time it was given. */
const STOP_MS = 15_000;

/** The generator; its process is killed when `ending` is aborted. */
export function createOwnGenerator(ending: AbortSignal): LoadGenerator {
  return async (spec: LoadSpec) => {
    const { stdout } = await run(process.execPath, [...process.execArgv, MAIN, JSON.stringify(spec)], {
      timeout: spec.seconds * 1_000 + STOP_MS,
      killSignal: 'SIGKILL',
      signal: ending,
    });
    return JSON.parse(stdout) as LoadResult; // Written by main.ts.
  };
}

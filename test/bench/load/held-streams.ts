// The load on streams as the benchmark runs it: in a process of its own, held open until it is told to go.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { within } from '../../helpers/deadline.ts';
import type { LoadResult } from './load.ts';
import type { StreamSpec } from './streams.ts';

const MAIN = join(import.meta.dirname, 'streams-main.ts');
const OPEN_MS = 60_000;
const STOP_MS = 15_000;

export interface HeldStreams {
  /** Lets messages pass; then all streams are closed. */
  measure(): Promise<LoadResult>;
  /** Closes all streams. */
  close(): Promise<void>;
}

/** Resolves when all streams are open. Its process is killed when `ending` is aborted. @throws when they cannot be opened. */
export async function holdStreams(spec: StreamSpec, ending: AbortSignal): Promise<HeldStreams> {
  const child = spawn(process.execPath, [...process.execArgv, MAIN, JSON.stringify(spec)], {
    stdio: ['pipe', 'pipe', 'inherit'],
    signal: ending,
    killSignal: 'SIGKILL',
  });
  child.on('error', () => {}); // 'exit' follows.
  const exited = once(child, 'exit');
  const early = exited.then(() => Promise.reject(new Error(`the load on ${spec.target} ended`)));
  early.catch(() => {});
  const lines = createInterface({ input: child.stdout });
  const read = async (what: string, limitMs: number): Promise<unknown> => {
    const [line] = await within(Promise.race([once(lines, 'line'), early]), what, limitMs);
    return JSON.parse(String(line));
  };
  const close = async () => {
    child.kill('SIGKILL');
    await exited;
  };
  try {
    await read(`${spec.streams} streams to open`, OPEN_MS);
  } catch (error) {
    await close();
    throw error;
  }
  return {
    close,
    async measure() {
      child.stdin.write('go\n');
      const result = (await read('the result', spec.seconds * 1_000 + STOP_MS)) as LoadResult; // Written by streams-main.ts.
      await exited;
      return result;
    },
  };
}

// Everything the benchmark starts, so that all of it ends with the benchmark, however that ends.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync, readFileSync, truncateSync } from 'node:fs';
import { Socket } from 'node:net';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { within } from '../helpers/deadline.ts';
import type { Cores } from './machine.ts';

const GUARD_MAIN = join(import.meta.dirname, 'guard.ts');
const READY_MS = 15_000;
/** SIGTERM, then SIGKILL after this. */
const STOP_MS = 5_000;
const STDERR_SHOWN = 2_000;

export interface Running {
  readonly name: string;
  readonly pid: number;
  /** What its listening line said; empty for programs that print none. */
  readonly listening: Readonly<Record<string, string>>;
  /** Empties its log: it would otherwise fill the disk. */
  forgetLog(): void;
  stop(): Promise<void>;
}

export interface StartOptions {
  readonly name: string;
  readonly command: string;
  readonly args: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  /** On the core of the proxy under test. */
  readonly pinned?: boolean;
  /** Whether it prints {"listening":...}; else the caller finds out when it is ready. */
  readonly announces?: boolean;
}

export interface Processes {
  /** @throws with the last of its log when it does not come up. */
  start(options: StartOptions): Promise<Running>;
  /** One of our own TypeScript files, under this very Node with the same flags. */
  startNode(options: Omit<StartOptions, 'command' | 'announces'>): Promise<Running>;
  stopAll(): Promise<void>;
  /** Stops all whose name does not begin with `prefix`. */
  stopAllBut(prefix: string): Promise<void>;
}

/** Logs (standard error) go to files in `folder`, as in production, and not through us: we are on the load's core. */
export function createProcesses(folder: string, cores: Cores | undefined): Processes {
  const stoppers = new Map<number, Pick<Running, 'name' | 'stop'>>(); // One per process that runs.
  const tellGuard = startGuard();

  async function start(options: StartOptions): Promise<Running> {
    const { name, env = {}, announces = false } = options;
    const pin = options.pinned && cores ? ['taskset', '-c', cores.proxy] : [];
    const [command = '', ...args] = [...pin, options.command, ...options.args];
    const logFile = join(folder, `${name.replaceAll(/[^\w.-]/g, '-')}.log`);
    const log = openSync(logFile, 'a');
    const stdio = ['ignore', 'pipe', log] as const;
    // A group of its own: Ctrl-C in a terminal is for the benchmark, which then stops the others in order.
    const child = spawn(command, args, { stdio: [...stdio], env: { ...process.env, ...env }, detached: true });
    closeSync(log);
    const ended = new Promise<string>((resolve) => {
      child.once('error', (error) => resolve(error.message));
      child.once('exit', (code, signal) => resolve(signal ?? `exit code ${code}`));
    });
    const pid = child.pid ?? 0;
    const stop = async () => {
      child.kill('SIGTERM');
      const impatient = setTimeout(() => child.kill('SIGKILL'), STOP_MS);
      await ended;
      clearTimeout(impatient);
    };
    if (pid > 0) {
      stoppers.set(pid, { name, stop });
      tellGuard(`+${pid}`);
    }
    void ended.then(() => {
      stoppers.delete(pid);
      if (pid > 0) tellGuard(`-${pid}`);
    });
    try {
      const early = ended.then((how) => Promise.reject(new Error(`ended at once (${how})`)));
      early.catch(() => {}); // It ends some day in any case.
      const ready = announces ? Promise.race([readListening(child), early]) : Promise.resolve({});
      const listening = await within(ready, name, READY_MS);
      child.stdout?.resume();
      return { name, pid, listening, forgetLog: () => truncateSync(logFile), stop };
    } catch (error) {
      await stop();
      throw new Error(`${name} did not start: ${(error as Error).message}\n${tail(logFile)}`, { cause: error });
    }
  }

  const stopAllBut = async (prefix: string | undefined) => {
    const ending = [...stoppers.values()].filter(({ name }) => prefix === undefined || !name.startsWith(prefix));
    await Promise.all(ending.map(({ stop }) => stop()));
  };

  return {
    start,
    startNode: ({ args, ...rest }) =>
      start({ ...rest, command: process.execPath, args: [...process.execArgv, ...args], announces: true }),
    stopAll: () => stopAllBut(undefined),
    stopAllBut,
  };
}

/** Starts what ends the others when this process ends without having done so; the result tells it of them. */
function startGuard(): (line: string) => void {
  const guard = spawn(process.execPath, [GUARD_MAIN], { stdio: ['pipe', 'ignore', 'inherit'], detached: true });
  guard.unref();
  const { stdin } = guard;
  stdin.on('error', () => {}); // It is gone; what is left is ended in order, as ever.
  if (stdin instanceof Socket) stdin.unref();
  return (line) => void stdin.write(`${line}\n`);
}

async function readListening({ stdout }: ChildProcess): Promise<Record<string, string>> {
  if (!stdout) throw new Error('it has no stdout');
  const lines = createInterface({ input: stdout });
  const [line]: unknown[] = await once(lines, 'line');
  lines.close();
  const { listening } = JSON.parse(String(line)) as { readonly listening?: Record<string, string> };
  if (!listening) throw new Error(`it printed ${String(line)} instead of a listening line`);
  return listening;
}

function tail(file: string): string {
  return readFileSync(file, 'utf8').slice(-STDERR_SHOWN);
}

import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import process from 'node:process';
import { createInterface } from 'node:readline';
import { within } from './deadline.ts';

/** How much of a child's stderr is kept: its last part, enough to say why it died. */
const STDERR_CHARS_MAX = 64 * 1024;

export interface SpawnOptions {
  /** What Node runs: a file of ours and its arguments. */
  readonly args: readonly string[];
  /** Environment on top of this process's. */
  readonly env?: Readonly<Record<string, string>>;
  /** What to run instead of Node. */
  readonly command?: string;
  readonly cwd?: string;
  /** How long the listening line may take. */
  readonly readyMs?: number;
  /** How long SIGTERM may take before SIGKILL. */
  readonly stopMs?: number;
  /** Sees stderr as it comes, beside its being kept. */
  readonly onStderr?: (text: string) => void;
  /** Hears the process id at once, before the server listens. */
  readonly onSpawn?: (pid: number) => void;
  /** A process group of its own, so that Ctrl-C in a terminal reaches only the parent, who stops the child itself. */
  readonly ownGroup?: boolean;
}

/** How a child ended; exactly one of the two is set. */
export interface Exit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

export interface SpawnedServer {
  /** What its listening line said: name to "host:port". */
  readonly listening: Readonly<Record<string, string>>;
  readonly pid: number;
  /** The last part of its stderr. */
  stderr(): string;
  /** Settles when the process has ended, however that came about. */
  readonly exited: Promise<Exit>;
  /** SIGTERM, and SIGKILL when it has not ended in time. Harmless when it has ended already. */
  stop(): Promise<Exit>;
  kill(signal: NodeJS.Signals): void;
}

/**
 * Starts one of our servers and waits for its line {"listening":{...}} on stdout. Rejects, with the last of its stderr,
 * when the process ends first, prints something else or takes too long; it is not left running then.
 */
export async function spawnServer(options: SpawnOptions): Promise<SpawnedServer> {
  const label = options.args.find((arg) => !arg.startsWith('-')) ?? options.command ?? 'a server';
  const child = spawn(options.command ?? process.execPath, options.args, {
    env: { ...process.env, ...options.env },
    stdio: ['ignore', 'pipe', 'pipe'],
    detached: options.ownGroup ?? false,
    ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
  });
  if (child.pid !== undefined) options.onSpawn?.(child.pid);
  const stderr = keepStderr(child, options.onStderr);
  const exited = new Promise<Exit>((resolve) => {
    // 'close' comes after the last of stderr; 'error' alone means that it never started.
    child.once('close', (code, signal) => resolve({ code, signal }));
    child.once('error', () => child.pid === undefined && resolve({ code: 127, signal: null }));
  });
  const stop = stopper(child, exited, options.stopMs ?? 10_000);
  try {
    const listening = await within(
      Promise.race([listeningLine(child), exited.then((exit) => Promise.reject(endedEarly(exit)))]),
      `${label} to listen`,
      options.readyMs,
    );
    return { listening, pid: child.pid ?? 0, stderr, exited, stop, kill: (signal) => child.kill(signal) };
  } catch (error) {
    await stop();
    const reason = error instanceof Error ? error.message : String(error);
    throw new Error(`${label}: ${reason}\n${stderr()}`, { cause: error });
  }
}

function keepStderr(child: ChildProcess, onStderr: ((text: string) => void) | undefined): () => string {
  let kept = '';
  child.on('error', (error) => {
    kept += `${error.message}\n`;
  });
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    kept = (kept + text).slice(-STDERR_CHARS_MAX);
    onStderr?.(text);
  });
  return () => kept;
}

function stopper(child: ChildProcess, exited: Promise<Exit>, stopMs: number): () => Promise<Exit> {
  return async () => {
    child.kill('SIGTERM');
    const impatient = setTimeout(() => child.kill('SIGKILL'), stopMs);
    try {
      return await exited;
    } finally {
      clearTimeout(impatient);
    }
  };
}

async function listeningLine(child: ChildProcess): Promise<Readonly<Record<string, string>>> {
  if (!child.stdout) throw new Error('has no stdout');
  const lines = createInterface({ input: child.stdout });
  const [line]: unknown[] = await once(lines, 'line');
  lines.close();
  child.stdout.resume(); // Whatever else it prints must not fill the pipe and block it.
  const parsed: unknown = JSON.parse(String(line));
  if (typeof parsed !== 'object' || parsed === null || !('listening' in parsed)) {
    throw new Error(`expected a listening line, got ${String(line)}`);
  }
  return parsed.listening as Record<string, string>; // Our servers print nothing else under that name.
}

function endedEarly({ code, signal }: Exit): Error {
  return new Error(`ended before it listened (${signal ?? `exit code ${code}`})`);
}

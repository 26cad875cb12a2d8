// One run of k6, from start to end.
import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { environmentWith } from '../config/loadtest.ts';
import { EXIT, LoadtestError } from './exit.ts';
import type { K6 } from './find-k6.ts';
import type { Settings } from './k6/settings.ts';
import { type Point, pointOf } from './points.ts';

/** k6's exit code when a threshold was missed. */
const THRESHOLDS_MISSED = 99;
/** Beyond the run's own length: starting, finding the data, waiting for what is under way, putting routes back. */
const GRACE_MS = 120_000;
const KILL_MS = 10_000;
const STDERR_CHARS_MAX = 16 * 1024;
/** k6's own word on each request without an answer; the scripts tell of the first of them, and count all. */
const REQUEST_FAILED = 'msg="Request Failed"';

export interface Run {
  readonly settings: Settings;
  /** The operator's token; only flips need it. */
  readonly token?: string;
  /** Whether k6 prints its summary. */
  readonly summary: boolean;
  readonly onPoint: (point: Point) => void;
  /** Sees what k6 says, a line at a time. */
  readonly onText: (line: string) => void;
  readonly signal: AbortSignal;
}

/**
 * Resolves when k6 has ended by itself, with whether all thresholds were met. An abort of `signal` ends it in order (routes are put back).
 * @throws {LoadtestError} when it could not run, ran into an error of its own, took too long or was aborted.
 */
export async function runK6(
  k6: K6,
  { settings, token, summary, onPoint, onText, signal }: Run,
): Promise<{ readonly met: boolean }> {
  const args = [
    ...[...k6.before, 'run', '--quiet', '--no-usage-report', '--no-color', '--out', 'json=-'],
    ...['--summary-mode', summary ? 'compact' : 'disabled', k6.script],
  ];
  const env = environmentWith({
    BANYAN_LOAD: JSON.stringify(settings),
    ...(token === undefined ? {} : { BANYAN_OPERATOR_TOKEN: token }),
  });
  const child = spawn(k6.command, args, { env, stdio: ['ignore', 'pipe', 'pipe'] });
  const ended = new Promise<number | null>((resolve, reject) => {
    child.once('error', (error) =>
      reject(new LoadtestError(EXIT.error, `cannot start ${k6.command}: ${error.message}`)),
    );
    child.once('close', resolve);
  });
  let stderr = '';
  createInterface({ input: child.stderr }).on('line', (line) => {
    if (line.includes(REQUEST_FAILED)) return;
    stderr = `${stderr}${line}\n`.slice(-STDERR_CHARS_MAX);
    onText(line);
  });
  createInterface({ input: child.stdout }).on('line', (line) => {
    const point = pointOf(line);
    if (point === 'text') onText(line);
    else if (point !== undefined) onPoint(point);
  });
  const limit = AbortSignal.timeout(settings.seconds * 1000 + GRACE_MS);
  const leave = AbortSignal.any([signal, limit]);
  let killer: NodeJS.Timeout | undefined;
  const end = () => {
    child.kill('SIGINT');
    killer = setTimeout(() => child.kill('SIGKILL'), KILL_MS);
  };
  leave.addEventListener('abort', end);
  if (leave.aborted) end();
  try {
    const code = await ended;
    if (signal.aborted) throw new LoadtestError(EXIT.interrupted, 'interrupted');
    if (limit.aborted) throw new LoadtestError(EXIT.error, `k6 did not end in time\n${stderr}`);
    if (code !== 0 && code !== THRESHOLDS_MISSED)
      throw new LoadtestError(EXIT.error, `k6 ended with ${code}\n${stderr}`);
    return { met: code === 0 };
  } finally {
    leave.removeEventListener('abort', end);
    clearTimeout(killer);
  }
}

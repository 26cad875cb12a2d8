// The data jobs as an operator runs them: each command a process; the runs follow legacy's writers until they are told to end.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import process from 'node:process';
import { EXIT } from '../../migration/cli/answer.ts';
import { eventually } from '../helpers/deadline.ts';

const ROOT = join(import.meta.dirname, '..', '..');
/** Verifying is refused, as a conflict, until all is copied. */
const COPY_MS = 120_000;
const SAID_CHARS_MAX = 2000;
const JOBS = ['orders', 'positions'] as const;

export interface DataJobs {
  /** Makes what the source needs, plans, and begins to copy and to follow. */
  begin(): Promise<void>;
  /** Verifies beside the runs and writes the certificates; rejects unless each is perfect. */
  verify(): Promise<void>;
  /** Ends the runs in order. */
  end(): Promise<void>;
}

export function createDataJobs(env: Readonly<Record<string, string>>): DataJobs {
  const runs: ChildProcess[] = [];
  const start = (...args: readonly string[]): ChildProcess =>
    spawn(process.execPath, [join(ROOT, 'migration', 'main.ts'), ...args], {
      ...{ cwd: ROOT, env: { ...process.env, ...env }, stdio: ['ignore', 'pipe', 'pipe'] },
    });
  async function ended(...args: readonly string[]): Promise<{ readonly code: number; readonly said: string }> {
    const child = start(...args);
    let said = '';
    for (const stream of [child.stdout, child.stderr]) {
      stream?.setEncoding('utf8').on('data', (text: string) => {
        said = (said + text).slice(-SAID_CHARS_MAX);
      });
    }
    const [code] = await once(child, 'close');
    return { code, said };
  }
  async function done(...args: readonly string[]): Promise<void> {
    const { code, said } = await ended(...args);
    if (code !== 0) throw new Error(`banyan-migrate ${args.join(' ')} ended with ${code}: ${said}`);
  }
  return {
    async begin() {
      for (const job of JOBS) {
        await done('setup', job);
        await done('plan', job);
        const run = start('run', job);
        run.stdout?.resume();
        run.stderr?.resume();
        runs.push(run);
      }
    },
    async verify() {
      for (const job of JOBS) {
        await eventually(
          async () => {
            const { code, said } = await ended('verify', job);
            if (code !== EXIT.ok && code !== EXIT.conflict)
              throw new Error(`${job} is not verified (${code}): ${said}`);
            return code === EXIT.ok;
          },
          `${job} to be copied`,
          COPY_MS,
        );
      }
    },
    async end() {
      await Promise.all(
        runs.map(async (run) => {
          if (run.exitCode !== null || run.signalCode !== null) return;
          const closed = once(run, 'close');
          run.kill('SIGTERM');
          await closed;
        }),
      );
    },
  };
}

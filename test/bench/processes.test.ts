import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { describe, it } from 'node:test';
import { eventually, within } from '../helpers/deadline.ts';

const MODULE = join(import.meta.dirname, 'processes.ts');
const WAIT_MS = 15_000;

/** A process that starts one child as the benchmark does, prints the child's pid and then waits, or exits. */
function script(folder: string, end: string): string {
  return `
    import { createProcesses } from ${JSON.stringify(MODULE)};
    const processes = createProcesses(${JSON.stringify(folder)}, undefined);
    const command = process.execPath;
    const { pid } = await processes.start({ name: 'idle', command, args: ['-e', 'setInterval(() => {}, 1000)'] });
    console.log(pid);
    ${end}`;
}

function isRunning(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}

describe('what the benchmark started', () => {
  for (const [how, end] of [
    ['is killed outright', 'setInterval(() => {}, 1000);'],
    ['exits in a hurry', 'process.exit(1);'],
  ] as const) {
    it(`ends when the benchmark ${how}`, async () => {
      const folder = mkdtempSync(join(tmpdir(), 'banyan-guard-'));
      const args = ['--input-type=module-typescript', '-e', script(folder, end)];
      const benchmark = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] });
      const ended = once(benchmark, 'exit');
      try {
        const [line]: unknown[] = await within(once(createInterface(benchmark.stdout), 'line'), 'the pid', WAIT_MS);
        benchmark.kill('SIGKILL');
        await within(ended, 'the end', WAIT_MS);
        assert.match(String(line), /^\d+$/);
        await eventually(() => !isRunning(Number(line)), 'its child to end', WAIT_MS);
      } finally {
        benchmark.kill('SIGKILL');
        rmSync(folder, { recursive: true, force: true });
      }
    });
  }
});

import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import process from 'node:process';
import { eventually } from '../../helpers/deadline.ts';

const END_MS = 10_000;

/** A process that a sandbox started. `mark` is a part of its command line, so that a reused id is not mistaken for it. */
export interface Started {
  readonly pid: number;
  readonly mark: string;
}

interface Run {
  readonly owner: Started;
  readonly children: readonly Started[];
}

export interface RunFile {
  /** Notes a child, before anything else can go wrong. */
  add(child: Started): void;
  /** Everything has been stopped. */
  remove(): void;
}

/**
 * Takes the data folder for this process: throws when another live sandbox has it, and first ends what a sandbox that
 * was killed outright has left running there, since nobody else will.
 */
export async function takeDataFolder(folder: string, owner: Started): Promise<RunFile> {
  const file = join(folder, 'sandbox.json');
  const before = readRun(file);
  if (before && isRunning(before.owner)) {
    throw new Error(
      `a sandbox (process ${before.owner.pid}) is using ${folder}; stop it, or use another with --data DIR`,
    );
  }
  for (const child of [...(before?.children ?? [])].reverse()) await end(child);
  let run: Run = { owner, children: [] };
  const write = (): void => writeFileSync(file, JSON.stringify(run));
  write();
  return {
    add(child) {
      run = { ...run, children: [...run.children, child] };
      write();
    },
    remove: () => rmSync(file, { force: true }),
  };
}

function readRun(file: string): Run | undefined {
  if (!existsSync(file)) return undefined;
  try {
    return JSON.parse(readFileSync(file, 'utf8')) as Run; // Written by `write` above.
  } catch {
    return undefined; // Killed while writing: what it started is not known.
  }
}

async function end(child: Started): Promise<void> {
  if (!isRunning(child)) return;
  process.kill(child.pid, 'SIGINT'); // To Postgres SIGTERM means to wait for its clients.
  try {
    await eventually(() => !isRunning(child), `process ${child.pid} to end`, END_MS);
  } catch {
    process.kill(child.pid, 'SIGKILL');
  }
}

function isRunning({ pid, mark }: Started): boolean {
  if (pid === process.pid) return false;
  if (existsSync('/proc/self/cmdline')) {
    const file = `/proc/${pid}/cmdline`;
    return existsSync(file) && readFileSync(file, 'utf8').includes(mark);
  }
  const { stdout } = spawnSync('ps', ['-o', 'command=', '-p', String(pid)], { encoding: 'utf8' });
  return stdout?.includes(mark) ?? false;
}

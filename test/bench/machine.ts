// The machine and what it has: for the report, and for deciding who runs on which core.
import { execFileSync, spawnSync } from 'node:child_process';
import { accessSync, constants } from 'node:fs';
import { availableParallelism, cpus, loadavg, platform, totalmem } from 'node:os';
import { delimiter, join } from 'node:path';

export interface Machine {
  readonly cores: number;
  readonly cpu: string;
  readonly memoryGb: number;
  readonly node: string;
  /** What Node is started with, ourselves and every Node process alike. */
  readonly nodeFlags: readonly string[];
  readonly tools: Readonly<Record<'wrk' | 'nginx' | 'haproxy', string | undefined>>;
  /** The mean number of busy processes before we began: above one, others disturb the numbers. */
  readonly loadBefore: number;
  readonly pinning: Cores | undefined;
}

/** Who runs where: the proxy under test has a core of its own. Undefined where there is but one core, or no taskset. */
export interface Cores {
  readonly proxy: string;
  /** Load and upstreams. */
  readonly rest: string;
}

export function lookAtMachine(): Machine {
  const cores = availableParallelism();
  const canPin = cores > 1 && platform() === 'linux' && findTool('taskset') !== undefined;
  return {
    cores,
    cpu: cpus()[0]?.model.trim() ?? 'unknown',
    memoryGb: Math.round(totalmem() / 2 ** 30),
    node: process.version,
    nodeFlags: process.execArgv,
    tools: {
      wrk: findTool('wrk') && versionOf('wrk', '-v'),
      nginx: findTool('nginx') && versionOf('nginx', '-v'),
      haproxy: findTool('haproxy') && versionOf('haproxy', '-v'),
    },
    loadBefore: loadavg()[0] ?? 0,
    pinning: canPin ? { proxy: `${cores - 1}`, rest: cores === 2 ? '0' : `0-${cores - 2}` } : undefined,
  };
}

/** Moves this process, and with it all that it starts later, away from the proxy's core. */
export function leaveProxyCore({ rest }: Cores): void {
  execFileSync('taskset', ['-a', '-cp', rest, String(process.pid)], { stdio: 'ignore' });
}

/** The path of a program on PATH, /usr/sbin included: that is where Debian puts servers. */
function findTool(name: string): string | undefined {
  for (const folder of [...(process.env.PATH ?? '').split(delimiter), '/usr/sbin', '/usr/local/sbin']) {
    const path = join(folder, name);
    try {
      accessSync(path, constants.X_OK);
      return path;
    } catch {
      // Not there; the next folder.
    }
  }
  return undefined;
}

/** The version as the program tells it, to whichever stream, with whatever exit code. */
function versionOf(name: string, flag: string): string {
  const { stdout, stderr } = spawnSync(findTool(name) ?? name, [flag], { encoding: 'utf8', timeout: 5_000 });
  return /\d+\.\d+(?:\.\d+)?/.exec(`${stdout}${stderr}`)?.[0] ?? 'unknown version';
}

// What a process costs: CPU time and resident memory, from /proc where there is one.
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';

/** USER_HZ: fixed at 100 for every Linux that userland sees (man 5 proc). */
const TICKS_PER_SECOND = 100;
const MB = 1024 * 1024;

/** User and kernel time of all threads so far; undefined where the system does not say. */
export function cpuSeconds(pid: number): number | undefined {
  const file = `/proc/${pid}/stat`;
  if (!existsSync(file)) return undefined;
  // The second field is the program's name in brackets, which may hold anything; count from behind it.
  const fields = readFileSync(file, 'latin1').split(') ').at(-1)?.split(' ') ?? [];
  return (Number(fields[11]) + Number(fields[12])) / TICKS_PER_SECOND;
}

/** Resident memory in MB (2^20 bytes). */
export function residentMb(pid: number): number {
  const file = `/proc/${pid}/status`;
  const kb = existsSync(file)
    ? /^VmRSS:\s+(\d+) kB/m.exec(readFileSync(file, 'latin1'))?.[1]
    : execFileSync('ps', ['-o', 'rss=', '-p', String(pid)], { encoding: 'utf8' });
  return (Number(kb ?? 0) * 1024) / MB;
}

export interface MemoryWatch {
  /** The most that was seen. */
  stop(): number;
}

/** Looks every few milliseconds until stopped. */
export function watchMemory(pid: number, everyMs = 20): MemoryWatch {
  let most = residentMb(pid);
  const timer = setInterval(() => {
    most = Math.max(most, residentMb(pid));
  }, everyMs);
  return {
    stop() {
      clearInterval(timer);
      return Math.max(most, residentMb(pid));
    },
  };
}

// How often a piece of work is done in a second of CPU time, which is what one core gives it.

/** By CPU time of this thread, so that whatever else runs on the machine is not counted. */
export function perSecondOf(work: () => unknown, forMs: number): number {
  const startedAt = process.threadCpuUsage();
  for (let batch = 1, done = 0; ; batch *= 2) {
    for (let i = 0; i < batch; i++) work();
    done += batch;
    const { user, system } = process.threadCpuUsage(startedAt);
    if (user + system >= forMs * 1000) return (done * 1_000_000) / (user + system);
  }
}

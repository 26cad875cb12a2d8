// A data job's status as its process writes it, for those who only read it.
import { mkdirSync, writeFileSync } from 'node:fs';
import { type JobStatus, jobStatusFile } from '../../config/job-files.ts';

export function aJobStatus(given: Partial<JobStatus> = {}): JobStatus {
  return {
    ...{ job: 'orders', at: '2026-03-02T12:00:00.000Z', state: 'running', reason: null, paused: false, holding: null },
    ...{ step: 'copy', table: 'public.orders' },
    rows: { planned: 1_000, read: 400, written: 390, skipped: 8, rejected: 2 },
    chunks: { total: 10, done: 4 },
    changes: { applied: 30, copied: 2, skipped: 1, waiting: 5 },
    ...{ perSecond: 120.5, etaMs: 5_000, logBytes: 4_096 },
    pace: { atOnce: 16, throttled: 0, reason: null },
    ...given,
  };
}

export function writeJobStatus(folder: string, status: JobStatus): void {
  mkdirSync(folder, { recursive: true });
  writeFileSync(jobStatusFile(folder, status.job), JSON.stringify(status));
}

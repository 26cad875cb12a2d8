// What gateways are told of a job is what its ledger has, its rate and its end.
import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import { type JobStatus, jobStatus, jobStatusFile } from '../../../config/job-files.ts';
import { orders } from '../../../migration/jobs/orders.ts';
import type { LedgerJob } from '../../../migration/ledger/ledger.ts';
import { createRate } from '../../../migration/status/rate.ts';
import { createTeller, tellNothing, tellPaused } from '../../../migration/status/tell.ts';

const AT_MS = Date.parse('2026-03-02T12:00:00.000Z');
const SLOT = { active: true, walStatus: 'reserved', keptBytes: 4_096, safeBytes: undefined };
const LEDGER_JOB: LedgerJob = {
  ...{ name: 'orders', planHash: 'x', state: 'running', reason: null, paused: false, spooledLsn: 1n },
  counts: { rowsRead: 100, rowsWritten: 90, rowsKept: 8, changesApplied: 5, changesSeen: 3, changesKept: 2 },
  ...{ chunks: { total: 4, done: 1 }, pending: 7, deadLetters: 2 },
};

function telling(t: TestContext) {
  const folder = mkdtempSync(join(tmpdir(), 'banyan-tell-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  const problems: unknown[] = [];
  let nowMs = AT_MS;
  const teller = createTeller({
    ...{ job: orders, folder, rowsPlanned: 400 },
    pace: () => ({ atOnce: 16, throttled: 3, reason: 'WriteMaxOnDemandThroughputExceeded' }),
    nowMs: () => nowMs,
    onProblem: (error) => problems.push(error),
  });
  const told = (): JobStatus => jobStatus.parse(JSON.parse(readFileSync(jobStatusFile(folder, 'orders'), 'utf8')));
  const progress = (job: LedgerJob = LEDGER_JOB, holding?: string) => teller.progress({ job, slot: SLOT, holding });
  const later = (ms: number) => {
    nowMs += ms;
  };
  return { folder, teller, told, progress, problems, later };
}

const read = (rowsRead: number): LedgerJob => ({ ...LEDGER_JOB, counts: { ...LEDGER_JOB.counts, rowsRead } });

describe('a job tells', () => {
  it('what its ledger has', (t) => {
    const { told, progress } = telling(t);
    progress(LEDGER_JOB, 'paused by an operator');
    assert.deepEqual(told(), {
      ...{ job: 'orders', at: '2026-03-02T12:00:00.000Z', state: 'running', reason: null, paused: false },
      ...{ holding: 'paused by an operator', step: 'copy', table: 'public.orders' },
      rows: { planned: 400, read: 100, written: 90, skipped: 8, rejected: 2 },
      chunks: { total: 4, done: 1 },
      changes: { applied: 5, copied: 3, skipped: 2, waiting: 7 },
      ...{ perSecond: 0, etaMs: null, logBytes: 4_096 },
      pace: { atOnce: 16, throttled: 3, reason: 'WriteMaxOnDemandThroughputExceeded' },
    });
  });

  it('how fast it is and when it will be done, until all is copied', (t) => {
    const { told, progress, later } = telling(t);
    progress(read(100));
    later(2_000);
    progress(read(200));
    assert.deepEqual([told().perSecond, told().etaMs], [50, 4_000]);
    later(2_000);
    progress({ ...read(400), chunks: { total: 4, done: 4 } });
    assert.deepEqual([told().step, told().etaMs], ['follow', null]);
  });

  it('its end, and whole files only', (t) => {
    const { folder, teller, told, progress, later } = telling(t);
    progress(read(0));
    later(1_000);
    teller.ended({ ...LEDGER_JOB, reason: 'the table has changed' }, 'blocked');
    assert.deepEqual([told().state, told().reason, told().logBytes], ['blocked', 'the table has changed', 4_096]);
    assert.deepEqual([told().perSecond, told().etaMs], [0, null], 'nothing is under way any more');
    assert.deepEqual(readdirSync(folder), ['orders.status.json']);
  });

  it('nobody where it cannot, says so once, and goes on', (t) => {
    const { folder, progress, problems } = telling(t);
    rmSync(folder, { recursive: true });
    writeFileSync(folder, '');
    progress();
    progress();
    assert.equal(problems.length, 1);
  });
});

describe('a pause without a run', () => {
  it('is told, and to go on ends a block', (t) => {
    const { folder, teller, told } = telling(t);
    teller.ended({ ...LEDGER_JOB, reason: 'the table has changed' }, 'blocked');
    tellPaused(folder, 'orders', true, AT_MS + 5_000);
    assert.deepEqual([told().state, told().paused, told().at], ['blocked', true, '2026-03-02T12:00:05.000Z']);
    tellPaused(folder, 'orders', false, AT_MS + 6_000);
    assert.deepEqual([told().state, told().reason, told().paused], ['stopped', null, false]);
  });

  it('is left to a run that is under way, and a job that is forgotten tells nothing', (t) => {
    const { folder, told, progress } = telling(t);
    tellPaused(folder, 'orders', true, AT_MS);
    assert.deepEqual(readdirSync(folder), []);
    progress();
    tellPaused(folder, 'orders', true, AT_MS + 5_000);
    assert.equal(told().paused, false);
    tellNothing(folder, 'orders');
    assert.deepEqual(readdirSync(folder), []);
  });
});

describe('a rate', () => {
  it('is of the last seconds, and never below zero', () => {
    const rate = createRate();
    assert.equal(rate(0, 0), 0);
    assert.equal(rate(100, 1_000), 100);
    assert.equal(rate(100, 15_000), 100 / 15);
    assert.equal(rate(100, 17_000), 0);
    assert.equal(rate(50, 18_000), 0);
  });
});

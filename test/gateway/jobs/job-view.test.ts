// What a job's files, its certificate and the routes that need it amount to.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { JobStatus } from '../../../config/job-files.ts';
import { type JobFacts, SILENT_MS, viewOfJob } from '../../../gateway/jobs/job-view.ts';
import { aJobStatus } from '../../helpers/jobs.ts';

const AT_MS = Date.parse('2026-03-02T12:00:00.000Z');
const INVALID = { job: 'orders', problem: 'there is no certificate' };
const VALID = { job: 'orders', problem: undefined, at: '2026-03-02T11:00:00.000Z', rows: 1_000 };

function viewed(status: Partial<JobStatus> | undefined, facts: Partial<JobFacts> = {}) {
  const told = {
    job: 'orders',
    status: status && aJobStatus(status),
    asked: undefined,
    problem: undefined,
  };
  return viewOfJob({ told, certificate: INVALID, neededBy: [], nowMs: AT_MS, ...facts });
}

describe('the condition of a job', () => {
  it('is what it told last, while that is fresh', () => {
    assert.equal(viewed({}).condition, 'running');
    assert.equal(viewed({ paused: true }).condition, 'paused');
    assert.equal(viewed({ state: 'stopped' }).condition, 'stopped');
    assert.equal(viewed({ state: 'caught_up' }).condition, 'caught_up');
    assert.equal(viewed(undefined).condition, 'unknown');
  });

  it('is silent once a run has told nothing for too long, and its end never is', () => {
    const running = (silentMs: number) => viewed({}, { nowMs: AT_MS + silentMs });
    assert.equal(running(SILENT_MS).condition, 'running');
    assert.equal(running(SILENT_MS + 1).condition, 'silent');
    assert.equal(running(SILENT_MS + 1).silentMs, SILENT_MS + 1);
    assert.match(running(30_000).attention ?? '', /nothing heard for 30 s: its process is gone/);
    assert.equal(viewed({ state: 'caught_up' }, { nowMs: AT_MS + 86_400_000 }).condition, 'caught_up');
  });

  it('is blocked with its reason, though it is paused too', () => {
    const view = viewed({ state: 'blocked', reason: 'the table has changed', paused: true });
    assert.deepEqual([view.condition, view.attention], ['blocked', 'blocked: the table has changed']);
  });

  it('names the file that cannot be read', () => {
    const told = { job: 'orders', status: undefined, asked: undefined, problem: 'orders.status.json: not valid' };
    assert.equal(viewed(undefined, { told }).attention, 'orders.status.json: not valid');
  });
});

describe('the phase of a job', () => {
  const needing = (stage: 'shadow' | 'live' | 'complete') => [{ id: 'trade.order.get', stage }];

  it('is the step of its run until a certificate counts', () => {
    assert.equal(viewed({}).phase, 'copy');
    assert.equal(viewed({ step: 'follow' }, { neededBy: needing('live') }).phase, 'follow');
    assert.equal(viewed(undefined).phase, null);
  });

  it('is verified by one, and cut over once new serves every route that needs it', () => {
    assert.equal(viewed({}, { certificate: VALID }).phase, 'verified');
    assert.equal(viewed({}, { certificate: VALID, neededBy: needing('shadow') }).phase, 'verified');
    assert.equal(viewed({}, { certificate: VALID, neededBy: needing('live') }).phase, 'cut_over');
    const both = [...needing('complete'), ...needing('shadow')];
    assert.equal(viewed({}, { certificate: VALID, neededBy: both }).phase, 'verified');
  });
});

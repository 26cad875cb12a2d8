// What is asked of a job is applied once the job can, and is never lost to a newer ask or a crash.
import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, it } from 'node:test';
import { type JobAsk, jobAskFile } from '../../../config/job-files.ts';
import { takeAsk } from '../../../migration/status/asks.ts';

const PAUSE: JobAsk = { paused: true, by: 'ops', at: '2026-03-02T12:00:00.000Z', reason: 'test' };

describe('an ask', () => {
  let folder = '';
  let applied: boolean[] = [];
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'banyan-asks-'));
    applied = [];
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  const ask = (given: object) => writeFileSync(jobAskFile(folder, 'orders'), JSON.stringify(given));
  const take = (apply = async ({ paused }: JobAsk) => void applied.push(paused)) => takeAsk(folder, 'orders', apply);

  it('is applied once, and gone', async () => {
    ask(PAUSE);
    await take();
    await take();
    assert.deepEqual([applied, readdirSync(folder)], [[true], []]);
  });

  it('that could not be applied is applied by the next look', async () => {
    ask(PAUSE);
    const full = async () => {
      throw new Error('disk full');
    };
    await assert.rejects(take(full), /disk full/);
    await take();
    assert.deepEqual(applied, [true]);
  });

  it('that is newer wins over one that a crash has left', async () => {
    ask(PAUSE);
    renameSync(jobAskFile(folder, 'orders'), `${jobAskFile(folder, 'orders')}.taken`);
    ask({ ...PAUSE, paused: false });
    await take();
    await take();
    assert.deepEqual(applied, [false]);
  });

  it('that nobody understands is refused and removed, so that the next is heard', async () => {
    ask({ paused: 'perhaps' });
    await assert.rejects(take(), /orders\.ask\.json asked for nothing that is known/);
    assert.deepEqual([applied, readdirSync(folder)], [[], []]);
  });
});

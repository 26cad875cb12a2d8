// The page of data jobs in a real browser: every number that a job told, its pause, its silence, and a certificate that ends.
import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import type { Page } from 'playwright-core';
import { type JobStatus, jobAskFile } from '../../config/job-files.ts';
import { VIEWER_TOKEN } from '../helpers/gateway.ts';
import { aJobStatus, writeJobStatus } from '../helpers/jobs.ts';
import { withoutChromium } from './chromium.ts';
import { type ConsoleFixture, startConsole } from './setup.ts';

const MINUTE_MS = 60_000;

describe('the page of data jobs', { skip: withoutChromium }, () => {
  const certificates = mkdtempSync(join(tmpdir(), 'banyan-jobs-page-'));
  let fixture: ConsoleFixture;
  before(async () => {
    const match = { methods: ['GET'], path: '/a/:id' };
    fixture = await startConsole({
      routes: [{ id: 'alpha.get', match, requires: ['orders', 'positions'] }],
      certificates,
    });
  });
  after(async () => {
    const { complaints } = fixture;
    await fixture.close();
    rmSync(certificates, { recursive: true });
    assert.deepEqual(complaints, []);
  });

  const tell = (given: Partial<JobStatus> = {}) =>
    writeJobStatus(certificates, aJobStatus({ at: new Date().toISOString(), ...given }));
  const panel = (page: Page, job = 'orders') => page.locator(`[data-job="${job}"]`);
  async function numbers(page: Page): Promise<Record<string, string>> {
    const names = await panel(page).locator('dt').allTextContents();
    const values = await panel(page).locator('dd').allTextContents();
    return Object.fromEntries(names.map((name, index) => [name, values[index] ?? '']));
  }

  it('has the numbers that the job told, and names one that was not run yet', async () => {
    tell();
    const page = await fixture.open('/');
    await page.getByRole('heading', { level: 1 }).waitFor();
    await page.keyboard.press('g');
    await page.keyboard.press('j');
    await panel(page).getByText('running').waitFor();
    assert.deepEqual(await numbers(page), {
      ...{ Planned: '1,000', Read: '400', Written: '390', Skipped: '8', Rejected: '2', Verified: '–' },
      ...{ Changes: '30', Waiting: '5', 'Log kept': '4.0 KiB', Rate: '121/s', Left: '5 s' },
    });
    await panel(page).getByText('40.0 % copied, 4 of 10 chunks').waitFor();
    await panel(page)
      .getByText(/Not verified: there is no certificate/)
      .waitFor();
    await panel(page, 'positions').getByText('not run yet').waitFor();
    await panel(page).getByRole('link', { name: 'alpha.get' }).waitFor();
    await page.context().close();
  });

  it('says which job is not heard any more, and why one is held', async () => {
    tell({ holding: "the source is about to drop the slot's log: receiving comes first" });
    const page = await fixture.open('/jobs');
    await panel(page)
      .getByText(/Copying waits: the source is about to drop/)
      .waitFor();
    tell({ at: new Date(Date.now() - MINUTE_MS).toISOString() });
    await panel(page)
      .getByText(/nothing heard for \d+ s: its process is gone/)
      .waitFor();
    tell({ state: 'blocked', reason: 'the table was truncated' });
    await panel(page).getByText('blocked: the table was truncated').waitFor();
    tell({ pace: { atOnce: 4, throttled: 12, reason: 'index symbol-index' } });
    await panel(page).getByText('4 writes at once; throttled 12 times: index symbol-index').waitFor();
    await page.context().close();
  });

  it('asks a job to pause, with a reason, and shows that it has not done so yet', async () => {
    tell();
    const page = await fixture.open('/jobs');
    await panel(page).getByRole('button', { name: 'Pause…' }).click();
    const dialog = page.getByRole('alertdialog', { name: 'Pause orders' });
    await dialog.getByLabel(/Reason/).fill('the source is slow');
    await dialog.getByRole('button', { name: 'Pause' }).click();
    await panel(page)
      .getByText(/ops asked it to pause .* it has not done so yet/)
      .waitFor();
    const { paused, by, reason } = JSON.parse(readFileSync(jobAskFile(certificates, 'orders'), 'utf8'));
    assert.deepEqual({ paused, by, reason }, { paused: true, by: 'ops', reason: 'the source is slow' });
    rmSync(jobAskFile(certificates, 'orders')); // As its process takes it away,
    tell({ paused: true }); // and says so.
    await panel(page).locator('.health', { hasText: 'paused' }).waitFor();
    await panel(page).getByRole('button', { name: 'Resume…' }).waitFor();
    await page.goto(`${fixture.gateway.operatorUrl}/audit`);
    await page.getByText('pause job').waitFor();
    await page.context().close();
  });

  it('shows who looks only no button', async () => {
    tell();
    const page = await fixture.open('/jobs', { token: VIEWER_TOKEN });
    await panel(page).getByText('running').waitFor();
    assert.equal(await panel(page).getByRole('button').count(), 0);
    await page.context().close();
  });

  it('shows what a certificate says, until when, and that its data is cut over once new serves', async () => {
    tell({ state: 'caught_up', step: 'follow' });
    const [at, validUntil] = [-MINUTE_MS, 24 * 60 * MINUTE_MS].map((ms) => new Date(Date.now() + ms).toISOString());
    const certificate = { job: 'orders', result: 'verified', at, validUntil, rows: 1_000 };
    writeFileSync(join(certificates, 'orders.json'), JSON.stringify(certificate));
    const page = await fixture.open('/jobs');
    await panel(page)
      .getByText(/Verified .* ago, 1,000 rows; the certificate ends in 1 d|in 23 h/)
      .waitFor();
    assert.equal((await numbers(page)).Verified, '1,000');
    assert.equal(await panel(page).locator('.phase').textContent(), 'verified');
    const live = { stage: 'live', reason: 'test' };
    await fixture.gateway.api('PUT', '/api/routes/alpha.get/stage', live, { 'if-match': '*' });
    await panel(page).locator('.phase', { hasText: 'cut over' }).waitFor();
    await page.context().close();
  });

  it('fits on a phone', async () => {
    tell();
    const page = await fixture.open('/jobs', { context: { viewport: { width: 390, height: 844 }, hasTouch: true } });
    await panel(page).waitFor();
    const excess = await page.evaluate(() => {
      const { scrollWidth, clientWidth } = globalThis.document.documentElement;
      return scrollWidth - clientWidth;
    });
    assert.equal(excess, 0);
    await page.context().close();
  });
});

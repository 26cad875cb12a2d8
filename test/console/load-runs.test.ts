// The pages of load runs in a real browser: the verdicts and figures that were written, the way from run to run, and a report that
// somebody else may have written.
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { loadRunFile } from '../../config/load-report.ts';
import { VIEWER_TOKEN } from '../helpers/gateway.ts';
import { keepLoadRun } from '../helpers/load-runs.ts';
import { withoutChromium } from './chromium.ts';
import { type ConsoleFixture, startConsole } from './setup.ts';

const [MONDAY, TUESDAY] = ['20260302T100000000Z', '20260303T100000000Z'];

describe('the pages of load runs', { skip: withoutChromium }, () => {
  const loadRuns = mkdtempSync(join(tmpdir(), 'banyan-load-runs-page-'));
  let fixture: ConsoleFixture;
  before(async () => {
    keepLoadRun(loadRuns, '2026-03-02T10:00:00.000Z');
    keepLoadRun(loadRuns, '2026-03-03T10:00:00.000Z', { gateway: 12 });
    fixture = await startConsole({
      routes: [{ id: 'market.ticker', match: { methods: ['GET'], path: '/m/:id' } }],
      loadRuns,
    });
  });
  after(async () => {
    const { complaints } = fixture;
    await fixture.close();
    rmSync(loadRuns, { recursive: true });
    assert.deepEqual(complaints, []);
  });

  it('list the runs, the latest first, with the verdict of each and how the figures went', async () => {
    const page = await fixture.open('/', { token: VIEWER_TOKEN });
    await page.getByRole('heading', { level: 1 }).waitFor();
    await page.keyboard.press('g');
    await page.keyboard.press('l');
    await page.locator(`tr[data-run="${MONDAY}"]`).waitFor();
    const cells = (run: string) => page.locator(`tr[data-run="${run}"] td`).allTextContents();
    const load = '6 × 10 s at 20.0/s';
    assert.deepEqual(await cells(TUESDAY), [
      ...['▲ not ready', '2 missed', load, '10.00', '10.00', 'legacy 2.1 · new 2.1 · gateway 12', '2 cores'],
    ]);
    assert.deepEqual((await cells(MONDAY)).slice(0, 4), ['● ready', 'all 6 met', load, '0.50']);
    assert.equal(await page.locator('tr[data-run]').first().getAttribute('data-run'), TUESDAY);
    const ends = await page.locator('.chart .unseen').allTextContents();
    assert.deepEqual(ends, ['p50: 10; p95: 10', 'legacy: 2.1; new: 2.1; gateway: 12']);
    assert.equal(await page.locator('.chart canvas').count(), 2);
    await page.context().close();
  });

  it('show of one what it missed first, each percentile with its interval, and what the gateway adds', async () => {
    const page = await fixture.open('/load-runs');
    await page.locator(`tr[data-run="${TUESDAY}"] a`).click();
    await page.getByText('Not every limit is met.').waitFor();
    const outcomes = await page.locator('tr[data-outcome]').evaluateAll((rows) => rows.map((row) => row.textContent));
    assert.match(outcomes[0] ?? '', /^what the gateway adds at p50, mean of all routes1 ms10\.00▲ missed$/);
    const added = page.locator('section', { has: page.getByRole('heading', { name: 'What the gateway adds' }) });
    assert.deepEqual(await added.locator('tbody tr').allTextContents(), ['market.tickerlegacy10.0010.00']);
    const latency = page.locator('section', { has: page.getByRole('heading', { name: 'Latency' }) });
    const rows = await latency.locator('tbody tr').allTextContents();
    assert.equal(rows.length, 3);
    assert.match(rows[2] ?? '', /^market\.tickergatewaylegacy240012\.04 \(12\.04 to 12\.0\d\)/);
    await latency.getByRole('link', { name: 'market.ticker' }).first().click();
    await page.waitForURL('**/routes/market.ticker');
    await page.context().close();
  });

  it('open the report beside the console, where nothing that it was made to do is done', async () => {
    const page = await fixture.open(`/load-runs/${MONDAY}`);
    const opened = page.context().waitForEvent('page');
    await page.getByRole('link', { name: 'The report, with plots' }).click();
    const report = await opened;
    await report.getByRole('heading', { name: 'Load comparison: every limit is met' }).waitFor();
    assert.equal(await report.locator('svg').count(), 4);
    const session =
      '<script>document.title = document.cookie || "ran"; fetch("/api/rollback", { method: "POST" })</script>';
    const form = '<form action="/api/session" method="post"><button>Sign in</button></form>';
    writeFileSync(
      loadRunFile(loadRuns, MONDAY, 'html'),
      `<!doctype html><title>still</title>${session}${form}<img src="/api/audit" onerror="document.title = 'ran'">`,
    );
    const before = (await fixture.gateway.api('GET', '/api/audit')).body.entries;
    await report.reload();
    await report.getByRole('button', { name: 'Sign in' }).click();
    await report.waitForLoadState();
    assert.equal(await report.title(), 'still');
    assert.match(report.url(), /\/api\/load-runs\/20260302T100000000Z\/page$/);
    assert.deepEqual((await fixture.gateway.api('GET', '/api/audit')).body.entries, before);
    await page.context().close();
  });

  it('name a report that cannot be read, beside those that can', async () => {
    const file = loadRunFile(loadRuns, '20260304T100000000Z', 'json');
    writeFileSync(file, '<script>globalThis.pwned = 1</script>');
    const page = await fixture.open('/load-runs');
    await page.getByText('The report of 20260304T100000000Z cannot be shown: it is not JSON').waitFor();
    assert.equal(await page.locator('tr[data-run]').count(), 2);
    rmSync(file);
    await page.getByText(/cannot be shown/).waitFor({ state: 'detached' });
    await page.context().close();
  });

  for (const path of ['/load-runs', `/load-runs/${TUESDAY}`]) {
    it(`fit on a phone: ${path}`, async () => {
      const page = await fixture.open(path, { context: { viewport: { width: 390, height: 844 }, hasTouch: true } });
      await page.locator('tbody tr').first().waitFor();
      const excess = await page.evaluate(() => {
        const { scrollWidth, clientWidth } = globalThis.document.documentElement;
        return scrollWidth - clientWidth;
      });
      assert.equal(excess, 0);
      await page.context().close();
    });
  }
});

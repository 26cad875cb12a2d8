// What the console looks like to those who depend on it: accessible, narrow, full of routes, and full of hostile text.
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import axe from 'axe-core';
import type { Page } from 'playwright-core';
import { loadRunId } from '../../config/load-report.ts';
import { writeReport } from '../../loadtest/write-report.ts';
import { aJobStatus, writeJobStatus } from '../helpers/jobs.ts';
import { measured, reportOf } from '../loadtest/measured.ts';
import { withoutChromium } from './chromium.ts';
import { type ConsoleFixture, compared, move, startConsole } from './setup.ts';

const ROUTES = 60;
const HOSTILE = '<img src=x onerror="globalThis.pwned=1"><script>globalThis.pwned=1</script>{{7*7}}';
const RUN = '2026-03-02T10:00:00.000Z';
const PAGES = [
  ...['/', '/routes/route.0', '/routes/route.0/differences', '/rules', '/jobs', '/load-runs'],
  ...[`/load-runs/${loadRunId(RUN)}`, '/audit', '/instances'],
];

describe('the look of the console', { skip: withoutChromium }, () => {
  const certificates = mkdtempSync(join(tmpdir(), 'banyan-look-'));
  const loadRuns = mkdtempSync(join(tmpdir(), 'banyan-look-'));
  let fixture: ConsoleFixture;
  before(async () => {
    fixture = await startConsole({
      routes: Array.from({ length: ROUTES }, (_, n) => ({
        id: `route.${n}`,
        group: 'all',
        match: { methods: ['GET', 'HEAD'], path: `/r${n}/:id` },
      })),
      legacyBody: () => ({ [HOSTILE]: 1, text: HOSTILE }),
      newBody: () => ({ [HOSTILE]: 2, text: `${HOSTILE}!` }),
      ...{ certificates, loadRuns },
    });
    const { gateway } = fixture;
    writeJobStatus(certificates, aJobStatus({ state: 'blocked', reason: HOSTILE, holding: HOSTILE, table: HOSTILE }));
    keepHostileLoadRun(loadRuns);
    await move(gateway, 'route.0', { stage: 'shadow', reason: HOSTILE });
    await fixture.send(`/r0/${encodeURIComponent(HOSTILE)}?q=${encodeURIComponent(HOSTILE)}`, 5, {
      'x-user-id': HOSTILE,
      'user-agent': HOSTILE,
    });
    await compared(gateway, 'route.0', 5);
    const rule = {
      route: 'route.0',
      kind: 'ignore',
      path: '$.text',
      reason: HOSTILE,
      owner: HOSTILE,
      expires: '2999-01-01',
    };
    const made = await gateway.api('POST', '/api/rules', rule, { 'if-match': '*' });
    assert.equal(made.status, 201, JSON.stringify(made.body));
    await gateway.api('POST', '/api/routes/route.1/rollback', { reason: HOSTILE });
  });
  after(async () => {
    const { complaints } = fixture;
    await fixture.close();
    for (const folder of [certificates, loadRuns]) rmSync(folder, { recursive: true });
    assert.deepEqual(complaints, []);
  });

  const settled = (page: Page) => page.getByText('Loading…').first().waitFor({ state: 'detached' });

  for (const colorScheme of ['light', 'dark'] as const) {
    it(`has no serious fault of accessibility in ${colorScheme} colours`, async () => {
      const page = await fixture.open('/', { context: { colorScheme } });
      for (const path of PAGES) {
        await page.goto(`${fixture.gateway.operatorUrl}${path}`);
        await page.getByRole('heading', { level: 1 }).waitFor();
        await settled(page);
        assert.deepEqual(await faults(page), [], path);
      }
      await page.goto(fixture.gateway.operatorUrl);
      await page.getByRole('button', { name: 'Roll back all' }).click();
      await page.getByRole('alertdialog').waitFor();
      assert.deepEqual(await faults(page), [], 'a dialog');
      await page.context().close();
    });
  }

  it('shows what came from outside as the text that it is', async () => {
    const page = await fixture.open('/');
    const samples = (await fixture.gateway.api('GET', '/api/routes/route.0/samples')).body.samples;
    const paths = [
      ...PAGES,
      `/routes/route.0/differences?ruled=1&sample=${samples[0].n}`,
      `/routes/${encodeURIComponent(HOSTILE)}`,
    ];
    for (const path of paths) {
      await page.goto(`${fixture.gateway.operatorUrl}${path}`);
      await page.getByRole('navigation', { name: 'Pages' }).waitFor();
      await settled(page);
      await page.evaluate(() => {
        for (const details of globalThis.document.querySelectorAll('details')) details.open = true;
      });
      assert.equal(await page.evaluate(() => Reflect.get(globalThis, 'pwned')), undefined, path);
      assert.equal(await page.locator('main img, main script').count(), 0, path);
    }
    await page.goto(`${fixture.gateway.operatorUrl}/audit`);
    await page.getByText(HOSTILE).first().waitFor();
    await page.context().close();
  });

  it(`shows ${ROUTES} routes at 1280 pixels without scrolling sideways`, async () => {
    const page = await fixture.open('/');
    await page
      .locator('tbody tr')
      .nth(ROUTES - 1)
      .waitFor();
    assert.deepEqual(await overflow(page), { page: 0, table: 0 });
    await page.context().close();
  });

  it('can be rolled back with on a phone', async () => {
    const page = await fixture.open('/', { context: { viewport: { width: 390, height: 844 }, hasTouch: true } });
    const row = page.locator('tr[data-route="route.2"]');
    await row.waitFor();
    assert.equal((await overflow(page)).page, 0);
    await row.getByRole('button', { name: 'Roll back' }).tap();
    await page.getByRole('alertdialog').getByRole('button', { name: 'Roll back' }).tap();
    await page.getByText('route.2: back on legacy').waitFor();
    await page.context().close();
  });

  it('finds what needs attention by one click, and keeps that in the address', async () => {
    const page = await fixture.open('/');
    await page.locator('tbody tr').first().waitFor();
    await page.getByRole('button', { name: 'Needs attention' }).click();
    await page.getByText(/^\d of 60 routes$/).waitFor();
    assert.equal(new URL(page.url()).search, '?attention=1');
    await page.locator('tr[data-route="route.1"]').waitFor();
    await page.context().close();
  });
});

/** One that met its limits, missed them and did neither, of a route with a hostile name on a hostile machine. */
function keepHostileLoadRun(folder: string): void {
  const report = reportOf(measured(6, { legacy: 2, new: 2, gateway: 2.5 }));
  const outcomes = ['met', 'missed', 'unclear'] as const;
  const hostile = {
    ...{ at: RUN, met: false, machine: { ...report.machine, cpu: HOSTILE, k6: HOSTILE }, urls: { legacy: HOSTILE } },
    arms: report.arms.map((arm) => ({ ...arm, route: HOSTILE, side: HOSTILE })),
    overheads: report.overheads.map((overhead) => ({ ...overhead, route: HOSTILE, side: HOSTILE })),
    verdicts: report.verdicts.map((verdict, n) => ({
      ...verdict,
      what: `${n} ${HOSTILE}`,
      outcome: outcomes[n % outcomes.length] ?? 'met',
    })),
  };
  writeReport({ ...report, ...hostile }, folder);
}

/** Faults of accessibility that keep people out: axe's `serious` and `critical`. */
async function faults(page: Page): Promise<string[]> {
  await page.evaluate(axe.source);
  const found = await page.evaluate(async () => {
    const { violations } = await Reflect.get(globalThis, 'axe').run();
    return violations.map(({ id, impact, nodes }: { id: string; impact: string; nodes: { html: string }[] }) => ({
      id,
      impact,
      html: nodes.map((node) => node.html.slice(0, 120)),
    }));
  });
  return found
    .filter(({ impact }: { impact: string }) => impact === 'serious' || impact === 'critical')
    .map((fault: object) => JSON.stringify(fault));
}

/** By how many pixels the page, and the table in it, are wider than what is seen of them. */
function overflow(page: Page): Promise<{ page: number; table: number }> {
  return page.evaluate(() => {
    const excess = (element: Element | null) => (element ? Math.max(0, element.scrollWidth - element.clientWidth) : 0);
    return {
      page: excess(globalThis.document.scrollingElement),
      table: excess(globalThis.document.querySelector('.scroll')),
    };
  });
}

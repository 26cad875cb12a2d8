// The console while its gateway is killed with -9, and when it is back.
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import type { Browser } from 'playwright-core';
import { buildConsole } from '../../gateway/console/build.ts';
import { OPERATOR_TOKEN } from '../helpers/gateway.ts';
import { spawnServer } from '../helpers/process.ts';
import { sendJson, startUpstream, type TestServer } from '../helpers/upstream.ts';
import { launchChromium, withoutChromium } from './chromium.ts';

/** What the console promises: so long after the gateway's end nobody takes what he sees for new. */
const STALE_WITHIN_MS = 5_000;

describe('the console of a gateway that is killed', { skip: withoutChromium }, () => {
  const consoleDir = mkdtempSync(join(tmpdir(), 'banyan-killed-'));
  let backend: TestServer;
  let browser: Browser;
  before(async () => {
    backend = await startUpstream((_, outgoing) => sendJson(outgoing, 200, {}));
    [browser] = await Promise.all([launchChromium(), buildConsole(consoleDir)]);
  });
  after(async () => {
    await browser.close();
    await backend.close();
    rmSync(consoleDir, { recursive: true });
  });
  const start = (listen: string) =>
    spawnServer({ args: [join(import.meta.dirname, 'gateway-child.ts'), consoleDir, backend.url, listen] });

  it(`says within ${STALE_WITHIN_MS} ms that what it shows is old, and is of use again when the gateway is back`, async () => {
    const first = await start('127.0.0.1:0');
    const operator = first.listening.operator ?? '';
    const page = await browser.newPage();
    page.setDefaultTimeout(15_000);
    await page.clock.install();
    await page.goto(`http://${operator}/`);
    await page.getByLabel('Operator token').fill(OPERATOR_TOKEN);
    await page.getByRole('button', { name: 'Sign in', exact: true }).click();
    await page.getByRole('row', { name: /alpha\.get/ }).waitFor();
    const stale = page.getByText(/Nothing heard of the gateway for/);
    assert.equal(await stale.count(), 0);

    process.kill(first.pid, 'SIGKILL');
    await page.clock.runFor(STALE_WITHIN_MS);
    await stale.waitFor();
    assert.match((await stale.textContent()) ?? '', /what you see is old\. the gateway cannot be reached/);
    await page.getByRole('row', { name: /alpha\.get/ }).waitFor(); // What was known is still there to be read.

    const second = await start(operator);
    await page.clock.runFor(STALE_WITHIN_MS);
    // Sessions ended with the process.
    await page.getByLabel('Operator token').fill(OPERATOR_TOKEN);
    await page.getByRole('button', { name: 'Sign in', exact: true }).click();
    await page.getByRole('row', { name: /alpha\.get/ }).waitFor();
    await stale.waitFor({ state: 'detached' });
    await page.close();
    await second.stop();
  });
});

// `npm run screenshots -- [URL] [TOKEN_FILE]`: the pictures of the console in docs/console, taken of a gateway that runs: by
// default of the sandbox of `npm start -- --traffic`, after the README's tour.
import { mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Page } from 'playwright-core';
import { launchChromium } from './chromium.ts';

const OUT = join(import.meta.dirname, '..', '..', 'docs', 'console');
/** Long enough for a page to have its numbers. */
const SETTLE_MS = 3_000;

const PAGES: readonly {
  readonly name: string;
  readonly path: string;
  readonly first?: (page: Page) => Promise<void>;
}[] = [
  { name: 'routes', path: '/' },
  { name: 'route', path: '/routes/trade.order.get' },
  {
    name: 'differences',
    path: `/routes/trade.orders.list/differences?path=${encodeURIComponent('$.orders[?order_id].fee')}`,
    first: async (page) => {
      // A short answer is kept whole, and shown line by line.
      const short = page.getByRole('button', { name: /limit=10$/ });
      const any = page.getByRole('button', { name: /^GET/ });
      await ((await short.count()) > 0 ? short : any).first().click();
      await page.locator('.sides td').first().waitFor();
    },
  },
  { name: 'rules', path: '/rules?q=route:trade.orders.list' },
  { name: 'jobs', path: '/jobs' },
  { name: 'load-runs', path: '/load-runs' },
  {
    name: 'load-run',
    path: '/load-runs',
    first: async (page) => {
      await page.locator('tr[data-run] a').first().click();
      await page.getByRole('heading', { name: 'Latency' }).waitFor();
    },
  },
  { name: 'audit', path: '/audit' },
  { name: 'instances', path: '/instances' },
];

const [url = 'http://127.0.0.1:8081', tokenFile = '.data/operator.token'] = process.argv.slice(2);
const token = readFileSync(tokenFile, 'utf8').trim();
mkdirSync(OUT, { recursive: true });
const browser = await launchChromium();
try {
  for (const colorScheme of ['light', 'dark'] as const) {
    const page = await browser.newPage({ viewport: { width: 1_280, height: 900 }, colorScheme });
    await page.goto(url);
    await page.getByLabel('Operator token').fill(token);
    await page.getByRole('button', { name: 'Sign in', exact: true }).click();
    await page.getByRole('navigation', { name: 'Pages' }).waitFor();
    for (const { name, path, first } of PAGES) {
      await page.goto(new URL(path, url).href);
      await page.waitForTimeout(SETTLE_MS);
      await first?.(page);
      await page.screenshot({ path: join(OUT, `${name}-${colorScheme}.png`) });
    }
    await page.close();
  }
} finally {
  await browser.close();
}

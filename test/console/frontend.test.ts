// A flip from the user's chair: the sandbox's frontend is open in a browser while the routes of its streams and reads are moved
// between the sides again and again. Nothing flickers, nothing is lost, and what is closed comes back by itself.
import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import type { Browser, Page } from 'playwright-core';
import { eventually } from '../helpers/deadline.ts';
import { type SpawnedServer, spawnServer } from '../helpers/process.ts';
import { dataFolder } from '../sandbox/postgres/postgres.ts';
import { TRADERS } from '../sandbox/seed/users.ts';
import { launchChromium, withoutChromium } from './chromium.ts';

const ROUTES = [
  'trade.order.create',
  'stream.trading',
  'stream.price',
  'stream.orders',
  'trade.orders.list',
  'positions.list',
];
const STAGES = ['live', 'legacy', 'live', 'legacy'];
/** Orders placed around each flip, one every so often. */
const ORDERS = 10;
const ORDER_PAUSE_MS = 150;
const USER = TRADERS[0] ?? '';
/** A drained stream ends within the sandbox's jitter, and comes back after its own pause. */
const FLIP_WAIT_MS = 20_000;

interface StreamCounts {
  readonly messages: number;
  readonly missed: number;
  readonly repeated: number;
  readonly gaps: number;
  readonly openings: number;
  readonly isOpen: boolean;
}
interface PageState {
  readonly streams: Readonly<Record<string, StreamCounts>>;
  readonly reads: Readonly<Record<string, { readonly ok: number; readonly failed: number; readonly side: string }>>;
  /** Rows that were taken from a table. */
  readonly rowsGone: number;
  readonly rows: number;
}

describe('the frontend while its routes are flipped', { skip: withoutChromium }, () => {
  const dataDir = mkdtempSync(join(tmpdir(), 'banyan-frontend-'));
  let sandbox: SpawnedServer;
  let browser: Browser;
  let page: Page;
  const errors: string[] = [];
  before(async () => {
    const args = ['test/sandbox/start.ts', '--data', dataDir, '--port-base', '0', '--traffic'];
    sandbox = await spawnServer({ args, readyMs: 60_000, stopMs: 30_000 });
    browser = await launchChromium();
    page = await browser.newPage();
    page.on('pageerror', (error) => errors.push(error.message));
    await page.goto(`http://${sandbox.listening.frontend}`);
    await page.getByLabel('User').fill(USER);
    await page.getByLabel('User').press('Enter');
    await eventually(
      async () => Object.values((await look()).streams).every(({ isOpen }) => isOpen),
      'the streams to be open',
    );
    await page.locator('#orders tr').first().waitFor();
    await page.locator('#book tr').first().waitFor();
    await watchRows();
  });
  after(async () => {
    await browser?.close();
    await sandbox?.stop();
    rmSync(dataFolder(join(dataDir, 'postgres')), { recursive: true, force: true });
    rmSync(dataDir, { recursive: true, force: true });
    assert.deepEqual(errors, []);
  });

  const watchRows = () =>
    page.evaluate(() => {
      Reflect.set(globalThis, 'rowsGone', 0);
      const observer = new MutationObserver((changes) => {
        const gone = changes.reduce((sum, { removedNodes }) => sum + removedNodes.length, 0);
        Reflect.set(globalThis, 'rowsGone', Reflect.get(globalThis, 'rowsGone') + gone);
      });
      for (const body of globalThis.document.querySelectorAll('tbody')) observer.observe(body, { childList: true });
    });

  const look = (): Promise<PageState> =>
    page.evaluate(() => {
      const own = Reflect.get(globalThis, 'page');
      return {
        streams: own.streams(),
        reads: own.reads(),
        rowsGone: Reflect.get(globalThis, 'rowsGone'),
        rows: globalThis.document.querySelectorAll('tbody tr').length,
      };
    });

  async function flip(stage: string): Promise<void> {
    const token = readFileSync(join(dataDir, 'operator.token'), 'utf8').trim();
    for (const route of ROUTES) {
      const answer = await fetch(`http://${sandbox.listening.operator}/api/routes/${route}/stage`, {
        method: 'PUT',
        headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json', 'if-match': '*' },
        body: JSON.stringify({ stage, reason: 'test' }),
      });
      assert.equal(answer.status, 200, await answer.text());
    }
  }

  /** Places resting orders, one after the other; answers their ids, and which of them the new side took and so announced. */
  async function trade(): Promise<{ ids: string[]; announced: string[] }> {
    const order = { symbol: 'BTCUSDT', side: 'BUY', order_type: 'LIMIT', quantity: '0.01', price: '60000' };
    const ids: string[] = [];
    const announced: string[] = []; // Legacy announces none: it never had streams of orders.
    for (let n = 0; n < ORDERS; n++) {
      const answer = await fetch(`http://${sandbox.listening.traffic}/api/trade/order`, {
        method: 'POST',
        headers: { 'content-type': 'application/json', 'x-user-id': USER },
        body: JSON.stringify({ user_id: USER, ...order }),
      });
      const body: { readonly order_id?: string } = await answer.json();
      assert.equal(answer.status, 201, JSON.stringify(body));
      ids.push(body.order_id ?? '');
      if (answer.headers.get('x-banyan-side') === 'new') announced.push(body.order_id ?? '');
      await delay(ORDER_PAUSE_MS);
    }
    return { ids, announced };
  }

  it('loses no message, no row and no read, and is served by both sides', async () => {
    const sides = new Set<string>();
    const placed: string[] = [];
    let announcedCount = 0;
    for (const stage of STAGES) {
      const before = await look();
      const [{ ids, announced }] = await Promise.all([trade(), flip(stage)]);
      placed.push(...ids);
      announcedCount += announced.length;
      const side = stage === 'live' ? 'new' : 'legacy';
      await eventually(
        async () => {
          const now = await look();
          const isBack = Object.entries(now.streams).every(
            ([name, { openings, isOpen }]) => isOpen && openings > (before.streams[name]?.openings ?? 0),
          );
          const isRead = Object.values(now.reads).every((read) => read.side === side);
          return isBack && isRead;
        },
        `every stream and read to be on ${side}`,
        FLIP_WAIT_MS,
      );
      for (const read of Object.values((await look()).reads)) sides.add(read.side);
    }
    // What comes last has arrived: the page has every order that was placed, by its streams or by reading.
    await eventually(async () => {
      const shown = await page.locator('#orders tr').evaluateAll((rows) => rows.map(({ dataset }) => dataset.key));
      return placed.every((id) => shown.includes(id));
    }, 'every order that was placed to be shown');
    const { streams, reads, rowsGone, rows } = await look();
    assert.ok(announcedCount > 0);
    assert.ok((streams.orders?.messages ?? 0) >= announcedCount, JSON.stringify(streams.orders));
    for (const [name, { missed, repeated, gaps }] of Object.entries(streams)) {
      assert.deepEqual({ missed, repeated, gaps }, { missed: 0, repeated: 0, gaps: 0 }, name);
    }
    for (const [name, { failed }] of Object.entries(reads)) assert.equal(failed, 0, name);
    assert.equal(rowsGone, 0);
    assert.ok(rows > 0);
    assert.deepEqual([...sides].sort(), ['legacy', 'new']);
  });
});

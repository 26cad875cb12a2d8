// What the console shows is true: every number of the routes page against /metrics, and both against what a client counted itself.
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import type { Page } from 'playwright-core';
import { formatCount, formatRate, formatShare } from '../../gateway/console/format.ts';
import { withoutChromium } from './chromium.ts';
import { type ConsoleFixture, compared, move, startConsole } from './setup.ts';

/** What rates are over. The gateway's clock stands still, so that all requests are of one second. */
const RATE_SECONDS = 60;
const REQUESTS = 36;
const SIDES = ['legacy', 'new'] as const;

const numberIn = (path: string) => Number(path.split('/')[2]);
/** On these the new side says something else. */
const isWrong = (path: string) => path.startsWith('/shadowed') && numberIn(path) % 3 === 0;
const isBroken = (path: string) => path.startsWith('/split') && numberIn(path) % 4 === 0;

interface Tally {
  requests: number;
  errors: number;
}
type Counted = Record<(typeof SIDES)[number], Tally>;

describe('the numbers of the routes page', { skip: withoutChromium }, () => {
  const stoodStill = new Date();
  const counted = new Map<string, Counted>();
  let fixture: ConsoleFixture;
  let metrics = '';
  let page: Page;
  before(async () => {
    const match = (path: string) => ({ methods: ['GET'], path });
    fixture = await startConsole({
      routes: [
        { id: 'shadowed', match: match('/shadowed/:n') },
        { id: 'split', match: match('/split/:n') },
        { id: 'moved', match: match('/moved/:n') },
        { id: 'idle', match: match('/idle/:n') },
      ],
      newBody: (path) => ({ price: isWrong(path) ? 2 : 1 }),
      newStatus: (path) => (isBroken(path) ? 500 : 200),
      now: () => stoodStill,
    });
    const { gateway } = fixture;
    await move(gateway, 'shadowed', { stage: 'shadow' });
    await move(gateway, 'split', { stage: 'canary', percent: 50 });
    await move(gateway, 'moved', { stage: 'complete' });
    for (const route of ['shadowed', 'split', 'moved']) for (let n = 0; n < REQUESTS; n++) await ask(route, n);
    await compared(gateway, 'shadowed', REQUESTS);
    await compared(gateway, 'split', REQUESTS);
    metrics = (await gateway.api('GET', '/metrics')).body;
    page = await fixture.open('/');
    await row('shadowed').waitFor();
  });
  after(async () => {
    const { complaints } = fixture;
    await fixture.close();
    assert.deepEqual(complaints, []);
  });

  /** Asks, and notes which side says that it answered, and how. */
  async function ask(route: string, n: number): Promise<void> {
    const headers = { 'x-user-id': `user-${n}` };
    const answer = await fetch(`${fixture.gateway.url}/${route}/${n}`, { headers });
    await answer.arrayBuffer();
    const none = () => ({ requests: 0, errors: 0 });
    const sides: Counted = counted.get(route) ?? { legacy: none(), new: none() };
    counted.set(route, sides);
    const side = SIDES.find((each) => each === answer.headers.get('x-banyan-side'));
    assert.ok(side, `${route} was answered by nobody`);
    sides[side].requests += 1;
    if (answer.status >= 500) sides[side].errors += 1;
  }

  const of = (route: string): Counted =>
    counted.get(route) ?? { legacy: { requests: 0, errors: 0 }, new: { requests: 0, errors: 0 } };
  const row = (route: string) => page.locator(`tr[data-route="${route}"]`);
  const cell = async (route: string, column: string) =>
    (await row(route).locator(`td.${column}`).innerText()).replaceAll(/\s+/g, ' ').trim();
  /** The sum of the samples of a metric that have all of these labels. */
  function metric(name: string, labels: Readonly<Record<string, string>>): number {
    const wanted = Object.entries(labels).map(([label, value]) => `${label}="${value}"`);
    const samples = metrics.split('\n').filter((line) => line.startsWith(`${name}{`));
    const found = samples.filter((line) => wanted.every((label) => line.includes(label)));
    return found.reduce((sum, line) => sum + Number(line.split(' ').at(-1)), 0);
  }
  const outcome = (route: string, name: string) => metric('banyan_mirror_outcomes_total', { route, outcome: name });

  it('are of a client that was served by both sides, and failed by one', () => {
    const { legacy, new: fresh } = of('split');
    assert.ok(legacy.requests > 0 && fresh.requests > 0 && fresh.errors > 0, JSON.stringify(of('split')));
  });

  for (const route of ['shadowed', 'split', 'moved', 'idle']) {
    it(`rates and errors of ${route} are those of /metrics and of the client`, async () => {
      for (const side of SIDES) {
        const { requests, errors } = of(route)[side];
        assert.equal(metric('banyan_requests_total', { route, side }), requests, `${side}: requests`);
        assert.equal(metric('banyan_requests_total', { route, side, code: '5xx' }), errors, `${side}: errors`);
      }
      const both = (text: (tally: Tally) => string) => SIDES.map((side) => text(of(route)[side])).join(' / ');
      assert.equal(
        await cell(route, 'rate'),
        both(({ requests }) => formatRate(requests / RATE_SECONDS)),
      );
      const share = ({ requests, errors }: Tally) => formatShare(requests === 0 ? null : errors / requests);
      assert.equal(await cell(route, 'errors'), both(share));
    });

    it(`latencies of ${route} lie where the histograms of /metrics have them`, async () => {
      for (const [column, quantile] of [
        ['p50', 0.5],
        ['p99', 0.99],
      ] as const) {
        const shown = (await cell(route, column)).split(' / ');
        for (const [index, side] of SIDES.entries()) {
          const { requests } = of(route)[side];
          if (requests === 0) assert.equal(shown[index], '–', `${column} of ${side}`);
          else assertWithin(Number(shown[index]), bucketOf(route, side, quantile), `${column} of ${side}`);
        }
      }
    });
  }

  /** The edges, in ms, of the bucket that a quantile is in. */
  function bucketOf(route: string, side: string, quantile: number): readonly [number, number] {
    const all = metric('banyan_request_duration_seconds_count', { route, side });
    const samples = [...metrics.matchAll(/^banyan_request_duration_seconds_bucket\{(.*)\} (\d+)$/gm)]
      .filter(([, labels = '']) => labels.includes(`route="${route}"`) && labels.includes(`side="${side}"`))
      .map(([, labels = '', count]) => ({
        le: Number(/le="([^"]+)"/.exec(labels)?.[1]?.replace('+Inf', 'Infinity')),
        count: Number(count),
      }))
      .sort((a, b) => a.le - b.le);
    const at = samples.findIndex(({ count }) => count >= Math.ceil(quantile * all));
    return [(samples[at - 1]?.le ?? 0) * 1_000, (samples[at]?.le ?? 0) * 1_000];
  }

  function assertWithin(ms: number, [low, high]: readonly [number, number], what: string): void {
    // The page's histogram keeps two digits of microseconds, and is shown with one place.
    assert.ok(ms >= low * 0.98 - 0.1 && ms <= high * 1.02 + 0.1, `${what}: ${ms} is not from ${low} to ${high} ms`);
  }

  it('what was compared and what differs is what /metrics has, and what the backends were made to differ in', async () => {
    const wrong = Array.from({ length: REQUESTS }, (_, n) => n).filter((n) => n % 3 === 0).length;
    assert.equal(outcome('shadowed', 'mismatch'), wrong);
    assert.equal(outcome('shadowed', 'match'), REQUESTS - wrong);
    assert.equal(await cell('shadowed', 'mismatches'), formatCount(wrong));
    for (const route of ['shadowed', 'split']) {
      const [match, ignored] = [outcome(route, 'match'), outcome(route, 'ignored')];
      const compared = match + ignored + outcome(route, 'mismatch') + outcome(route, 'new_error');
      const eligible = metric('banyan_mirror_outcomes_total', { route });
      assert.equal(eligible, REQUESTS, `${route}: eligible`);
      const parity = formatShare((match + ignored) / compared);
      assert.equal(await cell(route, 'parity'), `${parity} of ${formatShare(compared / eligible, 0)}`);
    }
    for (const route of ['moved', 'idle']) assert.equal(await cell(route, 'mismatches'), '–');
  });

  it('stages are counted as the routes have them, and the last flip is that of the audit log', async () => {
    const counts = await page.locator('dl.stages > div').allInnerTexts();
    assert.deepEqual(
      counts.map((text) => text.replace(/\s+/, ' ')),
      ['legacy 1', 'shadow 1', 'canary 1', 'live 0', 'complete 1'],
    );
    const { entries } = (await fixture.gateway.api('GET', '/api/audit?route=split')).body;
    const flip = row('split').locator('td.flip');
    assert.equal(await flip.locator('time').getAttribute('datetime'), entries[0].at);
    assert.match(await flip.innerText(), new RegExp(`^${entries[0].actor} `));
  });
});

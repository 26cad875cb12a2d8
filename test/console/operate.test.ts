// The console in a real browser, as an operator uses it: by keyboard, with others, and while the gateway dies.
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { OPERATIONS } from '../../gateway/operator/contract/operations.ts';
import { eventually } from '../helpers/deadline.ts';
import { OPERATOR_TOKEN, VIEWER_TOKEN } from '../helpers/gateway.ts';
import { withoutChromium } from './chromium.ts';
import { type ConsoleFixture, compared, move, startConsole } from './setup.ts';

const WRONG = '0.07';

/** On these the new side says something else: all of beta, and every third of delta. */
function isWrong(path: string): boolean {
  const [, n] = /^\/delta\/(\d+)$/.exec(path) ?? [];
  return path.startsWith('/beta') || (n !== undefined && Number(n) % 3 === 0);
}

describe('the console', { skip: withoutChromium }, () => {
  let fixture: ConsoleFixture;
  before(async () => {
    fixture = await startConsole({
      routes: [
        { id: 'alpha.get', group: 'first', match: { methods: ['GET'], path: '/alpha/:id' } },
        { id: 'beta.get', match: { methods: ['GET'], path: '/beta/:id' } },
        { id: 'delta.get', match: { methods: ['GET'], path: '/delta/:n' } },
        { id: 'gamma.put', match: { methods: ['PUT'], path: '/gamma/:id' } },
      ],
      links: { trace: 'https://traces.test/find?id={requestId}' },
      legacyBody: () => ({ fee: '0.05', list: [{ id: 1 }] }),
      newBody: (path) => ({ fee: isWrong(path) ? WRONG : '0.05', list: [{ id: 1 }] }),
    });
  });
  after(async () => {
    const { complaints } = fixture;
    await fixture.close();
    assert.deepEqual(complaints, []);
  });

  it('takes no wrong token, and says so', async () => {
    const context = await fixture.browser.newContext();
    const page = await context.newPage();
    await page.goto(fixture.gateway.operatorUrl);
    await page.getByLabel('Operator token').fill('wrong');
    await page.getByRole('button', { name: 'Sign in', exact: true }).click();
    await page.getByRole('alert').waitFor();
    assert.equal(await page.getByRole('navigation').count(), 0);
    await context.close();
  });

  it('keeps the session in a cookie that scripts cannot read, and ends it', async () => {
    const page = await fixture.open('/');
    const [cookie] = await page.context().cookies();
    assert.equal(cookie?.httpOnly, true);
    assert.equal(cookie?.sameSite, 'Strict');
    assert.equal(await page.evaluate(() => globalThis.document.cookie), '');
    await page.getByRole('button', { name: 'Sign out' }).click();
    await page.getByLabel('Operator token').waitFor();
    await page.context().close();
  });

  it('flips a route and rolls it back by keyboard alone', async () => {
    const page = await fixture.open('/');
    await page.getByRole('row', { name: /alpha\.get/ }).waitFor();
    await page.keyboard.press('j');
    await page.keyboard.press('Enter');
    await page.getByRole('heading', { level: 1, name: 'alpha.get' }).waitFor();
    await page.getByRole('radio', { name: 'legacy' }).focus();
    await page.keyboard.press('ArrowDown');
    await page.keyboard.press('Tab'); // How many are copied.
    await page.keyboard.press('Tab');
    await page.keyboard.press('Enter');
    await page.getByRole('alertdialog', { name: 'Move alpha.get to shadow' }).waitFor();
    // The safe button has the focus; the next one is the move.
    await page.keyboard.press('Tab');
    await page.keyboard.press('Enter');
    await page.getByText('alpha.get is in shadow').waitFor();
    assert.equal((await fixture.gateway.api('GET', '/api/routes/alpha.get')).body.stage, 'shadow');

    await page.keyboard.press('g');
    await page.keyboard.press('r');
    await page.getByRole('row', { name: /alpha\.get/ }).waitFor();
    await page.keyboard.press('j');
    await page.keyboard.press('R');
    await page.getByRole('alertdialog', { name: 'Roll back alpha.get' }).waitFor();
    await page.keyboard.press('Enter');
    await page.getByText('alpha.get: back on legacy').waitFor();
    const { body } = await fixture.gateway.api('GET', '/api/routes/alpha.get');
    assert.equal(body.override.side, 'legacy');
    const { entries } = (await fixture.gateway.api('GET', '/api/audit?limit=1')).body;
    assert.equal(entries[0].action, 'rollback');
    assert.equal(entries[0].source, 'console');
    assert.equal(entries[0].reason, 'ops: roll back alpha.get');
    await page.context().close();
  });

  it('shows a difference, previews a rule, saves it, and the difference is covered', async () => {
    const { gateway } = fixture;
    await move(gateway, 'beta.get', { stage: 'shadow' });
    await fixture.send('/beta/1', 12);
    await compared(gateway, 'beta.get', 12);
    const page = await fixture.open('/routes/beta.get/differences');
    const row = page.getByRole('row', { name: /fee/ });
    await row.waitFor();
    assert.match((await row.textContent()) ?? '', /changed12100 %/);

    await page
      .getByRole('button', { name: /GET \/beta\/1/ })
      .first()
      .click();
    const marked = page.locator('.sides mark');
    await marked.first().waitFor();
    assert.deepEqual(
      (await marked.allTextContents()).map((text) => text.trim()),
      ['"fee": "0.05",', `"fee": "${WRONG}",`],
    );

    await row.getByRole('button', { name: /Make a rule/ }).click();
    await page.getByRole('radio', { name: 'ignore it' }).check();
    await page.getByText('Hides 12 of 12 differences').waitFor();
    await page.getByLabel('Reason').fill('fees are rounded differently');
    await page.getByRole('button', { name: 'Save the rule' }).click();
    await page.getByText('the rule is in force').waitFor();
    // What was counted stays counted; of what comes now nothing is.
    await fixture.send('/beta/1', 12);
    await page.getByText('12 of 24 requests differ').waitFor();
    assert.match((await row.first().textContent()) ?? '', /changed1250\.00 %/); // 100 % before.
    await page.goto(`${gateway.operatorUrl}/?q=id:beta.get`);
    await page.locator('td.parity', { hasText: /^50\.00 %/ }).waitFor(); // 0 % before the rule.
    assert.equal(await page.locator('td.mismatches').textContent(), '12');
    assert.equal((await compared(gateway, 'beta.get', 24)).outcomes.mismatch, 12);

    await page.goto(`${gateway.operatorUrl}/rules?q=source:operator`);
    await page.getByRole('row', { name: /fees are rounded differently/ }).waitFor();
    await page.context().close();
  });

  it('tells the second of two operators that the first was quicker', async () => {
    const page = await fixture.open('/routes/beta.get');
    await page.getByRole('radio', { name: 'live' }).check();
    await page.getByRole('button', { name: /Move to live/ }).click();
    const dialog = page.getByRole('alertdialog');
    await dialog.waitFor();
    await move(fixture.gateway, 'beta.get', { stage: 'canary', percent: 5 });
    await dialog.getByRole('button', { name: 'Move to live' }).click();
    await dialog.getByRole('alert').waitFor();
    assert.match(
      (await dialog.getByRole('alert').textContent()) ?? '',
      /has changed since you looked .* Changed by ops at .*: test\./,
    );
    assert.equal((await fixture.gateway.api('GET', '/api/routes/beta.get')).body.stage, 'canary');
    await page.context().close();
  });

  it('wants the name typed before it gives up the proof of the way back', async () => {
    const page = await fixture.open('/routes/beta.get');
    await page.getByRole('radio', { name: 'complete' }).check();
    await page.getByRole('button', { name: /Move to complete/ }).click();
    const button = page.getByRole('alertdialog').getByRole('button', { name: 'Move to complete' });
    assert.equal(await button.isDisabled(), true);
    await page.getByLabel(/Type beta\.get/).fill('beta.get');
    assert.equal(await button.isDisabled(), false);
    await page.keyboard.press('Escape');
    await page.getByRole('alertdialog').waitFor({ state: 'detached' });
    await page.context().close();
  });

  it('gives a viewer nothing that changes anything, and the gateway refuses it too', async () => {
    const page = await fixture.open('/', { token: VIEWER_TOKEN });
    await page.getByRole('row', { name: /beta\.get/ }).waitFor();
    assert.equal(await page.getByRole('button', { name: /roll back/i }).count(), 0);
    await page.keyboard.press('j');
    await page.keyboard.press('R');
    assert.equal(await page.getByRole('alertdialog').count(), 0);
    await page.goto(`${fixture.gateway.operatorUrl}/routes/beta.get`);
    await page.getByText('read only').waitFor();
    assert.equal(await page.getByRole('radio').count(), 0);
    // By hand too, with the session that the page has, by everything that changes anything.
    const changing = OPERATIONS.filter(
      ({ method, access }) => method !== 'GET' && access !== 'viewer' && access !== 'anyone',
    );
    assert.ok(changing.length > 10);
    for (const { method, path } of changing) {
      const target = path.replace(':id', 'beta.get').replace(':n', '1');
      const status = await page.evaluate(
        async ([by, to]) => {
          const headers = { 'content-type': 'application/json', 'if-match': '*', 'x-banyan-client': 'console' };
          const body = JSON.stringify({ reason: 'by hand', stage: 'live', paused: true, action: 'start' });
          return (await fetch(to, { method: by, headers, body })).status;
        },
        [method, target] as const,
      );
      assert.equal(status, 403, `${method} ${target}`);
    }
    await page.context().close();
  });

  it('shows the same rows in another browser that opens the same address', async () => {
    const page = await fixture.open('/');
    await page.getByRole('row', { name: /beta\.get/ }).waitFor();
    await page.getByRole('button', { name: /^Stage/ }).click();
    await page.getByRole('button', { name: /^Stage/ }).click();
    await page.getByLabel('Filter routes').fill('get !stage:shadow');
    const rows = await page.locator('tbody tr').evaluateAll((all) => all.map((row) => row.getAttribute('data-route')));
    const url = new URL(page.url());
    assert.equal(url.search, '?sort=-stage&q=get+%21stage%3Ashadow');
    const other = await fixture.open(url.pathname + url.search);
    await other.locator('tbody tr').first().waitFor();
    const same = await other.locator('tbody tr').evaluateAll((all) => all.map((row) => row.getAttribute('data-route')));
    assert.deepEqual(same, rows);
    await page.context().close();
    await other.context().close();
  });

  it('shows on the routes page what /metrics says and what was sent', async () => {
    const { gateway } = fixture;
    await move(gateway, 'delta.get', { stage: 'canary', percent: 50 });
    const sent = 30;
    // Every user asks once, half of them the new side; every third path differs.
    for (let n = 0; n < sent; n++) {
      await (await fetch(`${gateway.url}/delta/${n}`, { headers: { 'x-user-id': `user-${n}` } })).arrayBuffer();
    }
    const { outcomes } = await compared(gateway, 'delta.get', sent);
    const page = await fixture.open('/?q=id:delta.get');
    const cell = async (column: string) => (await page.locator(`td.${column}`).textContent())?.trim();
    await page.locator('tr[data-route="delta.get"]').waitFor();

    const scraped = await (await fetch(`${gateway.operatorUrl}/metrics`)).text();
    const metric = (name: string, ...labels: readonly string[]) =>
      [...scraped.matchAll(new RegExp(`^${name}\\{([^}]*)\\} (\\d+)$`, 'gm'))]
        .filter(([, found = '']) => ['route="delta.get"', ...labels].every((label) => found.includes(label)))
        .reduce((total, [, , count]) => total + Number(count), 0);
    const served = {
      legacy: metric('banyan_requests_total', 'side="legacy"'),
      new: metric('banyan_requests_total', 'side="new"'),
    };
    assert.equal(served.legacy + served.new, sent);
    assert.equal(await cell('rate'), `${(served.legacy / 60).toFixed(1)} / ${(served.new / 60).toFixed(1)}`);
    assert.equal(await cell('errors'), '0 % / 0 %');
    const mismatches = metric('banyan_mirror_outcomes_total', 'outcome="mismatch"');
    assert.equal(mismatches, Math.ceil(sent / 3));
    assert.equal(outcomes.mismatch, mismatches);
    assert.equal(await cell('mismatches'), String(mismatches));
    assert.match((await cell('parity')) ?? '', /^\d\d\.\d\d % of 100 %$/);
    await page.context().close();
  });

  it('says that what it shows is old once the gateway is gone, and what to do when it is asked to act', async () => {
    const page = await fixture.open('/');
    await page.getByRole('row', { name: /beta\.get/ }).waitFor();
    await page.context().setOffline(true);
    await page.getByText(/Nothing heard of the gateway for/).waitFor();
    await page.context().setOffline(false);
    await page.getByText(/Nothing heard of the gateway for/).waitFor({ state: 'detached' });
    await page.context().close();
  });

  it('says before a rollback what new has that legacy lacks', async () => {
    const { gateway } = fixture;
    await move(gateway, 'gamma.put', { stage: 'live' });
    for (const id of ['17', '18']) await (await fetch(`${gateway.url}/gamma/${id}`, { method: 'PUT' })).arrayBuffer();
    await eventually(
      async () => (await gateway.api('GET', '/api/routes/gamma.put')).body.writesLegacyLacks.count === 2,
      'both writes to be counted',
    );
    const page = await fixture.open('/routes/gamma.put');
    await page.getByText('2 writes that new has accepted, since').waitFor();
    await page.getByText('The first and the latest').click();
    await page.getByText('no. 2').waitFor();
    await page.keyboard.press('R');
    const dialog = page.getByRole('alertdialog', { name: 'Roll back gamma.put' });
    await dialog.getByText('2 writes that new has accepted are not on legacy').waitFor();
    await page.keyboard.press('Enter');
    await page.getByText('gamma.put: back on legacy').waitFor();
    await page.context().close();
  });

  it('leads from a sample to where the request is in the tools of the team', async () => {
    const page = await fixture.open('/routes/beta.get/differences');
    await page
      .getByRole('button', { name: /GET \/beta\/1/ })
      .first()
      .click();
    const link = page.getByRole('link', { name: 'trace' });
    await link.waitFor();
    assert.match((await link.getAttribute('href')) ?? '', /^https:\/\/traces\.test\/find\?id=[0-9a-f-]{36}$/);
    await page.context().close();
  });

  it('never has the token in its address, its storage or its page', async () => {
    const page = await fixture.open('/');
    await page.getByRole('row', { name: /beta\.get/ }).waitFor();
    const kept = await page.evaluate(() =>
      JSON.stringify({ ...globalThis.localStorage, ...globalThis.sessionStorage }),
    );
    for (const text of [kept, page.url(), await page.content()]) assert.equal(text.includes(OPERATOR_TOKEN), false);
    await page.context().close();
  });
});

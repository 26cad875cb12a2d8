// Rules that operators make, over the API: in force at once, durable, previewed, and loud when they end.
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { describe, it } from 'node:test';
import { closingAfterEach } from '../../helpers/closing.ts';
import { eventually } from '../../helpers/deadline.ts';
import { routeOn, startTestGateway, type TestGateway, VIEWER_TOKEN } from '../../helpers/gateway.ts';
import { sendJson, startUpstream } from '../../helpers/upstream.ts';

const kept = closingAfterEach();

const TODAY = '2026-03-02T12:00:00.000Z';
const RULE = { route: 'test.route', kind: 'ignore', path: '$.fee', reason: 'rounded elsewhere', owner: 'trading' };
const ANY = { 'if-match': '*' };

interface Options {
  readonly compare?: object;
  readonly folder?: string;
  readonly now?: () => Date;
  readonly routes?: readonly unknown[];
}

/** A shadowed route whose sides answer what `legacy` and `fresh` say. */
async function shadowing(legacy: unknown, fresh: unknown, options: Options = {}): Promise<TestGateway> {
  const { compare = {}, folder, now = () => new Date(TODAY) } = options;
  const answering = async (body: unknown) =>
    (await kept(startUpstream((_, outgoing) => sendJson(outgoing, 200, body)))).url;
  const sides = { legacy: await answering(legacy), new: await answering(fresh) };
  const routes = options.routes ?? [routeOn('/*', { initialStage: 'shadow', compare })];
  return kept(startTestGateway({ ...sides, routes, now, ...(folder === undefined ? {} : { folder }) }));
}

/** Sends requests one after the other, and answers what comparing has found once all are judged. */
async function compared(gateway: TestGateway, requests: number) {
  const path = '/api/routes/test.route/comparisons';
  const { eligible } = (await gateway.api('GET', path)).body;
  for (let i = 0; i < requests; i++) await (await fetch(`${gateway.url}/x`)).text();
  return eventually(async () => {
    const { body } = await gateway.api('GET', path);
    return body.eligible === eligible + requests && body.pending === 0 && body;
  }, `${requests} judged requests`);
}

const add = (gateway: TestGateway, change: object = {}, headers: Record<string, string> = ANY) =>
  gateway.api('POST', '/api/rules', { expires: '2026-04-01', ...RULE, ...change }, headers);

describe('a rule that an operator makes', () => {
  it('is in force for the next request, and gone with its removal', async () => {
    const gateway = await shadowing({ fee: 1 }, { fee: 2 });
    assert.equal((await compared(gateway, 2)).outcomes.mismatch, 2);
    const made = await add(gateway);
    assert.equal(made.status, 201);
    assert.equal(made.headers.get('etag'), '"1"');
    const after = await compared(gateway, 3);
    assert.deepEqual([after.outcomes.mismatch, after.outcomes.ignored], [2, 3]);
    const listed = (await gateway.api('GET', '/api/rules?route=test.route')).body;
    assert.deepEqual(listed, {
      revision: 1,
      rules: [
        {
          id: made.body.id,
          route: 'test.route',
          kind: 'ignore',
          source: 'operator',
          rule: { path: '$.fee' },
          reason: 'rounded elsewhere',
          owner: 'trading',
          expires: '2026-04-01',
          permanent: null,
          createdBy: 'ops',
          createdAt: TODAY,
          state: 'active',
          daysLeft: 30,
          covers: 3,
        },
      ],
    });
    const removed = await gateway.api(
      'DELETE',
      `/api/rules/${made.body.id}`,
      { reason: 'fixed' },
      { 'if-match': '"1"' },
    );
    assert.equal(removed.status, 200);
    assert.equal((await compared(gateway, 1)).outcomes.mismatch, 3);
    assert.deepEqual((await gateway.api('GET', '/api/rules')).body.rules, []);
  });

  it('of any kind of the configuration is taken, with the same fields', async () => {
    const gateway = await shadowing({ n: 1, at: [1, 2] }, { n: '1.0', at: [2, 1] });
    assert.equal((await compared(gateway, 1)).outcomes.mismatch, 1);
    const number = await add(gateway, { kind: 'normalise', path: '$.n', as: 'number' });
    assert.equal(number.status, 201);
    assert.equal((await add(gateway, { kind: 'arrays', path: '$.at', unordered: true })).status, 201);
    assert.equal((await compared(gateway, 1)).outcomes.match, 1);
    const { rules } = (await gateway.api('GET', '/api/rules')).body;
    assert.deepEqual(
      rules.map(({ kind, rule, covers }: { kind: string; rule: object; covers: unknown }) => [kind, rule, covers]),
      [
        ['arrays', { path: '$.at', unordered: true }, null],
        ['normalise', { path: '$.n', as: 'number' }, null],
      ],
      'the newest first',
    );
  });

  it('is kept with who made it and why, and survives a restart', async (t) => {
    const folder = mkdtempSync(join(tmpdir(), 'banyan-rules-'));
    t.after(() => rmSync(folder, { recursive: true, force: true }));
    const first = await shadowing({ fee: 1 }, { fee: 2 }, { folder });
    const { id } = (await add(first, { expires: undefined, permanent: 'legacy goes away before that' })).body;
    await first.close();
    const second = await shadowing({ fee: 1 }, { fee: 2 }, { folder });
    const { body, headers } = await second.api('GET', '/api/rules');
    assert.equal(body.rules[0].id, id);
    assert.equal(body.rules[0].permanent, 'legacy goes away before that');
    assert.equal(headers.get('etag'), '"1"');
    assert.equal((await compared(second, 1)).outcomes.ignored, 1);
    const [entry] = (await second.api('GET', '/api/audit?route=test.route&limit=1')).body.entries;
    assert.deepEqual(
      [entry.action, entry.actor, entry.reason, entry.before, entry.after.id],
      ['add_rule', 'ops', 'rounded elsewhere', null, id],
    );
    assert.equal(typeof entry.evidence.comparison.eligible, 'number');
    await second.close();
  });

  it('stands beside the rules of the configuration, which are removed there', async () => {
    const own = { ignore: [{ path: '$.debug', reason: 'known', owner: 'core' }] };
    const gateway = await shadowing({ fee: 1, debug: 1 }, { fee: 2, debug: 2 }, { compare: own });
    assert.equal((await add(gateway)).status, 201);
    assert.equal((await compared(gateway, 1)).outcomes.ignored, 1);
    const { rules } = (await gateway.api('GET', '/api/rules')).body;
    assert.deepEqual(
      rules.map(({ source, rule, covers }: { source: string; rule: { path: string }; covers: number }) => [
        source,
        rule.path,
        covers,
      ]),
      [
        ['operator', '$.fee', 1],
        ['config', '$.debug', 1],
      ],
    );
    const { settings } = (await gateway.api('GET', '/api/routes/test.route')).body;
    assert.deepEqual(
      settings.compare.ignore.map(({ path }: { path: string }) => path),
      ['$.fee', '$.debug'],
      'a route shows the rules that are in force',
    );
    const fromConfig = await gateway.api('DELETE', `/api/rules/${rules[1].id}`, { reason: 'x' }, ANY);
    assert.equal(fromConfig.status, 404);
    assert.match(fromConfig.body.detail, /rules of the configuration are removed there/);
  });

  it('is refused when it could not stand in the configuration, saying what is wrong', async () => {
    const gateway = await shadowing({}, {});
    const refused: [object, number, RegExp][] = [
      [{ route: 'nope' }, 404, /no route is called nope/],
      [{ kind: 'critical' }, 400, /no kind critical; it is one of ignore, normalise, /],
      [{ path: 'fee' }, 400, /path: expected "status"/],
      [{ path: undefined }, 400, /path: /],
      [{ kind: 'normalise' }, 400, /as: /],
      [{ kind: 'arrays' }, 400, /give "key: FIELD", "unordered: true", or both/],
      [{ as: 'number' }, 400, /Unrecognized key: "as"/],
      [{ owner: '' }, 400, /owner: /],
      [{ reason: ' ' }, 400, /reason: say why/],
      [{ expires: undefined }, 400, /expires: give its last day .* or say in permanent why/],
      [{ permanent: 'x' }, 400, /permanent: .* give one of the two/],
      [{ expires: '2026-03-01' }, 400, /expires: 2026-03-01 is over/],
      [{ expires: '2026-02-30' }, 400, /expires: /],
    ];
    for (const [change, status, detail] of refused) {
      const answer = await add(gateway, change);
      assert.equal(answer.status, status, JSON.stringify(change));
      assert.match(answer.body.detail, detail);
    }
    assert.equal((await gateway.api('GET', '/api/rules')).body.revision, 0);
  });

  it('needs the role operator, the revision that the caller has seen, and is made once', async () => {
    const gateway = await shadowing({}, {});
    const viewer = { ...ANY, authorization: `Bearer ${VIEWER_TOKEN}` };
    assert.equal((await add(gateway, {}, viewer)).status, 403);
    assert.equal((await gateway.api('DELETE', '/api/rules/x', { reason: 'x' }, viewer)).status, 403);
    assert.equal((await add(gateway, {}, {})).status, 428);
    assert.equal((await add(gateway, {}, { 'if-match': '"0"' })).status, 201);
    const stale = await add(gateway, { path: '$.other' }, { 'if-match': '"0"' });
    assert.equal(stale.status, 412);
    assert.match(stale.body.detail, /the list of rules has changed since you looked/);
    const again = await add(gateway);
    assert.equal(again.status, 409);
    assert.match(again.body.detail, /this rule exists already/);
    assert.equal((await gateway.api('DELETE', '/api/rules/nope', { reason: 'x' }, ANY)).status, 404);
    assert.equal((await gateway.api('GET', '/api/rules?route=nope')).status, 404);
  });

  it('of a route that is gone, or of a kind that is not known, has no effect and is said to', async (t) => {
    const folder = mkdtempSync(join(tmpdir(), 'banyan-rules-'));
    t.after(() => rmSync(folder, { recursive: true, force: true }));
    const first = await shadowing({}, {}, { folder });
    await add(first);
    await add(first, { path: '$.other' });
    await first.close();
    const db = new DatabaseSync(join(folder, 'gateway.db'));
    db.exec(`UPDATE rules SET kind = 'astrology' WHERE rule LIKE '%other%'`);
    db.close();
    const second = await shadowing({}, {}, { folder, routes: [routeOn('/*', { id: 'another.route' })] });
    const { rules } = (await second.api('GET', '/api/rules')).body;
    assert.deepEqual(
      rules.map(({ state }: { state: string }) => state),
      ['unknown_route', 'unreadable'],
    );
    assert.match((await second.api('GET', '/readyz')).body.warnings[0], /1 rules made by operators cannot be read/);
    for (const { id } of rules) {
      assert.equal((await second.api('DELETE', `/api/rules/${id}`, { reason: 'gone' }, ANY)).status, 200);
    }
    assert.deepEqual((await second.api('GET', '/readyz')).body.warnings, []);
    await second.close();
  });
});

describe('a rule that ends', () => {
  it('is announced before, and comes back loudly: API, attention, status, log and metrics', async () => {
    let now = new Date(TODAY);
    const gateway = await shadowing({ fee: 1 }, { fee: 2 }, { now: () => now });
    const { id } = (await add(gateway, { expires: '2026-03-05' })).body;
    const state = async () => (await gateway.api('GET', '/api/rules')).body.rules[0].state;
    const attention = async () =>
      (await gateway.api('GET', '/api/routes')).body.routes[0].attention.map(
        ({ sentence }: { sentence: string }) => sentence,
      );
    const gauge = async () =>
      String((await gateway.api('GET', '/metrics')).body)
        .split('\n')
        .filter((line) => line.startsWith('banyan_rules{'));
    const logged = () => gateway.log.filter(({ rule }) => rule === id);

    assert.equal(await state(), 'expires_soon');
    assert.deepEqual(await attention(), [
      'the rule ignore $.fee (trading) expires on 2026-03-05, 3 days are left; then what it covers counts again',
    ]);
    assert.deepEqual(await gauge(), ['banyan_rules{route="test.route",state="expires_soon"} 1']);
    assert.equal((await compared(gateway, 1)).outcomes.ignored, 1);

    now = new Date('2026-03-05T23:59:59.999Z');
    assert.match((await attention())[0], /today is its last day/);
    assert.equal((await compared(gateway, 1)).outcomes.ignored, 2);

    now = new Date('2026-03-06T00:00:00.000Z');
    assert.equal((await compared(gateway, 1)).outcomes.mismatch, 1, 'its differences count again');
    assert.equal(await state(), 'expired');
    assert.match((await attention())[0], /expired on 2026-03-05: what it covered counts again/);
    assert.equal((await gateway.api('GET', '/api/status')).body.rules.expired, 1);
    assert.deepEqual(await gauge(), ['banyan_rules{route="test.route",state="expired"} 1']);
    await gauge();
    await eventually(() => logged().length > 0, 'the log of the end');
    assert.equal(logged().length, 1, 'once');
    assert.equal(logged()[0]?.msg, 'a rule has expired: what it covered counts again');
  });
});

describe('the preview of a rule', () => {
  const preview = (gateway: TestGateway, change: object) =>
    gateway.api('POST', '/api/rules/preview', { expires: '2026-04-01', ...RULE, ...change });

  it('that ignores says how many of the counted differences it hides, and changes nothing', async () => {
    const gateway = await shadowing({ fee: 1, n: 1, tag: 'a' }, { fee: 2, n: 2, tag: 'a' });
    await compared(gateway, 3);
    const { status, body, headers } = await preview(gateway, {});
    assert.equal(status, 200);
    assert.equal(headers.get('etag'), '"0"');
    assert.deepEqual(body, {
      basis: 'counted',
      hidden: 3,
      of: 6,
      differences: [{ path: '$.fee', kind: 'changed', count: 3, critical: false }],
      samples: { of: 3, judged: 3, wouldMatch: 0 },
      warnings: [],
    });
    assert.deepEqual((await gateway.api('GET', '/api/rules')).body.rules, []);
    assert.equal((await compared(gateway, 1)).outcomes.mismatch, 4);
  });

  it('that depends on values judges the kept samples again', async () => {
    const gateway = await shadowing({ n: 1, list: [{ p: 2 }] }, { n: '1.00', list: [{ p: '2.0' }] });
    await compared(gateway, 2);
    const one = (await preview(gateway, { kind: 'normalise', path: '$.n', as: 'number' })).body;
    assert.deepEqual(one, {
      basis: 'samples',
      hidden: 2,
      of: 4,
      differences: [{ path: '$.n', kind: 'type', critical: false, count: 2 }],
      samples: { of: 2, judged: 2, wouldMatch: 0 },
      warnings: [],
    });
    const both = (await preview(gateway, { kind: 'normalise', path: '$..*', as: 'number' })).body;
    assert.deepEqual(both.samples, { of: 2, judged: 2, wouldMatch: 2 });
    assert.deepEqual(both.warnings, ['hides everything that differs so far']);
    const { samples } = (await preview(gateway, { kind: 'tolerate', path: '$.list[*].p', absolute: '0.1' })).body;
    assert.equal(samples.wouldMatch, 0, 'a number and a text are of different types');
    const scoped = (await preview(gateway, { path: '$.n', status: '4xx' })).body;
    assert.equal(scoped.basis, 'samples');
    assert.deepEqual(scoped.warnings, ['hides nothing that was found so far']);
  });

  it('with a filter in its path judges the kept samples again, and says so', async () => {
    const orders = (price: number) => ({ orders: ['BUY', 'SELL'].map((side) => ({ side, price })) });
    const compare = { critical: ["$.orders[?@.side == 'SELL'].price"] };
    const gateway = await shadowing(orders(1), orders(2), { compare });
    await compared(gateway, 2);
    const depends = 'depends on values, by its filter: only the samples that are kept tell what it does';
    const sell = (await preview(gateway, { path: "$.orders[?@.side == 'SELL'].price" })).body;
    assert.deepEqual(sell, {
      basis: 'samples',
      hidden: 2,
      of: 4,
      differences: [{ path: '$.orders[*].price', kind: 'changed', critical: true, count: 2 }],
      samples: { of: 2, judged: 2, wouldMatch: 0 },
      warnings: ['hides critical differences: $.orders[*].price (changed) in 2 requests', depends],
    });
    const none = (await preview(gateway, { path: "$.orders[?@.side == 'HOLD'].price" })).body;
    assert.deepEqual(none.warnings, [
      "may cover the critical path $.orders[?@.side == 'SELL'].price",
      'hides nothing that was found so far',
      depends,
    ]);
    const any = (await preview(gateway, { path: '$.orders[?@.price > 0].price' })).body;
    assert.equal(any.samples.wouldMatch, 2);
    assert.deepEqual(any.warnings.at(-1), depends);
    const below = (await preview(gateway, { path: '$.orders[*].price.amount' })).body;
    assert.equal(below.basis, 'counted');
    assert.equal(below.warnings[0], '$.orders[*].price.amount may be part of what is critical');
    const whole = (await preview(gateway, { path: '$.orders' })).body;
    assert.match(whole.warnings[0], /^hides critical differences: \$\.orders\[\*\]\.price \(changed\) in 2 requests/);
  });

  it('that hides some members of an array and not others does not claim to hide nothing', async () => {
    const orders = (price: number) => ({ orders: ['BUY', 'SELL'].map((side) => ({ side, price })) });
    const gateway = await shadowing(orders(1), orders(2));
    await compared(gateway, 1);
    const { hidden, of, warnings } = (await preview(gateway, { path: "$.orders[?@.side == 'BUY'].price" })).body;
    assert.deepEqual([hidden, of, warnings.length], [0, 1, 1]);
    assert.match(warnings[0], /^depends on values/);
  });

  it('warns of a rule that hides what is critical, or everything', async () => {
    const compare = { critical: ['$.orders[*].price', 'status'] };
    const gateway = await shadowing(
      { orders: [{ price: 1, fee: 1 }] },
      { orders: [{ price: 2, fee: 1 }] },
      { compare },
    );
    const warnings = async (change: object) => (await preview(gateway, change)).body.warnings;
    const nothing = 'hides nothing that was found so far';
    assert.deepEqual(await warnings({ path: '$.orders' }), ['covers the critical path $.orders[*].price', nothing]);
    assert.deepEqual(await warnings({ path: '$.orders', status: '4xx' }), [
      'covers the critical path $.orders[*].price',
      nothing,
    ]);
    assert.deepEqual(await warnings({ path: '$..price' }), ['covers the critical path $.orders[*].price', nothing]);
    assert.deepEqual(await warnings({ path: '$.orders[?id].price.amount' }), [
      '$.orders[?id].price.amount is part of what is critical',
      nothing,
    ]);
    assert.deepEqual(await warnings({ path: 'status' }), ['covers the critical path status', nothing]);
    assert.deepEqual(await warnings({ path: '$.orders[*].fee' }), [nothing]);
    assert.deepEqual(await warnings({ path: "$['a','orders']" }), [
      'covers the critical path $.orders[*].price',
      nothing,
    ]);
    await compared(gateway, 1);
    assert.deepEqual(await warnings({ path: '$' }), [
      'hides critical differences: $.orders[*].price (changed) in 1 requests',
      'covers whole bodies: nothing in them would be compared',
      'hides everything that differs so far',
    ]);
  });
});
